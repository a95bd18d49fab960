//! What handlers may return, form by form, and what middleware may make of it.

use crate::support::{answers, client, logged};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use shikra::prelude::*;
use shikra::testing::TestReply;
use shikra::{IntoStatus, OrStatus};
use std::borrow::Cow;

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// The reply to what `app` has at `/`.
fn reply_of(app: &mut App) -> TestReply {
    client(app).get("/").send()
}

macro_rules! reply {
    ($value:expr) => {
        reply_of(App::new().get("/", async |_| $value))
    };
}

#[test]
fn a_status_alone_is_an_empty_reply() {
    // VA-080, VA-081, HX-299: the number, the type, and no third way.
    for reply in [reply!(404), reply!(StatusCode::NOT_FOUND), reply!(404.into_response())] {
        assert_eq!((reply.status().as_u16(), reply.reason()), (404, "Not Found"));
        assert_eq!((reply.header("content-length"), reply.text()), (Some("0"), String::new()));
        assert_eq!(reply.header("content-type"), None);
    }
    for reply in [reply!(204), reply!(304)] {
        assert_eq!(reply.header("content-length"), None);
    }
}

#[test]
fn a_reply_that_nobody_touched_is_an_empty_200() {
    // HA-025, VA-087, HX-139: what is not given has its default.
    let reply = reply!(Response::new());
    assert_eq!((reply.status().as_u16(), reply.reason()), (200, "OK"));
    assert_eq!((reply.header("content-type"), reply.header("content-length")), (None, Some("0")));
}

#[test]
fn headers_and_reason_go_with_a_status_or_a_body() {
    // VA-083, VA-084, VA-085, HX-140, HX-139
    for reply in [
        reply!((204, [("X-A", "0"), ("x-a", "1")])),
        reply!(204.with_header("X-A", "1")),
        reply!((204, [("x-a", "1")], "")),
    ] {
        assert_eq!((reply.status().as_u16(), reply.header_all("x-a")), (204, vec!["1"]));
    }
    let reply = reply!([("x-a", "1"), ("x-b", "2")]);
    assert_eq!((reply.status().as_u16(), reply.header("x-b")), (200, Some("2")));
    for reply in [
        reply!((400, [("x-a", "1")], Reason("Not Today"))),
        reply!(Reason("Not Today").with_status(400).with_header("x-a", "1")),
    ] {
        assert_eq!((reply.status().as_u16(), reply.reason()), (400, "Not Today"));
        assert_eq!((reply.header("x-a"), reply.text()), (Some("1"), String::new()));
    }
    let reply = reply!((402, [("x-a", "1")], "pay").with_reason("Credit"));
    assert_eq!((reply.status().as_u16(), reply.reason(), &*reply.text()), (402, "Credit", "pay"));
    assert_eq!(reply.header("x-a"), Some("1"));
    // HA-026
    for reply in [reply!((401, Json(1))), reply!(Json(1).with_status(401))] {
        assert_eq!((reply.status().as_u16(), &*reply.text()), (401, "1"));
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
    // The last status wins.
    assert_eq!(reply!((201, (202, "x").with_status(203))).status(), 201);
}

#[test]
fn bodies_are_text_bytes_or_streams() {
    // VA-089, HA-027, HA-028, HA-029, HX-151, HX-153, PO-108, PO-110, CF-82
    let check = |reply: TestReply, content_type: &str, body: &[u8]| {
        assert_eq!(reply.header("content-type"), Some(content_type), "{reply:?}");
        assert_eq!(reply.bytes(), body);
        if reply.header("transfer-encoding").is_none() {
            // In bytes, not in characters.
            assert_eq!(reply.header("content-length"), Some(&*body.len().to_string()));
        }
    };
    check(reply!("grün"), TEXT, "grün".as_bytes());
    check(reply!(Box::<str>::from("grün")), TEXT, "grün".as_bytes());
    check(reply!(Bytes::from_static(b"\xff")), BYTES, b"\xff");
    check(reply!(BytesMut::from(&b"\xff"[..])), BYTES, b"\xff");
    check(reply!(Cow::Borrowed(&b"\xff"[..])), BYTES, b"\xff");
    check(reply!(Cow::<'static, [u8]>::Owned(vec![255])), BYTES, b"\xff");
    check(reply!(stream(async |out| out.write("s").await)), BYTES, b"s");
    check(reply!(Json(["grün"])), "application/json", "[\"grün\"]".as_bytes());
    check(reply!(Html("<p>ü")), "text/html; charset=utf-8", "<p>ü".as_bytes());
    check(reply!("own".with_header("content-type", "text/own")), "text/own", b"own");
    check(reply!(Html("own".with_header("content-type", "a/b"))), "a/b", b"own");
    // The phrase is the body where somebody asks for an error by its status.
    check(reply!(Error::from_status(503)), TEXT, b"Service Unavailable");
}

#[test]
fn a_ready_response_passes_as_it_is() {
    // VA-091
    let reply = reply!((
        203,
        [("x-outer", "1")],
        Response::new().with_status(201).with_header("x-inner", "2").with_body("ready")
    ));
    assert_eq!((reply.status().as_u16(), &*reply.text()), (203, "ready"));
    assert_eq!((reply.header("x-outer"), reply.header("x-inner")), (Some("1"), Some("2")));
    let reply = reply!(Ok(Some(Response::new().with_status(201).with_body("ready"))));
    assert_eq!((reply.status().as_u16(), &*reply.text()), (201, "ready"));
}

#[test]
fn a_reply_may_be_returned_or_be_an_error() {
    // VA-079, HX-155, PO-105
    let mut app = App::new();
    app.use_(late(|_| |res| res.append_header("x-late", "1")));
    app.get("/returned", async |_| (409, "taken"))
        .get("/bailed", async |_| -> Result<&str> { bail!(409, "taken") })
        .get("/asked", async |_| {
            shikra::sleep(std::time::Duration::ZERO).await;
            None::<u16>.ok_or_else(|| Error::new(409, "taken"))
        });
    let client = client(app);
    let whole = |path: &str| {
        let all = answers(&client, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        let lines: Vec<_> = all.lines().filter(|line| !line.starts_with("date")).collect();
        // The default reply to an error depends on what the client accepts, and says so.
        lines.join("\n").replace("vary: accept\n", "")
    };
    assert!(whole("/returned").starts_with("HTTP/1.1 409 Conflict\n"));
    assert!(whole("/returned").ends_with("\n\ntaken"));
    assert_eq!(whole("/returned"), whole("/bailed"));
    assert_eq!(whole("/returned"), whole("/asked"));
}

#[test]
fn statuses_are_200_to_999_and_a_mistake_is_an_error_that_middleware_sees() {
    // VA-092, VA-093, VA-115, CF-47
    let mut app = App::new();
    app.use_(late(|_| {
        |res| {
            let error = res.error().map(ToString::to_string);
            res.set_header("x-error", error.unwrap_or_default());
        }
    }));
    app.get("/:status", async |req| {
        let status: u16 = req.param("status")?;
        Ok((status, "body"))
    });
    app.get("/header/:n", async |req| {
        Ok("x".with_header("x-n", if req.param::<u8>("n")? == 0 { "\r\n" } else { "fine" }))
    });
    let client = client(app);
    for status in [200, 299, 418, 599, 600, 999] {
        let reply = client.get(&format!("/{status}")).send();
        assert_eq!(reply.status().as_u16(), status);
        assert_eq!((reply.header("x-error"), &*reply.text()), (Some(""), "body"));
    }
    for status in [0, 99, 100, 101, 199, 1_000, 65_535] {
        let reply = client.get(&format!("/{status}")).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "Internal Server Error"));
        let error = reply.header("x-error").unwrap();
        assert!(error.contains(&format!("{status} is no status")), "{error}");
    }
    assert_eq!(client.get("/header/1").send().header("x-error"), Some(""));
    let reply = client.get("/header/0").send();
    let error = reply.header("x-error").unwrap();
    assert!(reply.status() == 500 && error.contains("header `x-n`: control byte"), "{error}");
}

#[test]
fn the_reason_follows_the_status_unless_it_was_set() {
    // VA-115, VA-116, VA-110
    let mut app = App::new();
    app.use_(late(|req| {
        let clears = req.query().get("clear").is_some();
        move |res| {
            res.set_status(404);
            if clears {
                res.remove_reason();
            }
            let reason = res.reason().to_owned();
            res.set_header("x-reason", reason);
        }
    }));
    app.get("/plain", async |_| 200)
        .get("/own", async |_| Reason("Custom"))
        .get("/empty", async |_| Reason(""));
    let client = client(app);
    for (path, reason) in
        [("/plain", "Not Found"), ("/own", "Custom"), ("/empty", ""), ("/own?clear", "Not Found")]
    {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), reply.reason()), (404, reason), "{path}");
        assert_eq!(reply.header("x-reason"), Some(reason));
    }
}

#[test]
fn late_handlers_read_and_change_every_part() {
    // VA-110, VA-117, VA-118, VA-114, HA-033, HA-034, PO-100
    let mut app = App::new();
    app.use_(late(|_| {
        |res| {
            assert_eq!(res.body_text(), Some("second"));
            assert_eq!(res.header("x-inner"), Some("kept"));
            res.set_body("third");
            res.set_content_type("csv");
        }
    }));
    app.use_(late(|_| {
        |res| {
            assert_eq!((res.status().as_u16(), res.body_text()), (201, Some("first")));
            assert_eq!((res.body(), res.is_stream()), (Some(&b"first"[..]), false));
            let names: Vec<_> = res.headers().map(|(name, _)| name.to_owned()).collect();
            assert_eq!(names, ["content-type", "x-inner", "x-gone"]);
            assert!(res.remove_header("X-GONE"));
            assert!(res.try_set_header("x-bad", "a\nb").is_err());
            res.set_body("second");
        }
    }));
    app.get("/", async |_| (201, [("x-inner", "kept"), ("x-gone", "1")], "first"));
    let reply = client(app).get("/").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (201, "third"));
    assert_eq!(reply.header_all("content-type"), ["text/csv; charset=utf-8"]);
    assert_eq!((reply.header("x-inner"), reply.header("x-gone")), (Some("kept"), None));
    assert_eq!((reply.header("x-bad"), reply.header("content-length")), (None, Some("5")));
}

#[test]
fn headers_of_middleware_stay_whatever_makes_the_body() {
    // HA-033, HX-297
    async fn own(req: Request, next: Next) -> Response {
        let mut res = next.run(req).await;
        res.set_headers([("x-own", "1")]);
        res.set_header_all("x-list", ["a", "b"]);
        res
    }
    let mut map = HeaderMap::new();
    map.append("x-map", HeaderValue::from_static("1"));
    map.append("x-map", HeaderValue::from_static("2"));
    let mut app = App::new();
    app.use_(own);
    app.get("/text", async |_| "x")
        .get("/json", async |_| Json(1))
        .get("/html", async |_| Html("x"))
        .get("/stream", async |_| stream(async |out| out.write("x").await))
        .get("/error", async |_| -> Result<u16> { bail!(400, "x") })
        .get("/map", async move |_| {
            let mut res = Response::new().with_header("x-list", "replaced");
            res.set_headers(map.clone());
            res
        });
    let client = client(app);
    for path in ["/text", "/json", "/html", "/stream", "/error", "/map", "/nowhere"] {
        let reply = client.get(path).send();
        assert_eq!(reply.header_all("x-own"), ["1"], "{path}");
        assert_eq!(reply.header_all("x-list"), ["a", "b"], "{path}");
    }
    assert_eq!(client.get("/map").send().header_all("x-map"), ["1", "2"]);
}

#[test]
fn a_value_travels_to_who_makes_a_body_of_it() {
    // VA-090, VA-117, VA-189, CV-31
    struct Sum(u32);
    let mut app = App::new();
    app.use_(late(|_| {
        |res| {
            assert!(res.value::<u32>().is_none() && res.take_value::<String>().is_none());
            if let Some(Sum(sum)) = res.take_value() {
                assert!(res.value::<Sum>().is_none());
                res.set_body(format!("{{\"sum\":{sum}}}"));
                res.set_content_type("json");
            }
        }
    }));
    app.get("/sum", async |_| Response::from_value(Sum(7)).with_status(201))
        .get("/lost", async |_| Response::from_value(vec![1_u8]).with_header("x-lost", "1"))
        .get("/body", async |_| {
            let mut res = Response::from_value(vec![1_u8]);
            res.set_body("bytes after all");
            res
        });
    let client = client(app);
    let reply = client.get("/sum").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (201, "{\"sum\":7}"));
    assert_eq!(reply.header("content-length"), Some("9"));
    let reply = client.get("/lost").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "Internal Server Error"));
    assert!(reply.keeps_alive() && reply.header("x-lost").is_none());
    assert_eq!(logged(&["path=/lost", "Vec<u8>"]), 1);
    assert_eq!(client.get("/body").send().text(), "bytes after all");
}

#[test]
fn an_error_handler_that_answers_with_such_a_value_ends() {
    let mut app = App::new();
    app.on_error(async |_, _| Response::from_value(1_u8));
    app.get("/", async |_| Response::from_value("never a body"));
    let reply = client(app).get("/").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "Internal Server Error"));
}

#[test]
fn helpers_are_added_from_outside() {
    // PO-109, PO-103
    trait Teapot {
        fn brewed(self) -> Response;
    }
    impl<T: IntoResponse> Teapot for T {
        fn brewed(self) -> Response {
            (418, [("x-brewed", "1")], self).into_response()
        }
    }
    struct Celsius(u8);
    impl IntoResponse for Celsius {
        fn into_response(self) -> Response {
            format!("{} degrees", self.0).into_response()
        }
    }
    let reply = reply!(Celsius(90).brewed());
    assert_eq!((reply.status().as_u16(), &*reply.text()), (418, "90 degrees"));
    assert_eq!(reply.header("x-brewed"), Some("1"));
}

#[test]
fn late_handlers_reach_what_the_application_shares() {
    // HX-135
    let mut app = App::new();
    app.state(7_u32)
        .use_(late(|req| move |res| res.set_header("x-state", req.state::<u32>().to_string())));
    app.get("/", async |_| 204);
    assert_eq!(client(app).get("/").send().header("x-state"), Some("7"));
}

#[test]
fn numbers_and_types_are_statuses() {
    assert_eq!(404.into_status(), Ok(StatusCode::NOT_FOUND));
    assert_eq!(StatusCode::CONTINUE.into_status(), Err(100));
    assert_eq!(None::<()>.or_status(410).map_err(|error| error.status().as_u16()), Err(410));
}
