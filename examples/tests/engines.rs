//! Other template engines behind `req.render`: minijinja and tera as an `Engine`, askama as a reply.

use shikra::templates::{Engine, Rendering, Value, context};
use shikra::testing::TestClient;
use shikra::{App, Html, Result};

struct Minijinja(minijinja::Environment<'static>);

impl Engine for Minijinja {
    fn render_view<'a>(&'a self, view: &'a str, data: &'a Value) -> Rendering<'a> {
        Box::pin(async move {
            let data = minijinja::Value::from(minijinja::value::Serde(data));
            Ok(self.0.get_template(view)?.render(data)?)
        })
    }
}

struct Tera(tera::Tera);

impl Engine for Tera {
    fn render_view<'a>(&'a self, view: &'a str, data: &'a Value) -> Rendering<'a> {
        Box::pin(async move { Ok(self.0.render(view, &tera::Context::from_serialize(data)?)?) })
    }
}

/// What is compiled into the program needs no engine: it is a text like any other.
#[derive(askama::Template)]
#[template(source = "Hello {{ name }}", ext = "html")]
struct Hello {
    name: &'static str,
}

fn page(engine: impl Engine, view: &'static str) -> (u16, String) {
    let mut app = App::new();
    app.set_engine(engine);
    app.get("/", async move |req| req.render(view, &context! { name: "R&D" }).await);
    let reply = TestClient::new(app).get("/").send();
    (reply.status().as_u16(), reply.text())
}

#[test]
fn minijinja_is_an_engine() {
    let engine = || {
        let mut environment = minijinja::Environment::new();
        environment.add_template("hello.html", "Hello {{ name }}").unwrap();
        Minijinja(environment)
    };
    assert_eq!(page(engine(), "hello.html"), (200, "Hello R&amp;D".to_owned()));
    assert_eq!(page(engine(), "none.html").0, 500);
}

#[test]
fn tera_is_an_engine() {
    let engine = || {
        let mut tera = tera::Tera::default();
        tera.add_raw_template("hello.html", "Hello {{ name }}").unwrap();
        Tera(tera)
    };
    assert_eq!(page(engine(), "hello.html"), (200, "Hello R&amp;D".to_owned()));
    assert_eq!(page(engine(), "none.html").0, 500);
}

#[test]
fn askama_is_a_reply() {
    let mut app = App::new();
    app.get("/", async |_| -> Result<Html<String>> {
        Ok(Html(askama::Template::render(&Hello { name: "R&D" })?))
    });
    let reply = TestClient::new(app).get("/").send();
    assert_eq!(reply.text(), "Hello R&#38;D");
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
}
