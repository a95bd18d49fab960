//! What a handler returns, and the bytes that go out for it.

use crate::support::{answers, client, logged};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use shikra::prelude::*;
use shikra::testing::TestReply;
use shikra::{SameSite, SetCookie};
use std::borrow::Cow;

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Status, content type and body of what the handler at `/` returns.
fn check(app: &mut App, status: u16, content_type: Option<&str>, body: &str) -> TestReply {
    let reply = client(app).get("/").send();
    assert_eq!(reply.status(), status, "{reply:?}");
    assert_eq!(reply.header("content-type"), content_type, "{reply:?}");
    assert_eq!(reply.text(), body, "{reply:?}");
    reply
}

macro_rules! rows {
    ($($value:expr => $status:expr, $content_type:expr, $body:expr;)+) => {
        $(check(App::new().get("/", async |_| $value), $status, $content_type, $body);)+
    };
}

#[test]
fn sends_every_form_of_value() {
    // CF-46, VA-086
    rows! {
        201 => 201, None, "";
        999 => 999, None, "";
        StatusCode::ACCEPTED => 202, None, "";
        "text" => 200, Some(TEXT), "text";
        String::from("owned") => 200, Some(TEXT), "owned";
        Cow::Borrowed("borrowed") => 200, Some(TEXT), "borrowed";
        Cow::<'static, str>::Owned("cow".to_owned()) => 200, Some(TEXT), "cow";
        b"array" => 200, Some(BYTES), "array";
        &b"slice"[..] => 200, Some(BYTES), "slice";
        b"vec".to_vec() => 200, Some(BYTES), "vec";
        Bytes::from_static(b"bytes") => 200, Some(BYTES), "bytes";
        Html("<p>") => 200, Some("text/html; charset=utf-8"), "<p>";
        Html(String::from("<b>")) => 200, Some("text/html; charset=utf-8"), "<b>";
        Json([1, 2]) => 200, Some("application/json"), "[1,2]";
        Json("text") => 200, Some("application/json"), "\"text\"";
        (404, "gone") => 404, Some(TEXT), "gone";
        (StatusCode::CREATED, Json(7)) => 201, Some("application/json"), "7";
        (201, (202, "inner first")) => 201, Some(TEXT), "inner first";
        Some("there") => 200, Some(TEXT), "there";
        None::<&str> => 404, Some(TEXT), "Not found";
        Ok("fine") => 200, Some(TEXT), "fine";
        Ok(Some((203, "deep"))) => 203, Some(TEXT), "deep";
        Err::<&str, _>(Error::new(418, "short and stout")) => 418, Some(TEXT), "short and stout";
        Error::from_status(503) => 503, Some(TEXT), "Service Unavailable";
        (201, None::<&str>) => 404, Some(TEXT), "Not found";
        Html(None::<&str>) => 404, Some(TEXT), "Not found";
        Response::new() => 200, None, "";
        Response::new().with_status(403).with_body("no") => 403, None, "no";
        "x".with_status(206) => 206, Some(TEXT), "x";
        stream(async |out| out.write("streamed").await) => 200, Some(BYTES), "streamed";
    }
}

#[test]
fn sends_header_fields_of_tuples() {
    let checked = (HeaderName::from_static("x-a"), HeaderValue::from_static("1"));
    let mut map = HeaderMap::new();
    map.append("x-a", HeaderValue::from_static("1"));
    map.append("x-a", HeaderValue::from_static("2"));
    let mut app = App::new();
    app.get("/array", async |_| (200, [("x-a", "1"), ("x-b", "2")], "body"))
        .get("/vec", async |_| (200, vec![("x-a".to_owned(), b"1".to_vec())], "body"))
        .get("/pair", async move |_| (200, checked.clone(), "body"))
        .get("/map", async move |_| (200, map.clone(), "body".with_header("x-a", "0")))
        .get("/type", async |_| (200, [("Content-Type", "text/css")], "body"));
    let client = client(app);
    let fields = |path: &str| {
        let reply = client.get(path).send();
        assert_eq!(reply.text(), "body");
        reply.header_all("x-a").join(",")
    };
    assert_eq!(fields("/array"), "1");
    assert_eq!(fields("/vec"), "1");
    assert_eq!(fields("/pair"), "1");
    assert_eq!(fields("/map"), "1,2");
    assert_eq!(client.get("/type").send().header_all("content-type"), ["text/css"]);
}

#[test]
fn replaces_what_is_set_and_keeps_what_is_appended() {
    // CF-51, VA-119
    let mut app = App::new();
    app.get("/", async |_| {
        let mut res = "x".with_header("X-A", "1").with_header("x-a", "2");
        res.append_header("vary", "accept");
        res.append_header("Vary", "cookie");
        res.set_header("x-gone", "1");
        assert!(res.remove_header("X-Gone") && !res.remove_header("x-gone"));
        assert_eq!(res.header("X-a"), Some("2"));
        assert_eq!(res.header_all("vary").count(), 2);
        assert_eq!(res.header("content-type"), Some(TEXT));
        res
    });
    app.get("/bare", async |_| {
        let mut res = "x".into_response();
        assert!(res.remove_header("content-type"));
        res
    });
    let client = client(app);
    let reply = client.get("/").send();
    assert_eq!(reply.header_all("x-a"), ["2"]);
    assert_eq!(reply.header_all("vary"), ["accept", "cookie"]);
    assert_eq!(reply.header("x-gone"), None);
    assert_eq!(client.get("/bare").send().header("content-type"), None);
}

#[test]
fn answers_500_for_a_number_that_is_no_status() {
    // CF-47
    let mut app = App::new();
    app.get("/99", async |_| 99)
        .get("/199", async |_| (199, "text"))
        .get("/1000", async |_| Response::new().with_status(1000))
        .get("/continue", async |_| StatusCode::CONTINUE)
        .get("/zero", async |_| "x".with_header("x-secret", "1").with_status(0));
    let client = client(app);
    for path in ["/99", "/199", "/1000", "/continue", "/zero"] {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (500, "Internal Server Error"));
        assert_eq!(reply.header("x-secret"), None);
        assert!(reply.keeps_alive());
    }
    assert_eq!(logged(&["path=/99", "99 is no status"]), 1);
    assert_eq!(logged(&["path=/1000", "1000 is no status", "replies.rs:"]), 1);
    assert_eq!(logged(&["path=/199", "199 is no status"]), 1);
}

#[test]
fn answers_500_for_a_bad_header_and_names_it_in_the_log_alone() {
    let mut app = App::new();
    let line = line!();
    app.get("/set", async |_| "x".with_header("x-set", "a\r\nset-cookie: b=c"))
        .get("/append", async |_| {
            let mut res = Response::new();
            res.append_header("x-append", "a\nb");
            res
        })
        .get("/tuple", async |_| (200, [("x-tuple", "nul\0")], "x"))
        .get("/name", async |_| "x".with_header("bad name:", "1"))
        .get("/redirect", async |_| redirect("/\r\nx-evil: 1"))
        .get("/try", async |_| {
            let mut res = "kept".into_response();
            match res.try_set_header("x-try", "\u{7f}") {
                Ok(()) => res,
                Err(error) => error.message().to_owned().into_response(),
            }
        });
    let client = client(app);
    for path in ["/set", "/append", "/tuple", "/name", "/redirect"] {
        let all = answers(&client, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        assert!(all.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{all}");
        assert!(all.ends_with("\r\n\r\nInternal Server Error"), "{all}");
        for text in ["x-set", "set-cookie", "x-append", "x-tuple", "bad name", "evil", ".rs"] {
            assert!(!all.contains(text), "{path} shows {text}: {all}");
        }
    }
    let here = |below: u32| format!("replies.rs:{}:", line + below);
    assert_eq!(logged(&["path=/set", "`x-set`", &here(1)]), 1);
    assert_eq!(logged(&["path=/append", "`x-append`", &here(4)]), 1);
    assert_eq!(logged(&["path=/name", "`bad name:`", &here(8)]), 1);
    assert_eq!(logged(&["path=/redirect", "`location`", &here(9)]), 1);
    assert_eq!(logged(&["path=/tuple", "`x-tuple`"]), 1);
    let reply = client.get("/try").send();
    assert_eq!((reply.status().as_u16(), &*reply.text()), (200, "Internal Server Error"));
}

#[test]
fn keeps_framing_to_itself() {
    // VA-177, VA-186
    let mut app = App::new();
    app.get("/", async |_| {
        "fünf"
            .with_header("content-length", "999")
            .with_header("Transfer-Encoding", "chunked")
            .with_header("connection", "close")
            .with_header("keep-alive", "timeout=1")
            .with_header("x-own", "1")
    });
    let client = client(app);
    let reply = client.get("/").send();
    assert_eq!(reply.header_all("content-length"), ["5"]);
    assert_eq!(reply.header("transfer-encoding"), None);
    assert_eq!(reply.header("connection"), None);
    assert_eq!(reply.header("x-own"), Some("1"));
    assert!(reply.keeps_alive());
    assert_eq!(reply.text(), "fünf");
}

#[test]
fn sends_no_body_where_http_has_none() {
    // HX-156, VA-026, VA-184, VA-185
    let mut app = App::new();
    app.get("/text", async |_| "four")
        .get("/204", async |_| (204, "lost"))
        .get("/205", async |_| (205, "lost"))
        .get("/304", async |_| (304, [("etag", "\"a\"")], "lost"))
        .get("/stream", async |_| stream(async |_| panic!("a HEAD request pulled the stream")));
    let client = client(app);
    let head_of = |request: &str, framing: &str| {
        let all = answers(&client, format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n"));
        assert!(all.ends_with("\r\n\r\n"), "{request} has a body: {all}");
        let fields = ["content-length", "transfer-encoding"];
        let is_framing = |line: &&str| fields.iter().any(|name| line.starts_with(name));
        let lines: Vec<_> = all.lines().filter(is_framing).collect();
        assert_eq!(lines.join(","), framing, "{request}");
    };
    head_of("HEAD /text", "content-length: 4");
    head_of("HEAD /stream", "");
    head_of("GET /204", "");
    head_of("GET /205", "content-length: 0");
    head_of("GET /304", "");
    head_of("HEAD /204", "");
    head_of("HEAD /none", "content-length: 9");
    assert_eq!(client.get("/304").send().header("etag"), Some("\"a\""));
}

#[test]
fn speaks_http_1_0() {
    // VA-195, VA-196
    let mut app = App::new();
    app.get("/", async |_| "whole").get("/stream", async |_| {
        stream(async |out| {
            out.write("in ").await?;
            out.flush().await?;
            out.write("parts").await
        })
    });
    let client = client(app);
    let all = answers(&client, "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_eq!(all.matches("HTTP/1.1 200").count(), 1, "the first reply is the last: {all}");
    assert!(
        all.contains("connection: close\r\n") && all.contains("content-length: 5\r\n"),
        "{all}"
    );

    let kept = "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
    let all = answers(&client, kept.repeat(2));
    assert_eq!(all.matches("connection: keep-alive\r\n").count(), 2, "{all}");
    assert_eq!(all.matches("whole").count(), 2, "{all}");

    let stream = "GET /stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
    let connection = client.connect();
    connection.write(stream);
    let all = String::from_utf8(connection.read_to_end().unwrap()).unwrap();
    assert!(all.contains("connection: close\r\n") && !all.contains("chunked"), "{all}");
    assert!(all.ends_with("\r\n\r\nin parts"), "{all}");
}

#[test]
fn streams_in_chunks_to_http_1_1() {
    // VA-180
    let mut app = App::new();
    app.get("/", async |_| {
        stream(async |out| {
            out.write("in ").await?;
            out.flush().await?;
            out.write("").await?;
            out.write("parts").await
        })
    });
    let all = answers(&client(app), "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(all.contains("transfer-encoding: chunked\r\n"), "{all}");
    assert!(all.ends_with("\r\n\r\n3\r\nin \r\n5\r\nparts\r\n0\r\n\r\n"), "{all}");
}

#[test]
fn resets_the_connection_when_a_stream_fails() {
    // CF-50, VA-183, VA-199
    let mut app = App::new();
    app.get("/late", async |_| {
        stream(async |out| {
            out.write("part").await?;
            out.flush().await?;
            bail!(500, "the late stream broke")
        })
    })
    .get("/panic", async |_| {
        stream(async |out| {
            out.write("part").await?;
            out.flush().await?;
            panic!("in the stream")
        })
    });
    let client = client(app);
    let rows = [("/late", "1"), ("/panic", "1"), ("/late", "0")];
    for (path, version) in rows {
        let connection = client.connect();
        connection.write(format!("GET {path} HTTP/1.{version}\r\nhost: x\r\n\r\n"));
        let came = connection.read_to_end().expect_err("the connection is reset");
        assert!(!String::from_utf8_lossy(&came).contains("\r\n0\r\n"), "{path} looks whole");
    }
    assert_eq!(logged(&["the late stream broke"]), 2);
}

#[test]
fn words_the_status_line() {
    // CF-45, VA-082, VA-190, HX-140
    let mut app = App::new();
    app.get("/usual", async |_| 201)
        .get("/rare", async |_| 507)
        .get("/unknown", async |_| 299)
        .get("/own", async |_| (420, Reason("Enhance Your Calm")))
        .get("/split", async |_| (200, Reason("OK\r\nx-evil: 1")));
    let client = client(app);
    let line = |path: &str| {
        let all = answers(&client, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        assert!(!all.contains("x-evil"), "{all}");
        all.split("\r\n").next().unwrap_or_default().to_owned()
    };
    assert_eq!(line("/usual"), "HTTP/1.1 201 Created");
    assert_eq!(line("/rare"), "HTTP/1.1 507 Insufficient Storage");
    assert_eq!(line("/unknown"), "HTTP/1.1 299 ");
    assert_eq!(line("/own"), "HTTP/1.1 420 Enhance Your Calm");
    assert_eq!(line("/split"), "HTTP/1.1 500 Internal Server Error");
    assert_eq!(logged(&["path=/split", "reason phrase"]), 1);
    let reply = client.get("/own").send();
    assert_eq!((reply.reason(), reply.bytes()), ("Enhance Your Calm", &b""[..]));
}

#[test]
fn redirects() {
    // CF-52, CF-79, HX-154
    let mut app = App::new();
    app.get("/found", async |_| redirect("/there"))
        .get("/moved", async |_| redirect_with(301, "https://example.com/a?b=c"))
        .get("/kept", async |_| redirect_with(StatusCode::PERMANENT_REDIRECT, "/there"))
        .get("/no-redirect", async |_| redirect_with(200, "/there"));
    let client = client(app);
    let row = |path: &str, status: u16, location: Option<&str>| {
        let reply = client.get(path).send();
        assert_eq!((reply.status().as_u16(), reply.header("location")), (status, location));
        reply
    };
    assert!(row("/found", 302, Some("/there")).bytes().is_empty());
    row("/moved", 301, Some("https://example.com/a?b=c"));
    row("/kept", 308, Some("/there"));
    row("/no-redirect", 500, None);
    assert_eq!(logged(&["path=/no-redirect", "200 OK is no redirect"]), 1);
}

#[test]
fn sets_cookies_beside_one_another() {
    // CF-53, CF-56
    let mut app = App::new();
    app.get("/", async |_| {
        let plain = SetCookie::new("a", "1").or_status(500)?;
        let odd = SetCookie::new("b", "x; Path=/evil\r\n").or_status(500)?;
        let mut res = "x".into_response().with_cookie(&plain.clone());
        res.set_cookie(&odd.with_same_site(SameSite::Strict).with_http_only());
        Ok(res.with_cookie(&plain))
    });
    let reply = client(app).get("/").send();
    let cookies = reply.header_all("set-cookie");
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert_eq!(cookies[1], "a=1; Path=/; SameSite=Lax");
    assert!(cookies[0].starts_with("b=x%3B%20Path=/evil%0D%0A; Path=/; HttpOnly;"), "{cookies:?}");
}

#[test]
fn sends_a_date_and_one_of_each_engine_field() {
    let reply = client(App::new().get("/", async |_| "x".with_header("connection", "close")))
        .get("/")
        .send();
    let dates = reply.header_all("date");
    assert!(dates.len() == 1 && dates[0].ends_with(" GMT"), "{dates:?}");
}

#[test]
fn sends_large_bodies_whole() {
    for len in [16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 1 << 20] {
        let mut app = App::new();
        app.get("/", async move |_| vec![b'x'; len]);
        let reply = client(app).get("/").send();
        assert!(reply.bytes().iter().all(|&byte| byte == b'x'));
        assert_eq!(reply.bytes().len(), len);
    }
}

#[test]
fn values_beside_a_response_go_out_to_the_middleware_and_no_further() {
    // HX-109: bags of their own for request and response, made when they are used.
    struct Note(&'static str);
    let mut app = App::new();
    app.use_(async |req: Request, next: Next| {
        assert!(req.meta().get::<Note>().is_none());
        let mut res = next.run(req.clone()).await;
        let of_request = req.meta().get::<Note>().map_or("none", |note| note.0);
        let of_response = res.meta::<Note>().map_or("none", |note| note.0);
        res.set_header("x-notes", format!("{of_request} {of_response}"));
        res
    });
    app.get("/both", async |req| {
        req.meta().insert(Note("in"));
        let mut res = "both".into_response();
        res.set_meta(1_u8);
        res.set_meta(Note("first"));
        res.set_meta(Note("out"));
        assert_eq!(res.meta::<u8>().as_deref(), Some(&1));
        res
    });
    app.get("/none", async |_| "none");
    app.get("/fails", async |_| {
        let mut res = Response::new();
        res.set_meta(Note("lost"));
        Err::<&str, _>(Error::new(503, "later"))
    });
    let client = client(app);
    client.get("/both").send().assert_text("both").assert_header("x-notes", "in out");
    client.get("/none").send().assert_text("none").assert_header("x-notes", "none none");
    client.get("/fails").send().assert_status(503).assert_header("x-notes", "none none");
}
