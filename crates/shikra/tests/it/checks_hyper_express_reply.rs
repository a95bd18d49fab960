//! The checks from outside of HyperExpress's list, CK-33 to CK-49 and CK-52: what is answered, and how it ends.

use crate::checks::{Trace, ask, check};
use crate::support::{answers, client};
use shikra::prelude::*;
use shikra::testing::{TestClient, TestErrorKind};
use shikra::{SameSite, SetCookie, jsonp, jsonp_with};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

#[test]
fn ck33_ck34_a_full_and_a_bare_reply() {
    let mut app = App::new();
    app.post("/api/v1/delete_user/:id", async |_| -> Result<Response> {
        let cookie = SetCookie::new("frontend_timeout", "v1/delete_user")?
            .with_max_age(Duration::from_secs(30 * 60))
            .with_secure()
            .with_http_only();
        let mut res = Html("<p>forbidden</p>").with_status(403);
        res.set_headers([("x-one", "1"), ("x-two", "2")]);
        res.set_cookie(&cookie);
        res.set_cookie(&SetCookie::removal("some_sess_id")?);
        Ok(res)
    });
    app.get("/", async |_| "ok");
    let client = client(app);
    // CK-33: CF-54, a life time is a duration, told as an age.
    let reply = ask(&client, "POST /api/v1/delete_user/5");
    assert_eq!((reply.status().as_u16(), reply.reason()), (403, "Forbidden"));
    reply
        .assert_header("x-one", "1")
        .assert_header("x-two", "2")
        .assert_header("content-length", "16");
    reply.assert_header("content-type", "text/html; charset=utf-8").assert_text("<p>forbidden</p>");
    let cookies = reply.header_all("set-cookie");
    assert!(
        cookies[0].starts_with("frontend_timeout=v1/delete_user; Max-Age=1800; "),
        "{cookies:?}"
    );
    assert!(cookies[0].contains("HttpOnly") && cookies[0].contains("Secure"), "{cookies:?}");
    assert!(cookies[1].starts_with("some_sess_id=; Max-Age=0; ") && cookies.len() == 2);
    // CK-34: CF-46, text has its type.
    let reply = client.get("/").send();
    let mut names: Vec<_> = reply.headers().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!((reply.status().as_u16(), reply.reason()), (200, "OK"));
    assert_eq!(names, ["content-length", "content-type", "date"]);
    reply
        .assert_header("content-length", "2")
        .assert_header("content-type", "text/plain; charset=utf-8");
}

#[test]
fn ck35_ck36_types_and_fields() {
    let mut app = App::new();
    app.get("/type/:name", async |req| Ok("x".with_content_type(req.param::<String>("name")?)))
        .get("/json", async |_| Json([("value", "✓")]))
        .get("/html", async |_| Html("<p>✓</p>"))
        .get("/fields", async |_| {
            let mut res = Response::new();
            res.set_header("X-A", "1");
            res.set_header("x-a", "2");
            res.set_header_all("X-B", ["1", "2"]);
            res.set_header("X-C", "1");
            res.append_header("X-C", "2");
            res
        });
    let client = client(app);
    // CK-35
    for (name, found) in [
        ("json", "application/json"),
        ("html", "text/html; charset=utf-8"),
        ("png", "image/png"),
        (".svg", "image/svg+xml"),
        ("nosuchtype", "text/plain; charset=utf-8"),
    ] {
        client.get(&format!("/type/{name}")).send().assert_header("content-type", found);
    }
    let reply = client.get("/json").send();
    reply.assert_header("content-type", "application/json").assert_text(r#"[["value","✓"]]"#);
    let len = reply.bytes().len().to_string();
    reply.assert_header("content-length", &len);
    client.get("/html").send().assert_text("<p>✓</p>").assert_header("content-length", "10");
    // CK-36
    let reply = client.get("/fields").send();
    let lists = ["x-a", "x-b", "x-c"].map(|name| reply.header_all(name).join(","));
    assert_eq!(lists, ["2", "1,2", "1,2"]);
}

#[test]
fn ck37_ck38_injection_and_redirects() {
    let mut app = App::new();
    app.get("/name", async |_| "x".with_header("x-a: b\r\ninjected", "1"))
        .get("/value", async |_| "x".with_header("x-a", "b\r\ninjected: 1"))
        .get("/redirect", async |_| redirect("/a\r\ninjected: 1"))
        .get("/cookie", async |_| Ok("x".with_cookie(&SetCookie::new("a", "b\r\ninjected: 1")?)))
        .get("/reason", async |_| "x".with_reason("Fine\r\ninjected: 1"))
        .get("/next", async |_| redirect("/next?a=1"));
    let client = client(app);
    // CK-37
    for path in ["/name", "/value", "/redirect", "/cookie", "/reason"] {
        let all = answers(&client, get(path));
        let (head, _) = all.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("\ninjected") && !head.contains("\r\r"), "{path}: {head}");
    }
    // CK-38: CF-52, CF-79
    let reply = client.get("/next").send();
    assert_eq!((reply.status().as_u16(), reply.reason()), (302, "Found"));
    reply.assert_header("location", "/next?a=1").assert_header("content-length", "0");
}

#[test]
fn ck39_to_ck42_streams() {
    const LEN: u64 = 5 << 20;
    async fn blocks(out: shikra::StreamWriter, len: u64) -> Result<()> {
        for _ in 0..len / 8192 {
            out.write(vec![b'x'; 8192]).await?;
        }
        Ok(())
    }
    let mut app = App::new();
    // CK-39: a handler returns one reply, so there is no second one; what a stream writes after its end is an
    // error that it sees.
    app.get("/written", async |_| {
        stream(async |out| {
            out.write("ab").await?;
            out.write("").await?;
            out.write("cd").await?;
            out.write("ef").await
        })
        .with_status(201)
        .with_header("x-is-written", "true")
    });
    app.get("/sized", async |_| stream(async |out| blocks(out, LEN).await).with_stream_len(LEN))
        .get("/chunked", async |_| stream(async |out| blocks(out, LEN).await))
        .get("/empty", async |_| stream(async |_| Ok(())).with_stream_len(0));
    async fn breaks(out: shikra::StreamWriter) -> Result<()> {
        for _ in 0..8 {
            out.write(vec![b'x'; 8192]).await?;
        }
        // While nothing has left, a failure is a 500.
        out.flush().await?;
        bail!(500, "the source is dry")
    }
    app.get("/fails/chunked", async |_| stream(breaks))
        .get("/fails/sized", async |_| stream(breaks).with_stream_len(131_072))
        .get("/next", async |_| "next");
    let client = client(app);
    // CK-40
    let all = answers(&client, get("/written"));
    assert!(all.starts_with("HTTP/1.1 201 Created\r\n"), "{all}");
    assert!(all.contains("\r\ntransfer-encoding: chunked\r\n") && !all.contains("content-length"));
    assert_eq!((all.matches("\r\n0\r\n\r\n").count(), all.ends_with("\r\n0\r\n\r\n")), (1, true));
    let reply = client.get("/written").send();
    reply.assert_text("abcdef").assert_header("x-is-written", "true");
    // CK-41
    for (path, sized) in [("/sized", true), ("/chunked", false)] {
        let reply = client.get(path).send();
        assert_eq!(reply.bytes().len() as u64, LEN, "{path}");
        assert!(reply.bytes().iter().all(|byte| *byte == b'x'), "{path}");
        assert_eq!(reply.header("content-length"), sized.then_some("5242880"), "{path}");
        assert_eq!(reply.header("transfer-encoding"), (!sized).then_some("chunked"), "{path}");
    }
    client.get("/empty").send().assert_header("content-length", "0").assert_text("");
    // CK-42
    for path in ["/fails/chunked", "/fails/sized"] {
        let error = client.get(path).try_send().unwrap_err();
        assert_eq!(error.kind(), TestErrorKind::Reset, "{path}");
        check(&client, &[("GET /next", 200, "next")]);
    }
}

#[test]
fn ck43_a_slow_reader() {
    // CK-43
    const LEN: u64 = 64 << 20;
    let written = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&written);
    let mut app = App::new();
    app.get("/made", async move |_| {
        let count = Arc::clone(&count);
        stream(async move |out| {
            let piece = Bytes::from(vec![b'x'; 64 * 1024]);
            while out.bytes_written() < LEN {
                let before = out.bytes_written();
                out.write(piece.clone()).await?;
                assert!(out.bytes_written() > before);
                count.store(out.bytes_written(), Ordering::SeqCst);
            }
            Ok(())
        })
    });
    app.get("/whole", async |_| vec![b'x'; 32 << 20]);
    let client = TestClient::with_virtual_time(app);
    let mut exchange = client.get("/made").open();
    let mut read = exchange.read().map_or(0, |piece| piece.len() as u64);
    client.advance(Duration::from_secs(3));
    let held = written.load(Ordering::SeqCst);
    assert!(held < 1 << 20, "{held} bytes were made for a client that does not read");
    while let Some(piece) = exchange.read() {
        read += piece.len() as u64;
    }
    assert_eq!((read, written.load(Ordering::SeqCst)), (LEN, LEN));
    let mut exchange = client.get("/whole").open();
    let mut read = exchange.read().map_or(0, |piece| piece.len());
    client.advance(Duration::from_secs(3));
    while let Some(piece) = exchange.read() {
        read += piece.len();
    }
    assert_eq!(read, 32 << 20);
}

#[test]
fn ck44_ck45_how_an_exchange_ends() {
    let trace = Trace::default();
    let (around, failures) = (trace.clone(), trace.clone());
    let mut app = App::new();
    app.logger(move |failure| failures.note(failure.to_string()));
    app.use_(late(move |req: Request| {
        let note = |text: &'static str| {
            let trace = around.clone();
            move || trace.note(text)
        };
        req.on_finish(note("finish1"));
        req.on_abort(note("abort"));
        req.on_close(note("close"));
        let prepare = note("prepare");
        move |res: &mut Response| {
            prepare();
            res.set_header("x-late", "1");
        }
    }));
    let second = trace.clone();
    app.get("/now", async move |req: Request| {
        let second = second.clone();
        req.on_finish(move || second.note("finish2"));
        "now"
    });
    let sent = trace.clone();
    app.get("/later", async move |_| {
        sleep(Duration::from_millis(300)).await;
        sent.note("sent");
        "later"
    });
    let client = TestClient::with_virtual_time(app);
    // CK-44, CK-45: a connection that is used again, and closed.
    let connection = client.connect();
    for _ in 0..2 {
        connection.write(get("/now"));
        connection.read_reply().unwrap().assert_text("now").assert_header("x-late", "1");
        client.settle();
        assert_eq!(trace.take(), "prepare finish1 finish2 close");
    }
    drop(connection);
    client.settle();
    assert_eq!(trace.take(), "");
    // A client that leaves before the answer.
    let connection = client.connect();
    connection.write(get("/later"));
    client.advance(Duration::from_millis(100));
    connection.reset();
    client.advance(Duration::from_millis(200));
    assert_eq!(trace.take(), "abort close");
    client.advance(Duration::from_secs(1));
    assert_eq!(trace.take(), "");
}

#[test]
fn ck46_one_write_for_a_reply() {
    // CK-46: HX-169, also without a batch operation: a reply is always one write.
    let mut app = App::new();
    app.get("/", async |_| {
        tokio::task::yield_now().await;
        (201, [("x-1", "1"), ("x-2", "2"), ("x-3", "3"), ("x-4", "4"), ("x-5", "5")], "small")
    });
    let client = client(app);
    let connection = client.connect();
    connection.write(get("/"));
    let first = String::from_utf8(connection.read_some().unwrap()).unwrap();
    assert!(first.starts_with("HTTP/1.1 201 ") && first.ends_with("\r\n\r\nsmall"), "{first}");
}

#[test]
fn ck47_to_ck49_scripts_attachments_and_no_bodies() {
    let mut app = App::new();
    app.get("/jsonp", async |req: Request| jsonp(&req, [("value", "safe</script>")]))
        .get("/own", async |_| jsonp_with("cb", [("value", "safe")]))
        .get("/attach/:name?", async |req: Request| {
            "x".into_response().with_attachment(req.param_str("name").unwrap_or_default())
        })
        .head("/head", async |_| "head payload")
        .get("/204", async |_| (204, [("content-length", "100")], "body"))
        .get("/304", async |_| (304, [("content-length", "100")], "body"))
        .get("/next", async |_| "next");
    let client = client(app);
    // CK-47: CF-79
    let safe = r#"[["value","safe\u003c/script>"]]"#;
    let reply = client.get("/jsonp?callback=client.handle").send();
    reply.assert_text(&format!("client.handle({safe})"));
    assert!(reply.header("content-type").is_some_and(|name| name.contains("javascript")));
    client.get("/own?callback=x").send().assert_text(r#"cb([["value","safe"]])"#);
    for target in ["/jsonp?callback=alert(1)//", "/jsonp"] {
        let reply = client.get(target).send();
        reply.assert_header("content-type", "application/json");
        assert!(reply.text().starts_with("[["), "{reply:?}");
    }
    // CK-48, without its download of a file.
    for (target, disposition) in [
        ("/attach/%2Ftmp%2Freport.txt", "attachment; filename=\"report.txt\""),
        ("/attach", "attachment"),
    ] {
        let reply = client.get(target).send();
        reply.assert_header("content-disposition", disposition);
        reply.assert_header("content-type", "text/plain; charset=utf-8");
    }
    let all = answers(&client, get("/attach/a%22b%0D%0Ac: d"));
    assert!(!all.contains("\nc: d"), "{all}");
    // CK-49
    let next = get("/next");
    let all = answers(&client, format!("HEAD /head HTTP/1.1\r\nhost: x\r\n\r\n{next}"));
    assert!(all.contains("\r\ncontent-length: 12\r\n") && !all.contains("payload"), "{all}");
    assert!(all.ends_with("\r\n\r\nnext"), "{all}");
    for (path, len) in [("/204", None), ("/304", Some("content-length: 100"))] {
        let all = answers(&client, format!("{}{next}", get(path)));
        let (head, rest) = all.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.lines().find(|line| line.starts_with("content-length")), len, "{head}");
        assert!(rest.starts_with("HTTP/1.1 200 OK") && rest.ends_with("\r\n\r\nnext"), "{rest}");
    }
}

#[test]
fn ck52_cookies() {
    // CK-52: CF-56 gives the defaults, and CF-57 the form of a removal; what is no attribute does not compile.
    let mut app = App::new();
    app.get("/", async |_| -> Result<Response> {
        let b = SetCookie::new("b", "2")?.with_domain("example.test")?.with_path("/x")?;
        let b = b.with_max_age(Duration::from_secs(60)).with_same_site(SameSite::Strict);
        let mut res = Response::new().with_cookie(&SetCookie::new("a", "1")?);
        res.set_cookie(&b.with_expires(1));
        res.set_cookie(&SetCookie::new("c", "3")?.with_same_site(SameSite::Lax));
        res.set_cookie(&SetCookie::removal("d")?.with_path("/x")?);
        Ok(res)
    });
    let reply = client(app).get("/").send();
    let cookies = reply.header_all("set-cookie");
    let parts = |at: usize| {
        let mut parts: Vec<_> = cookies[at].split("; ").collect();
        parts.sort_unstable();
        parts.join("; ")
    };
    let past = "Expires=Thu, 01 Jan 1970 00:00:0";
    assert_eq!(parts(0), "Path=/; SameSite=Lax; a=1");
    let wanted =
        format!("Domain=example.test; {past}1 GMT; Max-Age=60; Path=/x; SameSite=Strict; b=2");
    assert_eq!(parts(1), wanted);
    assert_eq!(parts(2), "Path=/; SameSite=Lax; c=3");
    assert_eq!(parts(3), format!("{past}0 GMT; Max-Age=0; Path=/x; SameSite=Lax; d="));
    assert_eq!(cookies.len(), 4);
}
