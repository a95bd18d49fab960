//! Pages from templates and the application around them: what development mode shows of a mistake in
//! a template, and how an engine is installed.

use crate::support::client;
use shikra::templates::{Templates, context};
use shikra::{App, Next, Request, Response};

fn app() -> App {
    let files = [
        ("views/home.html", "<p>\n @import('../parts/list', { xs: 3 })"),
        ("views/lost.html", "one\n  {{ title. }}"),
        ("parts/list.html", "\n<ul>@for x in xs\n<li>{{ x }}</li>@endfor</ul>"),
    ];
    let mut app = App::new();
    app.set_engine(Templates::new("views").with_embedded(files));
    app.get("/:view", async |req| {
        let view: String = req.param("view")?;
        req.render(&view, &context! { title: "R&D" }).await
    });
    app
}

// HA-089, HA-099: name, line, column, the line itself, and what led there.
#[test]
fn development_shows_the_line_of_a_template() {
    let development = client(app().development());
    let show = |path: &str, accept: &str| {
        let reply = development.get(path).header("accept", accept).send();
        assert_eq!(reply.status(), 500);
        reply.text()
    };
    let told = "parts/list:2:15: a loop wants a list, this is a number\n  \
        | <ul>@for x in xs\n  |               ^\n  from views/home:2:2";
    let text = show("/home", "text/plain");
    assert!(text.contains(&format!("caused by: {told}\n")), "{text}");
    assert!(text.starts_with("500 Internal Server Error: parts/list:2:15: a loop"), "{text}");
    let page = show("/home", "text/html");
    let escaped = told.replace('<', "&lt;").replace('>', "&gt;");
    assert!(page.contains(&format!("<li><pre>{escaped}</pre></li>")), "{page}");
    assert!(page.contains("<h1>parts/list:2:15: a loop wants a list, this is a number</h1>"));
    let problem: serde_json::Value =
        serde_json::from_str(&show("/home", "application/json")).unwrap();
    assert_eq!(problem["causes"][0], told);
    // A mistake that is found when the template is loaded.
    let text = show("/lost", "text/plain");
    assert!(text.contains("views/lost:2:") && text.contains("  |   {{ title. }}\n"), "{text}");
}

#[test]
fn clients_see_nothing_of_it_otherwise() {
    let client = client(app());
    for accept in ["text/html", "text/plain", "application/json"] {
        let text = client.get("/home").header("accept", accept).send().text();
        assert!(!text.contains("parts/list") && !text.contains("@for"), "{text}");
    }
}

async fn nonce(req: Request, next: Next) -> Response {
    req.add_page_plugin("generateNonce", || "bm9uY2U");
    next.run(req).await
}

// HA-091: what is installed is what `render` uses, before or after the routes and the middleware that
// knows the nonce; without one the nonce is empty.
#[test]
fn an_engine_is_installed_in_either_order() {
    let engine = || {
        let page = "<script nonce=\"{{ generateNonce() }}\"></script>";
        Templates::new("views").with_embedded([("views/home.html", page)])
    };
    let routes = |app: &mut App| {
        app.get("/", async |req| req.render("home", &()).await);
    };
    let mut first = App::new();
    first.set_engine(engine()).use_(nonce);
    routes(&mut first);
    let mut last = App::new();
    last.use_(nonce);
    routes(&mut last);
    assert!(last.engine().is_none());
    last.set_engine(engine());
    assert!(last.engine().is_some());
    for app in [first, last] {
        assert_eq!(client(app).get("/").send().text(), "<script nonce=\"bm9uY2U\"></script>");
    }
    let mut bare = App::new();
    routes(bare.set_engine(engine()));
    assert_eq!(client(bare).get("/").send().text(), "<script nonce=\"\"></script>");
}
