//! Pages from templates: where views are, what becomes of them as replies, and what no name can reach.

use crate::support::{client, logged};
use serde::Serialize;
use shikra::templates::{
    Engine, ErrorKind, Minify, Reload, Rendering, TemplateError, Templates, Value, context,
};
use shikra::{App, Error, Method, Next, Request, late};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tempfile::TempDir;

/// A project on the disk.
struct Project(TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn templates(&self) -> Templates {
        Templates::new("views").with_base(self.path())
    }
}

fn app(engine: impl Engine) -> App {
    let mut app = App::new();
    app.set_engine(engine);
    app.get("/*", async |req: Request| {
        let view: String = req.param("*")?;
        req.render(&view, &context! { title: "R&D" }).await
    });
    app
}

// HA-031, HA-089, HA-090, HA-093, HA-095: views, layouts and components from their directories.
#[test]
fn views_are_rendered_with_layouts_and_components() {
    let project = Project::new(&[
        (
            "views/a/home.html",
            "@layout('main', { heading: 'H' })@block('body'){{ title }}@component('tag', { text: 'x' })@endblock",
        ),
        ("views/broken.html", "before @component('none') after"),
        ("views/syntax.html", "one\n  {{ title. }}"),
        ("layouts/main.html", "<h1>{{ heading }}</h1>@yield('body')"),
        ("components/tag.html", "<b>{{ text }}</b>"),
    ]);
    let templates = project.templates().with_layouts("layouts").with_components("./components/");
    // Outside of requests, by the same engine.
    let data = context! { title: "R&D" };
    assert_eq!(templates.render("a/home", &data).unwrap(), "<h1>H</h1>R&amp;D<b>x</b>");
    let client = client(app(templates.clone()));
    let reply = client.get("/a/home").send();
    assert_eq!(reply.text(), "<h1>H</h1>R&amp;D<b>x</b>");
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(client.head("/a/home").send().header("content-length"), Some("25"));
    // Nothing of a page that fails is sent, and nothing of why.
    let broken = client.get("/broken").send();
    assert_eq!((broken.status().as_u16(), &*broken.text()), (500, "Internal Server Error"));
    assert_eq!(logged(&["components/none", "views/broken:1:8"]), 1);
    assert_eq!(client.get("/syntax").send().status(), 500);

    // HA-095: the rest of the page is there without them, and the log says what is missing.
    let bare = client_text(project.templates(), "/a/home");
    assert_eq!(bare, "R&amp;D");
    assert!(logged(&["views/a/home", "layout"]) >= 1);
}

fn client_text(templates: Templates, path: &str) -> String {
    client(app(templates)).get(path).send().text()
}

// HA-089: an error page gets all there is, through `downcast_ref`.
#[test]
fn errors_say_template_line_column_and_what_led_there() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let project = Project::new(&[
        ("views/home.html", "<p>\n @import('../parts/list')"),
        ("parts/list.html", "\n\n@for x in title\n{{ x }}@endfor"),
    ]);
    let mut app = app(project.templates());
    app.use_(late(move |_| {
        let kept = Arc::clone(&kept);
        move |res| {
            let error = res.error().unwrap();
            let error: &TemplateError = error.downcast_ref().unwrap();
            let place = error.place().unwrap();
            let trail: Vec<_> = error.trail().iter().map(ToString::to_string).collect();
            let at = (place.template().to_owned(), place.line(), place.column());
            kept.lock().unwrap().push((at, place.excerpt().to_owned(), trail, error.kind()));
        }
    }));
    assert_eq!(client(app).get("/home").send().status(), 500);
    let seen = seen.lock().unwrap().pop().unwrap();
    assert_eq!(seen.0, ("parts/list".to_owned(), 3, 11));
    assert_eq!((&*seen.1, seen.3), ("@for x in title", ErrorKind::NotIterable));
    assert_eq!(seen.2, ["views/home:2:2"]);
}

// HA-085, HA-086, HA-087, C19: any engine, with one method.
#[test]
fn another_engine_needs_one_method() {
    struct Foreign(&'static str);
    impl Engine for Foreign {
        fn render_view<'a>(&'a self, view: &'a str, data: &'a Value) -> Rendering<'a> {
            Box::pin(async move {
                tokio::task::yield_now().await; // it may wait
                if view == "fail" {
                    return Err("the foreign engine fails".into());
                }
                Ok(format!("{}{view}|{}", self.0, serde_json::to_string(data)?))
            })
        }
    }
    let mut app = App::new();
    assert!(app.engine().is_none());
    app.set_engine(Foreign("first ")).set_engine(Foreign(""));
    assert!(app.engine().is_some());
    app.get("/", async |req| req.render("home", &serde_json::json!({ "title": "Books" })).await);
    app.get("/module", async |req| req.module("books").render("home", &()).await);
    app.get("/stream", async |req| req.render_stream("home", &[1]).await);
    app.get("/fail", async |req| req.render("fail", &()).await);
    let client = client(app);
    let reply = client.get("/").send();
    assert_eq!(reply.text(), r#"home|{"title":"Books"}"#);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(client.get("/module").send().text(), "*books*/home|null");
    assert_eq!(client.get("/stream").send().text(), "home|[1]");
    assert_eq!(client.get("/fail").send().text(), "Internal Server Error");
    assert_eq!(logged(&["the foreign engine fails"]), 1);
}

// HA-088
#[test]
fn without_an_engine_rendering_is_a_500() {
    let mut app = App::new();
    app.get("/without-engine", async |req| req.render("home", &()).await);
    assert_eq!(client(app).get("/without-engine").send().status(), 500);
    assert_eq!(logged(&["no template engine configured", "/without-engine"]), 1);
}

#[test]
fn mounts_use_the_engine_around_them() {
    let mut inner = App::new();
    inner.get("/page", async |req| req.render("home", &()).await);
    let mut app = app(Templates::new("views").with_embedded([("views/home.html", "outer")]));
    app.mount("/in", inner);
    assert_eq!(client(app).get("/in/page").send().text(), "outer");
}

// HA-032, HA-092, HA-096, HA-097, C20
#[test]
fn modules_have_views_of_their_own() {
    let project = Project::new(&[
        ("modules/books/pages/home/page.html", "@layout('main')@block('b')BK {{ t }}@endblock"),
        ("modules/films/pages/home/page.html", "FM {{ t }}"),
        ("modules/films/static/page.html", "{{ not a template"),
        ("layouts/main.html", "[@yield('b')]"),
    ]);
    let templates = Templates::new("modules/**/pages")
        .with_view_name("page")
        .with_layouts("layouts")
        .with_base(project.path());
    assert!(templates.precompile().unwrap().is_empty());
    let data = context! { t: 1 };
    assert_eq!(templates.module("films").render("home", &data).unwrap(), "FM 1");
    assert_eq!(templates.render("*films*/home", &data).unwrap(), "FM 1");
    // The view's own module wins.
    assert_eq!(templates.module("books").render("*films*/home", &data).unwrap(), "FM 1");
    let mut app = App::new();
    app.set_engine(templates);
    app.get("/books", async |req| req.module("books").render("home", &context! { t: 1 }).await);
    app.get("/none", async |req| req.render("home", &context! { t: 1 }).await);
    app.get("/bad/:module", async |req| {
        let module: String = req.param("module")?;
        req.module(&module).render("home", &()).await
    });
    let client = client(app);
    assert_eq!(client.get("/books").send().text(), "[BK 1]");
    // No module is left behind by the one before.
    assert_eq!(client.get("/none").send().status(), 500);
    assert_eq!(logged(&["view path must include a module"]), 1);
    for module in ["..", "books%2F..%2Ffilms", "%2E%2E", ".", "books%5C.."] {
        let reply = client.get(&format!("/bad/{module}")).send();
        assert!(matches!(reply.status().as_u16(), 500 | 404), "{module} {}", reply.status());
        assert!(!reply.text().contains("FM"), "{module}");
    }
    // Without `**` a module says nothing.
    let plain = Project::new(&[("views/home.html", "plain")]).templates_kept();
    assert_eq!(plain.1.module("books").render("home", &()).unwrap(), "plain");
}

impl Project {
    /// The templates, and the project that must live as long.
    fn templates_kept(self) -> (Self, Templates) {
        let templates = self.templates();
        (self, templates)
    }
}

// HA-094, HA-098, C21
#[test]
fn files_are_rendered_by_path_with_imports_beside_them() {
    let project = Project::new(&[
        ("mail/created.txt", "Hello {{ data.name }}@import('sig')@import('../shared/foot')"),
        ("mail/sig.txt", "!"),
        ("shared/foot.txt", " {{ data.name }}"),
        ("views/home.txt", "home"),
        ("views/home.html", "other"),
    ]);
    #[derive(Serialize)]
    struct Person {
        name: &'static str,
    }
    let templates = project.templates().with_extension(".txt");
    let data = context! { data: Value::from_serialize(&Person { name: "A&B" }).unwrap() };
    assert_eq!(templates.generate("mail/created", &data).unwrap(), "Hello A&amp;B! A&amp;B");
    assert_eq!(templates.render("home", &()).unwrap(), "home");
    let error = templates.generate("mail/none", &data).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("mail/none"), "{error}");
    assert!(!error.to_string().contains(project.path().to_str().unwrap()));
    assert!(templates.generate("../etc/passwd", &data).is_err());
}

// HA-099, HA-105
#[test]
fn no_name_leaves_the_views() {
    let outside = Project::new(&[("secret.html", "SECRET")]);
    let project = Project::new(&[
        ("views/home.html", "home"),
        ("views/sub/page.html", "page"),
        ("private.html", "SECRET"),
        ("views2/x.html", "SECRET"),
        ("views/up.html", "@import('../../secret')"),
        ("views/abs.html", "@import('/etc/hostname')"),
    ]);
    let link = |from: &str, to: &Path| {
        std::os::unix::fs::symlink(to, project.path().join(from)).unwrap();
    };
    link("views/link.html", &outside.path().join("secret.html"));
    link("views/dir", outside.path());
    link("views/inner.html", &project.path().join("views/home.html"));
    let templates = project.templates();
    assert_eq!(templates.render("inner", &()).unwrap(), "home"); // a link inside is fine
    let secret = outside.path().join("secret");
    let names = [
        "../private",
        "sub/../../private",
        "..",
        ".",
        "",
        "/",
        "./home",
        "sub//page",
        "../views2/x",
        secret.to_str().unwrap(),
        "/etc/hostname",
        "home\0",
        "home\0.html",
        "..\\private",
        "C:\\private",
        "%2e%2e/private",
        "..%2fprivate",
        "link",
        "dir/secret",
        "up",
        "abs",
        "home/",
        "sub",
        "*x*/../private",
        "**/home",
        "*..*/private",
    ];
    for name in names {
        let result = templates.render(name, &());
        assert!(result.is_err(), "{name:?} gives {result:?}");
        let text = format!("{:#}", result.unwrap_err());
        assert!(!text.contains("SECRET"), "{name:?}: {text}");
    }
    let long = "x".repeat(5000);
    assert!(templates.render(&long, &()).is_err());
    // The same through a route that takes any path.
    let client = client(app(templates));
    assert_eq!(client.get("/home").send().text(), "home");
    for path in ["/%2e%2e/private", "/..%2Fprivate", "/%2Fetc%2Fhostname", "/home%00", "/link"] {
        let reply = client.get(path).send();
        assert!(!reply.status().is_success(), "{path} gives {}", reply.status());
        assert!(!reply.text().contains("SECRET"), "{path}");
    }
}

// HA-104
#[test]
fn changed_files_are_noticed_while_one_develops() {
    let project = Project::new(&[
        ("views/home.html", "@layout('main')@block('b')one@endblock"),
        ("layouts/main.html", "[@yield('b')]"),
    ]);
    let base = project.templates().with_layouts("layouts");
    let (live, fixed) =
        (base.clone().with_reload(Reload::OnChange), base.with_reload(Reload::Never));
    let render = |templates: &Templates| templates.render("home", &());
    assert_eq!((render(&live).unwrap(), render(&fixed).unwrap()), ("[one]".into(), "[one]".into()));
    project.write("views/home.html", "@layout('main')@block('b')two!@endblock");
    assert_eq!(
        (render(&live).unwrap(), render(&fixed).unwrap()),
        ("[two!]".into(), "[one]".into())
    );
    project.write("layouts/main.html", "<<@yield('b')>>");
    assert_eq!(render(&live).unwrap(), "<<two!>>");
    project.write("views/home.html", "{{ broken");
    project.write("views/home.html", "@if");
    let _ = render(&live); // whatever it is, it is that of the file
    fs::remove_file(project.path().join("views/home.html")).unwrap();
    assert_eq!(render(&live).unwrap_err().kind(), ErrorKind::NotFound);
    project.write("views/home.html", "back again");
    assert_eq!(
        (render(&live).unwrap(), render(&fixed).unwrap()),
        ("back again".into(), "[one]".into())
    );
}

#[test]
fn precompiling_finds_mistakes_and_warnings_at_the_start() {
    let project = Project::new(&[
        ("views/fine.html", "<a href=\"{{ url }}\">go</a>"),
        ("views/sub/wrong.html", "x {{ a. }}"),
        ("target/debug/other.html", "{{ never looked at. }}"),
    ]);
    let error = project.templates().precompile().unwrap_err();
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<TemplateError>()).unwrap();
    assert_eq!(cause.to_string(), "views/sub/wrong:1:9: expected a member after `.`");
    project.write("views/sub/wrong.html", "fine now");
    let warnings = project.templates().precompile().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(project.templates().with_layouts("nowhere").precompile().is_err());
    // Embedded ones all, and nothing of the disk.
    let embedded = Templates::new("views").with_base(project.path());
    let embedded = embedded.with_embedded([("views/a.html", "a"), ("views/logo.svg", "{{ no. }}")]);
    assert!(embedded.precompile().unwrap().is_empty());
    assert_eq!(embedded.render("a", &()).unwrap(), "a");
    assert!(embedded.render("fine", &()).is_err());
}

// HA-100, HA-106, HA-107
#[test]
fn plugins_are_typed_and_pages_do_not_meet() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let templates = Templates::new("views")
        .with_embedded([(
            "views/home.html",
            "@set n = sum(n, 1) @endset{{ n }} {{ user() }} @for x in list('a', 'b')\n{{ x }}@endfor",
        )])
        .with_plugin("sum", |_: f64, _: f64| 0.0)
        .with_plugin("sum", move |a: f64, b: f64| {
            counted.fetch_add(1, SeqCst);
            a + b
        })
        .with_plugin("user", || "nobody")
        .with_plugin("list", |a: String, b: String| vec![a, b]);
    let mut app = App::new();
    app.set_engine(templates.clone()).use_(async |req: Request, next: Next| {
        if let Some(name) = req.header("x-user").map(str::to_owned) {
            req.add_page_plugin("user", move || name.clone());
        }
        next.run(req).await
    });
    app.get("/:n", async |req| {
        let data = context! { n: req.param::<i64>("n")? };
        let page = req.render("home", &data).await?;
        assert_eq!(data, context! { n: req.param::<i64>("n")? });
        Ok(page)
    });
    let client = client(app);
    assert_eq!(client.get("/1").header("x-user", "ann").send().text(), "2 ann ab");
    assert_eq!(client.get("/1").send().text(), "2 nobody ab");
    assert_eq!(calls.load(SeqCst), 2);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let templates = templates.clone();
            std::thread::spawn(move || {
                for n in 0..200 {
                    let page = templates.render("home", &context! { n: n * 10 + thread }).unwrap();
                    assert_eq!(page, format!("{} nobody ab", n * 10 + thread + 1));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn what_a_page_survives_is_logged_or_an_error_in_strict_mode() {
    let files = [("views/home.html", "a{{ missing_name_here }}b")];
    let templates = Templates::new("views").with_embedded(files);
    assert_eq!(templates.render("home", &()).unwrap(), "ab");
    let mut app = App::new();
    app.set_engine(templates.clone()).get("/", async |req| req.render("home", &()).await);
    assert_eq!(client(app).get("/").send().text(), "ab");
    assert!(logged(&["missing_name_here"]) >= 1);
    assert_eq!(templates.strict().render("home", &()).unwrap_err().kind(), ErrorKind::Unknown);
}

#[test]
fn pages_are_shortened_only_where_that_is_asked_for() {
    let files = [("views/home.html", "<p>\n  a   <b>b</b>  c\n</p><pre>\n  x</pre>")];
    let templates = Templates::new("views").with_embedded(files);
    assert_eq!(templates.render("home", &()).unwrap(), files[0].1);
    let short = templates.with_minify(Minify::Html).render("home", &()).unwrap();
    assert_eq!(short, "<p> a <b>b</b> c </p><pre>\n  x</pre>");
}

#[test]
fn long_pages_are_rendered_while_they_are_sent() {
    let rendered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&rendered);
    let templates = Templates::new("views")
        .with_embedded([
            ("views/long.html", "@for n in numbers\n{{ line(n) }}\n@endfor"),
            ("views/fails.html", "@for n in numbers\n{{ line(n) }}\n@endfor@import('none')"),
            ("views/early.html", "@import('none')"),
        ])
        .with_plugin("line", move |_: i64| {
            counted.fetch_add(1, SeqCst);
            "x".repeat(1000)
        });
    let mut app = App::new();
    app.set_engine(templates).get("/:view", async |req| {
        let (view, numbers): (String, Vec<u32>) = (req.param("view")?, (0..10_000).collect());
        req.render_stream(&view, &context! { numbers }).await
    });
    let client = client(app);
    let connection = client.connect();
    connection.write("GET /long HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    let ahead = rendered.load(SeqCst);
    assert!((1..1000).contains(&ahead), "{ahead} lines for a client that reads nothing");
    let reply = connection.read_reply().unwrap();
    assert_eq!(reply.bytes().len(), 10_000 * 1000);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    // A page that breaks off must not look whole; one that has not begun is an ordinary 500.
    let connection = client.connect();
    connection.write("GET /fails HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(connection.read_reply().is_err());
    assert_eq!(client.get("/early").send().status(), 500);
    // The client leaves, and the page with it.
    let before = rendered.load(SeqCst);
    let connection = client.connect();
    connection.write("GET /long HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    connection.reset();
    client.settle();
    assert!(rendered.load(SeqCst) < before + 1000);
    assert_eq!(client.request(Method::HEAD, "/early").send().status(), 500);
}

#[test]
fn data_that_does_not_serialize_is_an_error() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("this one never serializes"))
        }
    }
    let templates = Templates::new("views").with_embedded([("views/home.html", "home")]);
    assert_eq!(templates.render("home", &Broken).unwrap_err().kind(), ErrorKind::Data);
    let mut app = App::new();
    app.set_engine(templates).get("/", async |req| req.render("home", &Broken).await);
    app.on_error(async |_, error: &Error| (500, format!("{}", error.is_unexpected())));
    assert_eq!(client(app).get("/").send().text(), "true");
}
