//! Parts of a request that are parsed ahead of a handler's call.

use crate::support::{client, logged};
use serde::{Deserialize, Serialize};
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{FromRequest, OptionalFromRequest};
use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Status and body of `GET target`.
fn get(client: &TestClient, target: &str) -> (u16, String) {
    let reply = client.get(target).send();
    (reply.status().as_u16(), reply.text())
}

/// Status and body of a `POST` of `body`.
fn post(client: &TestClient, target: &str, body: &'static str) -> (u16, String) {
    let reply = client.post(target).body(body).send();
    (reply.status().as_u16(), reply.text())
}

fn ok(text: &str) -> (u16, String) {
    (200, text.to_owned())
}

fn bad(text: &str) -> (u16, String) {
    (400, text.to_owned())
}

// The picture of the style guide.

#[derive(Deserialize)]
struct NewUser {
    name: String,
}

#[derive(Serialize)]
struct User {
    id: u64,
    name: String,
}

#[derive(Default)]
struct Db {
    renamed: Mutex<Vec<u64>>,
}

impl Db {
    async fn rename(&self, id: u64, new: NewUser) -> Result<User> {
        self.renamed.lock().unwrap().push(id);
        Ok(User { id, name: new.name })
    }
}

async fn rename_user(
    req: Request,
    (Path(id), Json(new)): (Path<u64>, Json<NewUser>),
) -> Result<Json<User>> {
    Ok(Json(req.state::<Db>().rename(id, new).await?))
}

#[test]
fn picture_3_parses_ahead_of_the_call() {
    let client = client(App::new().put("/users/:id", with(rename_user)).state(Db::default()));
    let put = |target: &str, body: &'static str| {
        let reply = client.put(target).body(body).send();
        (reply.status().as_u16(), reply.text())
    };
    assert_eq!(put("/users/7", r#"{"name":"ada"}"#), ok(r#"{"id":7,"name":"ada"}"#));
    let (status, text) = put("/users/x", r#"{"name":"ada"}"#);
    assert_eq!((status, &*text), (400, "parameter `id`: invalid digit found in string"));
    let (status, text) = put("/users/7", r#"{"name":"#);
    assert!(status == 400 && text.contains("EOF"), "{status} {text}");
    let (status, text) = put("/users/7", r#"{"name":7}"#);
    assert!(status == 422 && text.contains("`name`"), "{status} {text}");
}

// Parameters of the path.

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Up,
    Down,
}

#[derive(Debug, Deserialize)]
struct Book {
    shelf: u8,
    title: String,
    page: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct Id(u64);

#[derive(Debug, Deserialize)]
struct Point(i8, i8);

#[test]
fn takes_one_parameter() {
    let mut app = App::new();
    app.get("/number/:n", with(async |_, Path(n): Path<i16>| n.to_string()));
    app.get("/real/:n", with(async |_, Path(n): Path<f64>| n.to_string()));
    app.get("/flag/:on", with(async |_, Path(on): Path<bool>| on.to_string()));
    app.get("/letter/:c", with(async |_, Path(c): Path<char>| c.to_string()));
    app.get("/text/:t", with(async |_, Path(t): Path<String>| t));
    app.get("/id/:id", with(async |_, Path(Id(id)): Path<Id>| id.to_string()));
    app.get("/order/:o", with(async |_, Path(o): Path<Order>| format!("{o:?}")));
    app.get("/some/:n", with(async |_, Path(n): Path<NonZeroU8>| n.to_string()));
    app.get("/rest/*", with(async |_, Path(rest): Path<String>| rest));
    app.get("/page/:n?", with(async |_, Path(n): Path<Option<u8>>| format!("{n:?}")));
    let client = client(app);
    assert_eq!(get(&client, "/number/-7"), ok("-7"));
    assert_eq!(get(&client, "/real/1.5"), ok("1.5"));
    assert_eq!(get(&client, "/flag/true"), ok("true"));
    assert_eq!(get(&client, "/letter/%C3%BC"), ok("ü"));
    assert_eq!(get(&client, "/text/a%20%C3%BC%2Fb"), ok("a ü/b"));
    assert_eq!(get(&client, "/id/7"), ok("7"));
    assert_eq!(get(&client, "/order/down"), ok("Down"));
    assert_eq!(get(&client, "/order/up"), ok("Up"));
    assert_eq!(get(&client, "/some/7"), ok("7"));
    assert_eq!(get(&client, "/rest/a/b"), ok("a/b"));
    assert_eq!(get(&client, "/page/7"), ok("Some(7)"));
    assert_eq!(get(&client, "/page"), ok("None"));
}

#[test]
fn names_the_parameter_that_does_not_parse() {
    let mut app = App::new();
    app.get("/number/:n", with(async |_, Path(n): Path<u8>| n.to_string()));
    app.get("/flag/:on", with(async |_, Path(on): Path<bool>| on.to_string()));
    app.get("/letter/:c", with(async |_, Path(c): Path<char>| c.to_string()));
    app.get("/order/:o", with(async |_, Path(o): Path<Order>| format!("{o:?}")));
    app.get("/some/:n", with(async |_, Path(n): Path<NonZeroU8>| n.to_string()));
    app.get("/two/:a/:b", with(async |_, Path((a, b)): Path<(u8, u8)>| format!("{a} {b}")));
    app.get("/list/:a/:b", with(async |_, Path(list): Path<Vec<u8>>| format!("{list:?}")));
    app.get("/book/:shelf/:title", with(async |_, Path(book): Path<Book>| format!("{book:?}")));
    app.get("/page/:n?", with(async |_, Path(n): Path<Option<u8>>| format!("{n:?}")));
    let client = client(app);
    for (target, message) in [
        ("/number/x", "parameter `n`: invalid digit found in string"),
        ("/number/256", "parameter `n`: number too large to fit in target type"),
        ("/number/-1", "parameter `n`: invalid digit found in string"),
        ("/flag/yes", "parameter `on`: provided string was not `true` or `false`"),
        ("/letter/ab", "parameter `c`: too many characters in string"),
        ("/order/odd", "parameter `o`: unknown variant `odd`, expected `up` or `down`"),
        ("/some/0", "parameter `n`: invalid value: integer `0`, expected a nonzero u8"),
        ("/two/1/x", "parameter `b`: invalid digit found in string"),
        ("/list/x/1", "parameter `a`: invalid digit found in string"),
        ("/book/x/y", "parameter `shelf`: invalid digit found in string"),
        ("/page/x", "parameter `n`: invalid digit found in string"),
    ] {
        assert_eq!(get(&client, target), bad(message), "{target}");
    }
}

#[test]
fn takes_several_parameters() {
    // PO-090, VA-055, HA-018: by name or by place, decoded, and typed.
    let mut app = App::new();
    app.get("/two/:a/:b", with(async |_, Path((a, b)): Path<(u8, String)>| format!("{a} {b}")));
    app.get("/point/:x/:y", with(async |_, Path(Point(x, y)): Path<Point>| format!("{x} {y}")));
    app.get("/list/:a/:b?", with(async |_, Path(list): Path<Vec<u8>>| format!("{list:?}")));
    app.get(
        "/maybe/:a/:b?",
        with(async |_, Path(pair): Path<(u8, Option<u8>)>| format!("{pair:?}")),
    );
    app.get("/map/:a/:b", with(async |_, Path(m): Path<BTreeMap<String, u8>>| format!("{m:?}")));
    app.get(
        "/book/:title/:shelf/:page?",
        with(async |_, Path(Book { shelf, title, page }): Path<Book>| {
            format!("{title} on {shelf} at {page:?}")
        }),
    );
    let client = client(app);
    assert_eq!(get(&client, "/two/1/a%20b"), ok("1 a b"));
    assert_eq!(get(&client, "/point/-1/2"), ok("-1 2"));
    assert_eq!(get(&client, "/list/1/2"), ok("[1, 2]"));
    assert_eq!(get(&client, "/list/1"), ok("[1]"));
    assert_eq!(get(&client, "/maybe/1/2"), ok("(1, Some(2))"));
    assert_eq!(get(&client, "/maybe/1"), ok("(1, None)"));
    assert_eq!(get(&client, "/map/1/2"), ok(r#"{"a": 1, "b": 2}"#));
    assert_eq!(get(&client, "/book/Emma/3"), ok("Emma on 3 at None"));
    assert_eq!(get(&client, "/book/Emma/3/7"), ok("Emma on 3 at Some(7)"));
}

#[test]
fn reports_a_type_that_does_not_go_with_the_pattern() {
    let mut app = App::new();
    app.get("/mis-one/:a/:b", with(async |_, Path(n): Path<u8>| n.to_string()));
    app.get("/mis-tuple/:a", with(async |_, Path((a, b)): Path<(u8, u8)>| format!("{a} {b}")));
    app.get("/mis-name/:a", with(async |_, Path(book): Path<Book>| format!("{book:?}")));
    app.get("/mis-left/:a?", with(async |_, Path(n): Path<u8>| n.to_string()));
    app.get("/mis-none", with(async |_, Path(n): Path<u8>| n.to_string()));
    app.get("/mis-nested/:a", with(async |_, Path((n,)): Path<((u8, u8),)>| format!("{n:?}")));
    let client = client(app);
    for (target, cause) in [
        ("/mis-one/1/2", "route /mis-one/:a/:b: the type takes one, there are 2"),
        ("/mis-tuple/1", "route /mis-tuple/:a: the type takes 2, there are 1"),
        ("/mis-name/1", "route /mis-name/:a: there is no `shelf` here"),
        ("/mis-left", "an optional one is left out, and the type is no `Option`"),
        ("/mis-none", "route /mis-none: the type takes one, there are 0"),
        ("/mis-nested/1", "route /mis-nested/:a: the type takes a tuple of size 2"),
    ] {
        assert_eq!(get(&client, target), (500, "Internal Server Error".to_owned()), "{target}");
        assert_eq!(logged(&[target, cause]), 1, "{target}");
    }
}

// Queries, forms, bodies.

#[derive(Deserialize)]
struct Find {
    q: String,
    page: Option<u32>,
    #[serde(default)]
    tag: Vec<u8>,
}

impl Find {
    fn show(self) -> String {
        format!("{:?} {:?} {:?}", self.q, self.page, self.tag)
    }
}

#[test]
fn takes_a_query() {
    // HX-104, HA-019: typed, with all values of a name.
    let mut app = App::new();
    app.get("/", with(async |_, Query(find): Query<Find>| find.show()));
    app.get("/pairs", with(async |_, Query(all): Query<Vec<(String, String)>>| format!("{all:?}")));
    let client = client(app);
    assert_eq!(get(&client, "/?q=a+b"), ok(r#""a b" None []"#));
    assert_eq!(get(&client, "/?tag=1&q=a%20b&page=2&tag=3"), ok(r#""a b" Some(2) [1, 3]"#));
    assert_eq!(get(&client, "/"), bad("query: missing field `q`"));
    assert_eq!(get(&client, "/?q=a&page=x"), bad("query `page`: invalid digit found in string"));
    assert_eq!(
        get(&client, "/?q=a&tag=1&tag=x"),
        bad("query `tag[1]`: invalid digit found in string")
    );
    assert_eq!(get(&client, "/pairs?a=1&a[b]=2&="), ok(r#"[("a", "1"), ("a[b]", "2"), ("", "")]"#));
}

#[test]
fn takes_a_form() {
    // HX-121
    let mut app = App::new();
    app.post("/", with(async |_, Form(find): Form<Find>| find.show()));
    let client = client(app);
    let form = |pairs: &[(&str, &str)]| {
        let reply = client.post("/").form(pairs).send();
        (reply.status().as_u16(), reply.text())
    };
    assert_eq!(form(&[("tag", "1"), ("q", " "), ("tag", "2")]), ok(r#"" " None [1, 2]"#));
    assert_eq!(form(&[]), (422, "form: missing field `q`".to_owned()));
    let wrong = "form `page`: invalid digit found in string";
    assert_eq!(form(&[("q", ""), ("page", "x")]), (422, wrong.to_owned()));
    let many = vec![("q", ""); 1_001];
    assert_eq!(form(&many), bad("too many form fields"));
}

#[test]
fn takes_a_body_in_several_forms_at_once() {
    // HX-115: all of them share one download.
    let mut app = App::new();
    type All = (Bytes, String, Json<Vec<u8>>, Option<Json<BTreeMap<String, u8>>>);
    app.post(
        "/",
        with(async |_, (bytes, text, Json(list)): (Bytes, String, Json<Vec<u8>>)| {
            format!("{} {text} {list:?}", bytes.len())
        }),
    );
    app.post("/four", with(async |_, (.., json): All| format!("{json:?}")));
    let client = client(app);
    assert_eq!(post(&client, "/", "[1, 2]"), ok("6 [1, 2] [1, 2]"));
    assert_eq!(client.post("/").chunks(["[1", ", 2", "]"]).send().text(), "6 [1, 2] [1, 2]");
    let (status, _) = post(&client, "/four", "[1, 2]");
    assert_eq!(status, 422);
    let reply = client.post("/").body(&b"\"\xff\""[..]).send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (400, "the body is not UTF-8 text"));
}

#[test]
fn keeps_the_limit_of_the_body() {
    // HX-116
    let mut app = App::new();
    app.route("/").body_bytes_max(4).post(with(async |_, text: String| text));
    app.post("/default", with(async |_, bytes: Bytes| bytes.len().to_string()));
    let client = client(app);
    assert_eq!(post(&client, "/", "1234"), ok("1234"));
    assert_eq!(post(&client, "/", "12345").0, 413);
    assert_eq!(client.post("/").chunks(["123", "45"]).send().status(), 413);
    assert_eq!(client.post("/default").body(vec![0; 250_000]).send().text(), "250000");
    assert_eq!(client.post("/default").body(vec![0; 250_001]).send().status(), 413);
}

// What may be absent or fail.

#[test]
fn gives_none_for_what_is_absent_and_refuses_what_is_malformed() {
    #[derive(Clone, Debug)]
    struct Given;
    #[derive(Clone, Debug)]
    struct Missing;

    let mut app = App::new();
    app.state(Given);
    app.get("/path/:n?", with(async |_, n: Option<Path<u8>>| format!("{n:?}")));
    app.get("/query", with(async |_, find: Option<Query<Find>>| find.is_some().to_string()));
    app.post("/json", with(async |_, n: Option<Json<u8>>| format!("{n:?}")));
    app.post("/form", with(async |_, find: Option<Form<Find>>| find.is_some().to_string()));
    app.post("/text", with(async |_, text: Option<String>| format!("{text:?}")));
    app.post("/bytes", with(async |_, bytes: Option<Bytes>| format!("{bytes:?}")));
    app.get(
        "/state",
        with(async |_, both: (Option<State<Given>>, Option<State<Missing>>)| format!("{both:?}")),
    );
    let client = client(app);
    assert_eq!(get(&client, "/path/7"), ok("Some(Path(7))"));
    assert_eq!(get(&client, "/path"), ok("None"));
    assert_eq!(get(&client, "/path/x").0, 400);
    assert_eq!(get(&client, "/query"), ok("false"));
    assert_eq!(get(&client, "/query?"), ok("false"));
    assert_eq!(get(&client, "/query?q=1"), ok("true"));
    assert_eq!(get(&client, "/query?x=1").0, 400);
    assert_eq!(post(&client, "/json", "7"), ok("Some(Json(7))"));
    assert_eq!(post(&client, "/json", ""), ok("None"));
    assert_eq!(post(&client, "/json", "{").0, 400);
    assert_eq!(post(&client, "/json", "256").0, 422);
    assert_eq!(post(&client, "/form", "q=1"), ok("true"));
    assert_eq!(post(&client, "/form", ""), ok("false"));
    assert_eq!(post(&client, "/form", "x=1").0, 422);
    assert_eq!(post(&client, "/text", "a"), ok(r#"Some("a")"#));
    assert_eq!(post(&client, "/text", ""), ok("None"));
    assert_eq!(post(&client, "/bytes", "a"), ok(r#"Some(b"a")"#));
    assert_eq!(post(&client, "/bytes", ""), ok("None"));
    assert_eq!(get(&client, "/state"), ok("(Some(State(Given)), None)"));
}

#[test]
fn hands_over_the_error_on_request() {
    let mut app = App::new();
    app.post(
        "/",
        with(async |_, json: Result<Json<u8>>| match json {
            Ok(Json(n)) => n.to_string(),
            Err(error) => format!("no, {}", error.status().as_u16()),
        }),
    );
    let client = client(app);
    assert_eq!(post(&client, "/", "7"), ok("7"));
    assert_eq!(post(&client, "/", "x"), ok("no, 400"));
    assert_eq!(post(&client, "/", "[]"), ok("no, 422"));
}

#[test]
fn copies_state_and_reports_what_is_missing() {
    #[derive(Clone)]
    struct MissingLedger;

    let mut app = App::new();
    app.state(7_u8).state_per_worker(async || Ok(std::rc::Rc::new("own")));
    app.get("/shared", with(async |_, State(n): State<u8>| n.to_string()));
    app.get("/own", with(async |_, State(text): State<std::rc::Rc<&'static str>>| *text));
    app.get("/missing", with(async |_, State(MissingLedger): State<MissingLedger>| 204));
    let client = client(app);
    assert_eq!(get(&client, "/shared"), ok("7"));
    assert_eq!(get(&client, "/own"), ok("own"));
    assert_eq!(get(&client, "/missing").0, 500);
    assert_eq!(logged(&["/missing", "no state of type", "MissingLedger"]), 1);
}

// Extractors of one's own, and how they come together.

static CALLS: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl FromRequest for Counted {
    async fn from_request(_: &Request) -> Result<Self> {
        CALLS.fetch_add(1, Ordering::SeqCst);
        Ok(Self)
    }
}

struct Token(String);

impl OptionalFromRequest for Token {
    async fn optional_from_request(req: &Request) -> Result<Option<Self>> {
        Ok(req.header("x-token").map(|token| Self(token.to_owned())))
    }
}

impl FromRequest for Token {
    async fn from_request(req: &Request) -> Result<Self> {
        Self::optional_from_request(req).await?.or_status(401)
    }
}

#[test]
fn stops_at_the_first_that_fails() {
    let mut app = App::new();
    app.get("/", with(async |_, (Token(text), Counted): (Token, Counted)| text));
    app.get("/maybe", with(async |_, token: Option<Token>| token.map(|Token(text)| text)));
    let client = client(app);
    assert_eq!(get(&client, "/").0, 401);
    assert_eq!(CALLS.load(Ordering::SeqCst), 0);
    assert_eq!(client.get("/").header("x-token", "t").send().text(), "t");
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    assert_eq!(client.get("/maybe").header("x-token", "t").send().text(), "t");
    assert_eq!(get(&client, "/maybe").0, 404);
}

#[test]
fn takes_eight_at_once_and_more_in_nests() {
    type P = Path<u8>;
    type Eight = (P, P, P, P, P, P, P, P);
    let mut app = App::new();
    app.get("/:n", with(async |_, (a, .., h): Eight| (a.0 + h.0).to_string()));
    app.get(
        "/nest/:n",
        with(async |_, ((a, b), (c,)): ((P, P), (P,))| (a.0 + b.0 + c.0).to_string()),
    );
    let client = client(app);
    assert_eq!(get(&client, "/7"), ok("14"));
    assert_eq!(get(&client, "/nest/7"), ok("21"));
}

#[test]
fn accepts_each_form_of_a_handler() {
    async fn function(_: Request, Path(n): Path<u8>) -> Result<String> {
        if n > 9 {
            bail!(409, "too many");
        }
        Ok(n.to_string())
    }

    let limit = 9;
    let mut app = App::new();
    app.get("/function/:n", with(function));
    app.get("/closure/:n", with(async |_, Path(n): Path<u8>| (203, n.to_string())));
    app.get(
        "/question/:n",
        with(async |req, Path(n): Path<u8>| Ok(u16::from(n + req.param::<u8>("n")?))),
    );
    app.get("/captures/:n", with(async move |_, Path(n): Path<u8>| (n < limit).then_some("below")));
    app.get("/moved/:n", with(|_: Request, Path(n): Path<u8>| async move { n.to_string() }));
    app.not_found(with(async |_, Query(all): Query<BTreeMap<String, String>>| {
        (404, format!("{all:?}"))
    }));
    let client = client(app);
    assert_eq!(get(&client, "/function/7"), ok("7"));
    assert_eq!(get(&client, "/function/10"), (409, "too many".to_owned()));
    assert_eq!(get(&client, "/closure/7"), (203, "7".to_owned()));
    assert_eq!(get(&client, "/question/120").0, 240);
    assert_eq!(get(&client, "/captures/7"), ok("below"));
    assert_eq!(get(&client, "/captures/9").0, 404);
    assert_eq!(get(&client, "/moved/7"), ok("7"));
    assert_eq!(get(&client, "/none?a=1"), (404, r#"{"a": "1"}"#.to_owned()));
}

#[test]
fn gives_failures_to_the_error_handlers() {
    let mut app = App::new();
    app.on_error(async |_, error| (error.status(), format!("<{}>", error.message())));
    app.get("/:n", with(async |_, Path(n): Path<u8>| n.to_string()));
    let client = client(app);
    assert_eq!(get(&client, "/x"), bad("<parameter `n`: invalid digit found in string>"));
}
