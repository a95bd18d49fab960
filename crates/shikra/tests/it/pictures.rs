//! The pictures of the style guide, as compiled code with the results that they promise.

use crate::support::{client, logged};
use serde::{Deserialize, Serialize};
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::Instant;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    balance: u64,
}

#[derive(Deserialize)]
struct NewUser {
    name: String,
}

#[derive(Deserialize)]
struct Order {
    user: u64,
    total: u64,
}

#[derive(Serialize)]
struct Receipt {
    left: u64,
}

#[derive(Debug)]
struct DbTimeout {
    retry_s: u64,
}

impl fmt::Display for DbTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "db-7.internal timed out")
    }
}

impl StdError for DbTimeout {}

/// Its user 99 cannot be reached in time, and paying 13 fails for reasons of its own.
struct Db {
    users: Mutex<Vec<User>>,
}

impl Db {
    fn empty() -> Self {
        Self { users: Mutex::default() }
    }

    fn with_ada() -> Self {
        Self { users: Mutex::new(vec![User { id: 1, name: "ada".to_owned(), balance: 100 }]) }
    }

    async fn insert(&self, new: NewUser) -> Result<User, DbTimeout> {
        let mut users = self.users.lock().expect("no test panics with it");
        let user = User { id: users.len() as u64 + 1, name: new.name, balance: 0 };
        users.push(user.clone());
        Ok(user)
    }

    async fn find(&self, id: u64) -> Result<Option<User>, DbTimeout> {
        if id == 99 {
            return Err(DbTimeout { retry_s: 3 });
        }
        let users = self.users.lock().expect("no test panics with it");
        Ok(users.iter().find(|user| user.id == id).cloned())
    }

    async fn user_of(&self, token: Option<Cow<'_, str>>) -> Result<Option<User>, DbTimeout> {
        if token.is_some_and(|token| token == "ada's") { self.find(1).await } else { Ok(None) }
    }

    async fn pay(&self, order: Order) -> Result<Receipt, std::io::Error> {
        if order.total == 13 {
            return Err(std::io::Error::other("the ledger of picture seven is torn"));
        }
        Ok(Receipt { left: 100 - order.total })
    }
}

// 1. Hello

#[test]
fn picture_1_says_hello_over_a_socket() {
    // PO-010, VA-005
    let server = App::new().get("/", async |_| "hello world").start("127.0.0.1:0").unwrap();
    let mut stream = std::net::TcpStream::connect(server.addr()).unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, request).unwrap();
    let mut reply = String::new();
    std::io::Read::read_to_string(&mut stream, &mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\nhello world"), "{reply}");
    server.stop();
    server.wait();
}

#[test]
fn picture_1_returns_the_error_of_a_taken_address() {
    // PO-049, CP-49
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = App::new().get("/", async |_| "hello world").listen(addr).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

// 2. Parameters

async fn show_book(req: Request) -> Result<String> {
    let user: u64 = req.param("user")?; // not a number: 400, and the message names the parameter
    let book: String = req.param("book")?;
    Ok(format!("{book} of user {user}"))
}

fn books(app: &mut App) {
    app.get("/users/:user/books/:book", show_book);
}

#[test]
fn picture_2_reads_parameters() {
    let mut app = App::new();
    books(&mut app);
    let client = client(app);
    assert_eq!(client.get("/users/7/books/t%20%C3%BC").send().text(), "t ü of user 7");
    let reply = client.get("/users/x/books/t").send();
    assert_eq!(reply.status(), 400);
    assert!(reply.text().contains("`user`"), "{reply:?}");
}

// 3. JSON in, JSON out

async fn create_user(req: Request) -> Result<(StatusCode, Json<User>)> {
    if req.header("authorization").is_none() {
        bail!(401, "log in first"); // refused before a byte of the body is read
    }
    let new: NewUser = req.json().await?;
    let user = req.state::<Db>().insert(new).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

#[test]
fn picture_3_takes_and_gives_json() {
    let client = client(App::new().post("/users", create_user).state(Db::empty()));
    let body = serde_json::json!({ "name": "grace" });
    let reply = client.post("/users").json(&body).send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (401, "log in first"));
    let reply = client.post("/users").header("authorization", "t").json(&body).send();
    assert_eq!(reply.status(), 201);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json::<User>(), User { id: 1, name: "grace".to_owned(), balance: 0 });
}

// 4. Middleware

#[allow(clippy::needless_borrows_for_generic_args, reason = "as the picture has it")]
async fn timing(req: Request, next: Next) -> Response {
    let start = Instant::now();
    let mut res = next.run(req).await; // a response in every case: errors have become one
    res.set_header("server-timing", &format!("app;dur={}", start.elapsed().as_millis()));
    res
}

async fn require_user(req: Request, next: Next) -> Result {
    let user = req.state::<Db>().user_of(req.cookie("token")).await?.or_status(401)?;
    req.meta().insert(user); // the request is immutable: what middleware learns goes beside it
    Ok(next.run(req).await)
}

fn stack(app: &mut App) {
    app.use_(timing).use_at("/account", require_user);
}

#[test]
fn picture_4_stands_around_handlers() {
    let mut app = App::new();
    stack(&mut app);
    app.state(Db::with_ada())
        .get("/account", async |req| req.meta().get::<User>().map(|user| user.name.clone()))
        .get("/open", async |_| "open");
    let client = client(app);
    let reply = client.get("/account").header("cookie", "token=ada's").send();
    assert_eq!(reply.text(), "ada");
    for path in ["/account", "/%61ccount", "/account/none"] {
        let reply = client.get(path).send();
        assert_eq!(reply.status(), 401, "{path}");
        assert!(reply.header("server-timing").unwrap().starts_with("app;dur="), "{path}");
    }
    assert_eq!(client.get("/open").send().text(), "open");
}

// 5. Late handlers

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn log_errors(app: &mut App) {
    app.use_(late(|req| {
        let path = req.path().to_owned(); // before the handler
        move |res| {
            // after it, in reverse order of registration, whether it succeeded or failed
            if let Some(err) = res.error() {
                SEEN.lock().unwrap().push(format!("{path}: {} {err}", res.status()));
            }
        }
    }));
}

#[test]
fn picture_5_sees_errors_on_the_way_back() {
    let mut app = App::new();
    log_errors(&mut app);
    app.get("/fine", async |_| "fine");
    app.get("/short", async |_| Err::<&str, _>(Error::new(402, "3 short").with_cause("no money")));
    let client = client(app);
    assert_eq!(client.get("/fine").send().text(), "fine");
    assert_eq!(client.get("/short").send().text(), "3 short");
    assert_eq!(client.get("/none").send().status(), 404);
    let seen = SEEN.lock().unwrap();
    let lines =
        ["/short: 402 Payment Required 3 short: no money", "/none: 404 Not Found Not found"];
    assert_eq!(*seen, lines);
}

// 6. Returns

// A number outside 200 to 999 is a 500 and a line in the log; a `StatusCode` cannot be wrong.
fn returns(app: &mut App) {
    app.get("/empty", async |_| 204);
    app.get("/gone", async |_| (410, "this page is gone"));
    app.get("/made", async |_| (StatusCode::CREATED, [("location", "/users/7")], Json([1, 2, 3])));
    app.get("/page", async |_| "<h1>hi</h1>".with_header("content-type", "text/html"));

    // `None` is a 404.
    app.get("/users/:id", async |req| {
        Ok(req.state::<Db>().find(req.param("id")?).await?.map(Json))
    });
}

#[test]
fn picture_6_turns_values_into_replies() {
    let mut app = App::new();
    returns(&mut app);
    app.state(Db::with_ada());
    let client = client(app);
    let reply = client.get("/empty").send();
    assert_eq!((reply.status().as_u16(), reply.bytes()), (204, &b""[..]));
    let reply = client.get("/gone").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (410, "this page is gone"));
    let reply = client.get("/made").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (201, "[1,2,3]"));
    assert_eq!(reply.header("location"), Some("/users/7"));
    let reply = client.get("/page").send();
    assert_eq!(reply.header_all("content-type"), ["text/html"]);
    assert_eq!(client.get("/users/1").send().json::<User>().name, "ada");
    assert_eq!(client.get("/users/2").send().status(), 404);
    assert_eq!(client.get("/users/x").send().status(), 400);
    assert_eq!(client.get("/users/99").send().status(), 500);
}

// 7. Errors

async fn pay(req: Request) -> Result<Json<Receipt>> {
    let order: Order = req.json().await?; // malformed: 400, wrong shape: 422
    let user = req.state::<Db>().find(order.user).await?.or_status(404)?;
    if user.balance < order.total {
        bail!(402, "{} short", order.total - user.balance);
    }
    Ok(Json(req.state::<Db>().pay(order).await?)) // any other error: 500, cause in the log only
}

fn errors(app: &mut App) {
    app.catch(async |_, err: &DbTimeout| (503, format!("try again in {} s", err.retry_s)));
    app.on_error(async |_, err| Json(err.status().as_u16()).with_status(err.status()));
}

#[test]
fn picture_7_answers_each_error_in_its_own_way() {
    let mut app = App::new();
    errors(&mut app);
    app.state(Db::with_ada()).post("/pay", pay);
    let client = client(app);
    let order = |user: u64, total: u64| {
        let order = serde_json::json!({ "user": user, "total": total });
        let reply = client.post("/pay").json(&order).send();
        (reply.status().as_u16(), reply.text())
    };
    assert_eq!(order(1, 30), (200, r#"{"left":70}"#.to_owned()));
    assert_eq!(order(1, 130), (402, "402".to_owned()));
    assert_eq!(order(2, 30), (404, "404".to_owned()));
    assert_eq!(order(99, 30), (503, "try again in 3 s".to_owned()));
    assert_eq!(order(1, 13), (500, "500".to_owned()));
    assert_eq!(logged(&["/pay", "the ledger of picture seven is torn"]), 1);
    assert_eq!(client.post("/pay").body("{").send().status(), 400);
    assert_eq!(client.post("/pay").json(&[1, 2, 3]).send().status(), 422);
}

// 8. Streams

// `write` and `send` wait while the socket is full. When the client leaves, the closure is dropped.
async fn numbers(_: Request) -> Response {
    stream(async |out| {
        for n in 0..1_000_000 {
            out.write(format!("{n}\n")).await?;
        }
        Ok(())
    })
}

// The body is a stream of its own; the handle of the request may live in it.
async fn echo(req: Request) -> Response {
    let mut body = req.body();
    stream(async move |out| {
        while let Some(chunk) = body.next().await {
            out.write(chunk?).await?;
        }
        Ok(())
    })
}

#[test]
fn picture_8_streams_both_ways() {
    // VA-142
    let client = client(App::new().get("/numbers", numbers).post("/echo", echo));
    let text = client.get("/numbers").send().text();
    assert_eq!(text.lines().count(), 1_000_000);
    assert!(text.ends_with("\n999998\n999999\n"));
    let chunks = (0..100_u8).map(|n| vec![n; 10_000]);
    let sent: Vec<u8> = chunks.clone().flatten().collect();
    let reply = client.post("/echo").chunks(chunks).send();
    assert!(reply.bytes() == sent, "{} bytes came back", reply.bytes().len());
}

// 11. Mounted apps

async fn require_admin(req: Request, next: Next) -> Result {
    req.header("x-admin").or_status(403)?;
    Ok(next.run(req).await)
}

fn admin() -> App {
    let mut app = App::new();
    app.use_(require_admin)
        .get("/", async |_| "admin")
        .get("/path", async |req| req.path().to_owned());
    app
}

fn site() -> App {
    let mut app = App::new();
    app.mount("/admin", admin()); // its middleware runs for its routes alone; `req.path()` stays whole
    app.get("/", async |_| "site");
    app
}

#[test]
fn picture_11_mounts_an_application() {
    let client = client(site());
    assert_eq!(client.get("/").send().text(), "site");
    assert_eq!(client.get("/admin").send().status(), 403);
    assert_eq!(client.get("/admin").header("x-admin", "1").send().text(), "admin");
    assert_eq!(client.get("/admin/path").header("x-admin", "1").send().text(), "/admin/path");
}

// 12. Test client

#[test]
fn picture_12_refuses_what_is_no_user() {
    let client = TestClient::new(App::new().post("/users", create_user).state(Db::empty()));
    let reply = client.post("/users").header("authorization", "t").json(&42).send();
    assert_eq!(reply.status(), 422);
    assert!(reply.text().contains("expected struct NewUser"));
}
