//! Facts about a request: its raw head, its ports and times, what it has of the body, conditions, ranges.

use crate::support::client;
use shikra::RangeError;
use shikra::prelude::*;
use shikra::testing::TestClient;
use std::borrow::Cow;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

#[test]
fn the_raw_head_is_borrowed_as_it_was_sent() {
    // HX-095: order, spelling, repetition and bytes of the fields, and no copy of them.
    let mut app = App::new();
    app.method(Method::from_bytes(b"Odd-Verb").unwrap(), "/*", async |req: Request| {
        let fields: Vec<_> = req.headers().collect();
        let again: Vec<_> = req.headers().collect();
        let clone = req.clone();
        let of_clone: Vec<_> = clone.headers().collect();
        for ((one, two), three) in fields.iter().zip(&again).zip(&of_clone) {
            assert!(std::ptr::eq(one.1, two.1) && std::ptr::eq(one.1, three.1) && one.0 == two.0);
        }
        format!("{} {} {:?} {fields:?}", req.method(), req.target(), req.version())
    });
    let client = TestClient::new(app);
    let connection = client.connect();
    connection.write(
        b"Odd-Verb /a/%7e?b=%zz HTTP/1.1\r\nHost: x\r\nX-B: \xff\r\nx-a: 1\r\nX-b:2\r\n\r\n",
    );
    let text = connection.read_reply().unwrap().text();
    let fields = r#"[("Host", [120]), ("X-B", [255]), ("x-a", [49]), ("X-b", [50])]"#;
    assert_eq!(text, format!("Odd-Verb /a/%7e?b=%zz HTTP/1.1 {fields}"));
}

#[test]
fn addresses_and_ports_outlive_the_exchange() {
    // HX-108, HX-105: they are noted when the connection is accepted.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let mut app = App::new();
    app.get("/", async move |req: Request| {
        let (kept, noted) = (req.clone(), Arc::clone(&noted));
        req.on_close(move || {
            noted.lock().unwrap().push((kept.peer_addr(), kept.local_addr(), kept.client_ip()));
        });
        204
    });
    let server = app.start("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    let own = stream.local_addr().unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    server.stop();
    server.wait();
    let wanted = (Some(own), Some(server.addr()), Some(own.ip()));
    assert_eq!(*seen.lock().unwrap(), [wanted]);
    // There is no address where the connection has none.
    let mut app = App::new();
    app.get("/", async |req: Request| format!("{:?} {:?}", req.peer_addr(), req.client_ip()));
    assert_eq!(TestClient::new(app).get("/").send().text(), "None None"); // HA-023
}

#[test]
fn a_request_reaches_what_its_application_has() {
    // HX-107: state of the application that the request came to, its own or of the one around it.
    let mut inner = App::new();
    inner
        .state("inner")
        .get("/", async |req: Request| format!("{} {}", req.state::<&str>(), req.state::<u8>()));
    let mut app = App::new();
    app.state("outer").state(7_u8).host("in.test", inner);
    app.get("/", async |req: Request| {
        format!("{} {:?}", req.state::<&str>(), req.try_state::<u16>())
    });
    let client = TestClient::new(app);
    assert_eq!(client.get("/").header("host", "in.test").send().text(), "inner 7");
    assert_eq!(client.get("/").send().text(), "outer None");
}

#[test]
fn the_time_of_arrival_is_that_of_the_head() {
    let mut app = App::new();
    app.post("/", async |req: Request| {
        let first = req.received_at();
        req.bytes().await?;
        assert_eq!(req.clone().received_at(), first);
        Ok(format!("{} s", first.elapsed().as_secs()))
    });
    let client = TestClient::with_virtual_time(app);
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\n");
    client.advance(Duration::from_secs(3));
    connection.write("content-length: 1\r\n\r\n");
    client.advance(Duration::from_secs(2));
    connection.write("x");
    assert_eq!(connection.read_reply().unwrap().text(), "2 s");
    client.advance(Duration::from_secs(1));
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(connection.read_reply().unwrap().text(), "0 s", "each request has its own");
}

#[test]
fn names_of_express_have_their_like() {
    // HX-295: params, query, path, target, host, scheme and body are proven elsewhere.
    let mut app = App::new();
    app.get("/", async |req: Request| format!("{:?} {}", req.subdomains(), req.is_xhr()));
    let client = client(app);
    let ask = |host: &str| client.get("/").header("host", host).send().text();
    assert_eq!(ask("a.b.Example.com:81"), r#"["b", "a"] false"#);
    assert_eq!(ask("a.example.com."), r#"["a"] false"#);
    for host in ["example.com", "localhost", "127.0.0.1", "[::1]:80", ""] {
        assert_eq!(ask(host), "[] false", "{host}");
    }
    let xhr = |value: &str| client.get("/").header("x-requested-with", value).send().text();
    assert_eq!(xhr("XMLHttpRequest"), "[] true");
    assert_eq!(xhr("xmlhttprequest"), "[] true");
    assert_eq!(xhr("fetch"), "[] false");
}

#[test]
fn lists_what_the_client_prefers() {
    // HX-292
    let mut app = App::new();
    app.get("/:field", async |req: Request| {
        Ok(req.preferences(&req.param::<String>("field")?).join(" "))
    });
    app.get("/", async |req: Request| req.accepts_charset(&["utf-8", "latin1"]).unwrap_or("none"));
    let client = client(app);
    let list = |field: &str, value: &str| {
        client.get(&format!("/{field}")).header(field, value).send().text()
    };
    assert_eq!(
        list("accept", "text/html;q=0.5, a/b, c/d;q=0, e/f;q=0.9, g/h"),
        "a/b g/h e/f text/html"
    );
    assert_eq!(list("accept-language", "de-CH, de;q=0.9, *;q=0.1"), "de-CH de *");
    assert_eq!(list("Accept-Encoding", "gzip;q=0.8, br"), "br gzip identity");
    assert_eq!(list("accept-encoding", "gzip, identity;q=0"), "gzip");
    assert_eq!(list("accept-encoding", "identity, gzip;q=0.5"), "identity gzip");
    assert_eq!(list("accept-encoding", "*;q=0"), "");
    assert_eq!(client.get("/accept").send().text(), "");
    assert_eq!(client.get("/accept-encoding").send().text(), "identity");
    let charset = |value: &str| client.get("/").header("accept-charset", value).send().text();
    assert_eq!(charset("latin1;q=0.9, UTF-8;q=0.5"), "latin1");
    assert_eq!(charset("*, utf-8;q=0"), "latin1");
    assert_eq!(charset("koi8-r"), "none");
    assert_eq!(client.get("/").send().text(), "utf-8");
}

#[test]
fn finds_a_value_wherever_it_stands() {
    // HX-294
    let mut app = App::new();
    app.any("/:n?", async |req: Request| {
        let (own, anywhere) = (req.param_or("n", 7_u8)?, req.param_anywhere::<u8>("n").await?);
        Ok(format!("{own} {anywhere:?}"))
    });
    let client = client(app);
    assert_eq!(client.post("/1?n=3").form(&[("n", "2")]).send().text(), "1 Some(1)");
    assert_eq!(client.post("/?n=3").form(&[("n", "2")]).send().text(), "7 Some(2)");
    assert_eq!(client.post("/?n=3").form(&[("m", "2")]).send().text(), "7 Some(3)");
    assert_eq!(client.post("/?n=3").body("n=2").send().text(), "7 Some(3)");
    assert_eq!(client.get("/").send().text(), "7 None");
    let refused = |reply: shikra::testing::TestReply| (reply.status().as_u16(), reply.text());
    let message = "parameter `n`: invalid digit found in string";
    assert_eq!(refused(client.get("/x").send()), (400, message.to_owned()));
    assert_eq!(refused(client.post("/").form(&[("n", "x")]).send()), (400, message.to_owned()));
    let message = "query `n`: invalid digit found in string";
    assert_eq!(refused(client.get("/?n=x").send()), (400, message.to_owned()));
}

#[test]
fn ranges_are_told_from_none_unsatisfiable_and_malformed() {
    // HX-293, CK-32
    let mut app = App::new();
    app.any("/", async |req: Request| match req.range(1000) {
        Ok(ranges) => Ok(format!("{ranges:?}")),
        Err(error) => {
            let why = error.downcast_ref::<RangeError>().copied().or_status(500)?;
            Err(Error::new(error.status(), format!("{why:?}")))
        }
    });
    app.get("/plain", async |req: Request| Ok(format!("{:?}", req.range(1000)?)));
    let client = client(app);
    let ask = |value: &str| {
        let reply = client.get("/").header("range", value).send();
        (reply.status().as_u16(), reply.text())
    };
    let told = |status: u16, text: &str| (status, text.to_owned());
    assert_eq!(ask("bytes=0-4"), told(200, "Some([0..5])"));
    assert_eq!(ask("bytes=-5, 0-0"), told(200, "Some([995..1000, 0..1])"));
    assert_eq!(ask("lines=1-2"), told(200, "None"));
    assert_eq!(ask("bytes=1000-"), told(416, "Unsatisfiable"));
    assert_eq!(ask("bytes=5-4"), told(400, "Malformed"));
    assert_eq!(ask("x"), told(400, "Malformed"));
    assert_eq!(ask(&format!("bytes={}0-1", "0-1,".repeat(16))), told(416, "TooMany"));
    assert_eq!(client.get("/").send().text(), "None");
    assert_eq!(client.post("/").header("range", "bytes=x").send().text(), "None");
    let reply = client.get("/").header("range", "bytes=0-1").header("range", "bytes=3-4").send();
    assert_eq!(reply.status(), 400);
    let reply = client.get("/plain").header("range", "bytes=1000-").send();
    assert_eq!(
        (reply.status().as_u16(), reply.header("content-range")),
        (416, Some("bytes */1000"))
    );
}

#[test]
fn says_whether_the_client_has_the_content() {
    // HX-296: what was left out there is here; `accepts` stands for its `format`.
    let mut app = App::new();
    app.any("/", async |req: Request| {
        let modified = UNIX_EPOCH + Duration::from_millis(784_111_777_900);
        let by_tag = req.is_fresh(Some("\"v,1\""), None);
        format!("{by_tag} {} {}", req.is_fresh(None, Some(modified)), req.is_fresh(None, None))
    });
    let client = client(app);
    let ask = |name: &str, value: &str| client.get("/").header(name, value).send().text();
    assert_eq!(ask("if-none-match", "\"v,1\""), "true false false");
    assert_eq!(ask("if-none-match", "\"a\", W/\"v,1\""), "true false false");
    assert_eq!(ask("if-none-match", "\"v\", \"1\", v,1, \"V,1\""), "false false false");
    assert_eq!(ask("if-none-match", "*"), "true true true");
    assert_eq!(ask("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"), "false true false");
    assert_eq!(ask("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT"), "false false false");
    assert_eq!(ask("if-modified-since", "yesterday"), "false false false");
    let both = client.get("/").header("if-none-match", "\"other\"");
    let both = both.header("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(both.send().text(), "false false false");
    assert_eq!(client.post("/").header("if-none-match", "*").send().text(), "false false false");
    assert_eq!(client.get("/").send().text(), "false false false");
}

#[test]
fn private_types_keep_meta_apart() {
    // VA-066: two modules with a key of the same name.
    mod one {
        #[derive(Debug)]
        pub(super) struct Key(pub(super) u8);
    }
    mod two {
        #[derive(Debug)]
        pub(super) struct Key(pub(super) u8);
    }
    let mut app = App::new();
    app.use_(before(async |req: Request| drop(req.meta().insert(one::Key(1)))));
    app.use_(before(async |req: Request| drop(req.meta().insert(two::Key(2)))));
    app.get("/", async |req: Request| {
        let (one, two) = (req.meta().get::<one::Key>(), req.meta().get::<two::Key>());
        format!("{:?} {:?}", one.map(|key| key.0), two.map(|key| key.0))
    });
    assert_eq!(TestClient::new(app).get("/").send().text(), "Some(1) Some(2)");
}

#[test]
fn middleware_sets_status_and_fields_around_the_handler() {
    // PO-100
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        let mut res = next.run(req).await;
        res.set_status(202);
        res.with_header("x-early", "kept")
    });
    app.get("/", async |_| "body".with_header("x-own", "1"));
    let reply = TestClient::new(app).get("/").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (202, "body"));
    assert_eq!((reply.header("x-early"), reply.header("x-own")), (Some("kept"), Some("1")));
}

#[test]
fn cookies_of_the_request_are_decoded_and_the_first_of_two_counts() {
    // HA-024, CF-53, CF-76
    let mut app = App::new();
    app.get("/", async |req: Request| {
        let all: Vec<_> = req.cookies().map(|(name, value)| format!("{name}={value}")).collect();
        let one = |name: &str| req.cookie(name).map(Cow::into_owned);
        format!(
            "{} {:?} {:?} {:?} {:?}",
            all.join("|"),
            one("a"),
            one("d"),
            one("none"),
            req.cookie_raw("d")
        )
    });
    let client = client(app);
    let reply = client.get("/").header("cookie", "a=1; b=x=y; d=%20z; a=2; e=%").send();
    assert_eq!(reply.text(), r#"a=1|b=x=y|d= z|a=2|e=% Some("1") Some(" z") None Some("%20z")"#);
}
