//! What development mode shows of errors, to whom and in which form, and that nothing of it is shown
//! otherwise.

use crate::support::{client, logged};
use shikra::prelude::*;
use shikra::testing::{TestClient, TestReply};

#[derive(Debug)]
struct Layer(&'static str, Option<Box<Layer>>);

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Layer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|layer| layer as _)
    }
}

async fn named_step(req: Request, next: Next) -> Response {
    next.run(req).await
}

async fn torn(req: Request) -> Result<&'static str> {
    let inner = Layer("ledger-secret <script>alert('1')</script>", None);
    match req.param_str("how") {
        Some("panic") => panic!("panic-secret & more"),
        Some("bail") => bail!(402, "3 credits < 4"),
        _ => Err(Layer("outer-secret", Some(Box::new(inner))))?,
    }
}

const PANIC_LINE: u32 = line!() - 6;
const QUESTION_LINE: u32 = line!() - 5;
const USE_LINE: u32 = line!() + 5;

/// The application, whose middleware and route stand at known lines.
fn app() -> App {
    let mut app = App::new();
    app.use_(named_step)
        .use_at("/api", late(|_| |_| ()))
        .use_at("/elsewhere", named_step)
        .get("/users/:id", async |_| "user")
        .get("/fine", async |_| "fine");
    app.route("/api/:how").use_(named_step).get(torn);
    app
}

fn development() -> TestClient {
    client(app().development())
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The page for a path, as a browser gets it.
fn page(client: &TestClient, path: &str) -> TestReply {
    client.get(path).header("accept", BROWSER).send()
}

/// What the page says, without its tags.
fn words(reply: &TestReply) -> String {
    let text = reply.text();
    let body = text.split("</style>").nth(1).expect("the page has a style");
    let (mut words, mut is_tag) = (String::new(), false);
    for c in body.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => words.push(c),
            _ => {}
        }
    }
    words
}

#[test]
fn shows_browsers_a_page_of_all_that_is_known() {
    // CF-48
    let client = development();
    let reply = client
        .get("/api/7?q=1")
        .header("accept", BROWSER)
        .header("Authorization", "Bearer hidden-1")
        .header("cookie", "sid=hidden-2")
        .header("proxy-authorization", "hidden-3")
        .header("x-csrf-token", "hidden-4")
        .header("x-odd", "<b>\"odd\" & 'even'</b>")
        .send();
    assert_eq!(reply.status(), 500);
    let text = reply.text();
    assert!(!text.contains("hidden-"), "{text}");
    let words = words(&reply);
    let file = "crates/shikra/tests/it/error_pages.rs";
    for part in [
        "500 Internal Server Error",
        "The program did not expect this error.",
        &format!("{file}:{QUESTION_LINE}:"),
        "outer-secret",
        "ledger-secret &lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;",
        "GET /api/:how",
        "it::error_pages::named_step",
        "shikra::middleware::late ",
        &format!("{file}:{USE_LINE}:"),
        &format!("{file}:{}:", USE_LINE + 1),
        &format!("{file}:{}:", USE_LINE + 5),
        "GET /api/7?q=1 HTTP/1.1",
        "(15 bytes, hidden)",
        "&lt;b&gt;&quot;odd&quot; &amp; &#39;even&#39;&lt;/b&gt;",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    // Two of `named_step` are around the route, the third is not.
    assert_eq!(words.matches("named_step").count(), 2, "{words}");
    assert!(!text.contains("<script") && !text.contains("<b>"), "{text}");
}

#[test]
fn the_page_can_neither_load_nor_run_anything_and_is_kept_nowhere() {
    let client = development();
    let (one, two) = (page(&client, "/api/7"), page(&client, "/api/7"));
    for reply in [&one, &two] {
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        let text = reply.text();
        for outside in ["http:", "https:", "src=", "url(", "@import", "href", "<script", "onerror"]
        {
            assert!(!text.contains(outside), "{outside}");
        }
        let nonce = text.split("<style nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            nonce.expect("the style has a nonce")
        );
        assert_eq!(reply.header_all("content-security-policy"), [&*policy]);
        assert!(text.contains("<meta name=\"viewport\" content=\"width=device-width"));
        assert!(text.contains("color-scheme: light dark"));
        assert!(text.contains("prefers-color-scheme: dark"));
    }
    assert_ne!(
        one.header("content-security-policy"),
        two.header("content-security-policy"),
        "a nonce is used once"
    );
}

#[test]
fn shows_the_message_and_the_place_of_a_panic() {
    let client = development();
    for accept in [BROWSER, "*/*", "application/json"] {
        let reply = client.get("/api/panic").header("accept", accept).send();
        assert_eq!(reply.status(), 500);
        let text = reply.text().replace("&amp;", "&");
        assert!(text.contains("panic-secret & more"), "{text}");
        let place = format!("error_pages.rs:{PANIC_LINE}:");
        assert!(text.contains(&place), "{place} {text}");
    }
    assert!(words(&page(&client, "/api/panic")).contains("A handler panicked."));
}

#[test]
fn names_the_routes_that_come_close() {
    let client = development();
    let rows = [
        ("/Users/7", "GET /users/:id", "only upper and lower case differ"),
        ("/users/7/x", "GET /users/:id", "it ends before `x`"),
    ];
    for (path, route, reason) in rows {
        let reply = page(&client, path);
        assert_eq!(reply.status(), 404);
        let words = words(&reply);
        for part in ["no pattern matches", route, reason, "error_pages.rs:"] {
            assert!(words.contains(part), "{path} {part}\n{words}");
        }
        let text = client.get(path).send().text();
        assert!(text.contains(route) && text.contains(reason), "{text}");
    }
    let reply = client.post("/users/7").header("accept", BROWSER).send();
    assert_eq!((reply.status().as_u16(), reply.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert!(words(&reply).contains("the path answers GET, HEAD, OPTIONS only"));
    // What the path says is text.
    let reply = page(&client, "/%3Cscript%3E");
    assert!(words(&reply).contains("GET /%3Cscript%3E") && !reply.text().contains("<script"));
}

#[test]
fn gives_each_client_the_form_that_it_prefers() {
    // CF-48
    let (html, problem, text) =
        ("text/html; charset=utf-8", "application/problem+json", "text/plain; charset=utf-8");
    let rows = [
        (None, text, text),
        (Some("*/*"), text, text),
        (Some(BROWSER), html, text),
        (Some("text/html;q=0, */*"), text, text),
        (Some("application/json"), problem, problem),
        (Some("application/problem+json, text/html;q=0.5"), problem, problem),
        (Some("application/json;q=0.5, text/html"), html, problem),
        (Some("application/json;q=0.5, text/plain"), text, text),
        (Some("application/json, text/plain"), problem, problem),
        (Some("text/plain, text/html;q=0.9"), text, text),
        (Some("application/json;q=0"), text, text),
        (Some("application/jsonp"), text, text),
    ];
    let (development, production) = (development(), client(app()));
    for (accept, shown, hidden) in rows {
        for (client, content_type) in [(&development, shown), (&production, hidden)] {
            for path in ["/api/7", "/none"] {
                let mut request = client.get(path);
                if let Some(accept) = accept {
                    request = request.header("accept", accept);
                }
                let reply = request.send();
                assert_eq!(reply.header("content-type"), Some(content_type), "{accept:?} {path}");
                assert_eq!(reply.header_all("vary"), ["accept"]);
            }
        }
    }
    let reply = development.get("/api/7").header("accept", "application/json").send();
    let body: serde_json::Value = reply.json();
    assert_eq!(body["status"], 500);
    assert_eq!(body["causes"][0], "outer-secret");
    assert_eq!(body["route"]["name"], "GET /api/:how");
    assert_eq!(body["middleware"].as_array().map(Vec::len), Some(3));
    assert_eq!(body["request"]["line"], "GET /api/7 HTTP/1.1");
}

#[test]
fn nothing_internal_leaves_the_process_unless_in_development() {
    // CF-48, VA-123, HX-091
    let client = client(app());
    for path in ["/api/7", "/api/panic", "/api/bail", "/none"] {
        for accept in [BROWSER, "*/*", "application/json", "text/plain"] {
            let reply = client.get(path).header("accept", accept).send();
            // The client shows what it asked for, too.
            let all = format!("{reply:?}").to_lowercase().replace(path, "");
            for inside in ["secret", ".rs", "named_step", ":how", "it::", "panic", "users"] {
                assert!(!all.contains(inside), "{path} {accept}: {all}");
            }
        }
    }
    let reply = client.get("/api/bail").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (402, "3 credits < 4"));
    // The log has all of it.
    assert!(logged(&["path=/api/7", "outer-secret: ledger-secret", "error_pages.rs:"]) >= 4);
    assert!(logged(&["path=/api/panic", "panic-secret & more"]) >= 4);
}

#[test]
fn an_error_handler_of_the_application_goes_before_the_page() {
    let mut app = app();
    app.development().on_error(async |_, err| (err.status(), "own"));
    let client = client(app);
    for path in ["/api/7", "/api/panic", "/none"] {
        assert_eq!(page(&client, path).text(), "own");
    }
    assert_eq!(client.get("/fine").send().text(), "fine");
}

#[test]
fn text_for_terminals_has_no_control_characters() {
    let client = development();
    let reply = client.get("/none").header("x-odd", "a\tb \u{202e}c").send();
    let text = reply.text();
    assert!(text.contains("x-odd: a\tb \\u{202e}c\n"), "{text}");
    let mut app = App::new();
    app.development();
    app.get("/", async |_| Err::<&str, _>(Error::new(400, "red \u{1b}[31m\u{7}")));
    let text = crate::support::client(app).get("/").send().text();
    assert!(text.contains("red \\u{1b}[31m\\u{7}") && !text.contains('\u{1b}'), "{text}");
}
