//! Header fields of replies: what is refused, what is encoded, and what the engine keeps to itself.

use crate::support::{answers, client, logged};
use shikra::prelude::*;
use shikra::{SameSite, SetCookie, jsonp, jsonp_with, redirect_local};
use std::time::Duration;

fn get(client: &shikra::testing::TestClient, path: &str) -> String {
    answers(client, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
}

#[test]
fn a_head_has_what_was_set_and_nothing_that_was_not() {
    // HX-146, HX-143, HX-144, HX-145
    let mut app = App::new();
    app.get("/", async |_| {
        let mut res = "body".with_header("X-B", "2").with_header("x-a", "0");
        res.set_header("X-A", "1");
        res.append_header("x-c", "3");
        res.append_header("X-C", "4");
        res.set_cookie(&SetCookie::new("a", "1").or_status(500)?);
        res.set_cookie(&SetCookie::new("b", "2").or_status(500)?);
        Ok(res)
    });
    let all = get(&client(app), "/");
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    let lines: Vec<_> = head.lines().collect();
    let is_date = |line: &&str| line.starts_with("date: ") && line.ends_with(" GMT");
    assert_eq!(lines.iter().copied().filter(|line| is_date(line)).count(), 1);
    let rest: Vec<_> = lines.into_iter().filter(|line| !is_date(line)).collect();
    assert_eq!(
        rest,
        [
            "HTTP/1.1 200 OK",
            "content-type: text/plain; charset=utf-8",
            "x-b: 2",
            "x-a: 1",
            "x-c: 3",
            "x-c: 4",
            "set-cookie: a=1; Path=/; SameSite=Lax",
            "set-cookie: b=2; Path=/; SameSite=Lax",
            "content-length: 4",
        ]
    );
    assert_eq!(body, "body");
}

#[test]
fn refuses_framing_fields_that_are_malformed() {
    // VA-188, HX-145, VA-187: valid ones have no effect, others are the program's mistake.
    let rows = [
        ("content-length", "abc", false),
        ("content-length", "-1", false),
        ("content-length", "3", true),
        ("date", "nope", false),
        ("connection", "a b", false),
        ("connection", "x-a", true),
        ("trailer", "x:y", false),
        ("trailer", "x-y", true),
        ("transfer-encoding", "@", false),
        ("transfer-encoding", "chunked", true),
    ];
    for (name, value, is_valid) in rows {
        let mut app = App::new();
        app.get("/set", async move |_| "framed".with_header(name, value))
            .get("/append", async move |_| {
                let mut res = "framed".into_response();
                res.append_header(name, value);
                res
            })
            .get("/checked", async move |_| {
                let name = http::HeaderName::from_static(name);
                (200, (name, http::HeaderValue::from_static(value)), "framed")
            })
            .get("/try", async move |_| {
                let tried = Response::new().try_set_header(name, value);
                assert_eq!(tried.is_ok(), is_valid);
                "framed"
            });
        let client = client(app);
        for path in ["/set", "/append", "/checked"] {
            let reply = client.get(path).send();
            let wanted = if is_valid { (200, "framed") } else { (500, "Internal Server Error") };
            assert_eq!((reply.status().as_u16(), &*reply.text()), wanted, "{path} {name}: {value}");
            assert!(reply.keeps_alive());
            for name in ["trailer", "transfer-encoding", "connection"] {
                assert_eq!(reply.header(name), None);
            }
        }
        assert_eq!(client.get("/try").send().status(), 200);
    }
    assert!(logged(&["path=/set", "`content-length`", "reply_fields.rs"]) >= 2);
}

#[test]
fn fields_of_errors_are_checked_as_those_of_replies() {
    let failing = |name: &'static str, value: &'static str| {
        let mut app = App::new();
        app.get("/error-field", async move |_| {
            Err::<&str, _>(Error::new(503, "later").with_header(name, value))
        });
        app
    };
    let rows =
        [("content-length", "a dozen"), ("date", "tomorrow"), ("x y", "1"), ("x", "a\nb: c")];
    for (name, value) in rows {
        let reply = client(failing(name, value)).get("/error-field").send();
        assert_eq!((reply.status().as_u16(), &*reply.text()), (503, "later"), "{name}");
        assert_eq!(reply.header("x"), None);
        let error = Error::new(503, "later").with_header(name, value);
        assert!(error.cause().unwrap().to_string().contains(name), "{error:?}");
    }
    let reply = client(failing("retry-after", "7")).get("/error-field").send();
    assert_eq!((reply.status().as_u16(), reply.header("retry-after")), (503, Some("7")));
}

#[test]
fn a_date_of_the_program_replaces_the_server_s() {
    // VA-191
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let mut app = App::new();
    app.get("/own", async |_| "x".with_header("Date", DATE)).get("/usual", async |_| "x");
    let client = client(app);
    assert_eq!(client.get("/own").send().header_all("date"), [DATE]);
    let usual = client.get("/usual").send();
    assert_eq!(usual.header_all("date").len(), 1);
    assert_ne!(usual.header("date"), Some(DATE));
}

#[test]
fn declares_the_length_of_a_body_that_is_not_sent() {
    // HX-147, HX-156, VA-184
    let mut app = App::new();
    app.head("/only-head", async |_| 200.with_header("content-length", "70"));
    app.get("/empty", async |_| 200.with_header("content-length", "70"))
        .get("/body", async |_| "four".with_header("content-length", "70"))
        .get("/stream", async |_| {
            stream(async |out| out.write("four").await).with_header("content-length", "70")
        })
        .get("/304", async |_| 304.with_header("content-length", "70"))
        .get("/204", async |_| 204.with_header("content-length", "70"));
    let client = client(app);
    let len = |method: &str, path: &str| {
        let all = answers(&client, format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter_map(|line| line.strip_prefix("content-length: "));
        (lines.collect::<Vec<_>>().join(","), body.to_owned())
    };
    let row = |len: &str, body: &str| (len.to_owned(), body.to_owned());
    assert_eq!(len("HEAD", "/only-head"), row("70", ""));
    assert_eq!(len("HEAD", "/empty"), row("70", ""));
    assert_eq!(len("HEAD", "/stream"), row("70", ""));
    assert_eq!(len("GET", "/304"), row("70", ""));
    // With a body its own length counts, and where there can be none nothing is said.
    assert_eq!(len("HEAD", "/body"), row("4", ""));
    assert_eq!(len("GET", "/body"), row("4", "four"));
    assert_eq!(len("GET", "/empty"), row("0", ""));
    assert_eq!(len("GET", "/stream"), row("", "4\r\nfour\r\n0\r\n\r\n"));
    assert_eq!(len("GET", "/204"), row("", ""));
    assert_eq!(len("HEAD", "/204"), row("", ""));
}

#[test]
fn names_content_types_shortly() {
    // HX-141, HX-142
    let mut app = App::new();
    app.get("/*", async |req| "x".with_content_type(req.query().get("type").unwrap_or_default()));
    let client = client(app);
    for (name, wanted) in [
        ("json", "application/json"),
        (".json", "application/json"),
        ("html", "text/html; charset=utf-8"),
        ("js", "text/javascript; charset=utf-8"),
        ("css", "text/css; charset=utf-8"),
        ("txt", "text/plain; charset=utf-8"),
        ("text", "text/plain; charset=utf-8"),
        ("png", "image/png"),
        ("PNG", "image/png"),
        ("svg", "image/svg+xml"),
        ("wasm", "application/wasm"),
        ("form", "application/x-www-form-urlencoded"),
        ("bytes", "application/octet-stream"),
        ("nobody-knows-this", "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
        ("application/problem%2Bjson", "application/problem+json"),
        ("text/own", "text/own; charset=utf-8"),
        ("text/own;charset=latin1", "text/own;charset=latin1"),
    ] {
        let reply = client.get(&format!("/a?type={name}")).send();
        assert_eq!(reply.header_all("content-type"), [wanted], "{name}");
    }
    assert_eq!(client.get("/a?type=a/b%0D%0Ax:y").send().status(), 500);
}

#[test]
fn redirects_to_what_it_can_encode() {
    // HX-154, HA-030, CF-79
    let mut app = App::new();
    app.get("/text", async |_| redirect("/über uns?q=<a>&b=%20"))
        .get("/slash", async |_| redirect_with(303, "/\\evil.example"))
        .get("/split", async |_| redirect("/a\r\nset-cookie: a=b"))
        .get("/nul", async |_| redirect("/a\0"))
        .get("/local", async |req| redirect_local(req.query().get("to").unwrap_or_default()));
    let client = client(app);
    let reply = client.get("/text").send();
    assert_eq!(reply.header("location"), Some("/%C3%BCber%20uns?q=%3Ca%3E&b=%20"));
    assert_eq!((reply.header("content-length"), reply.header("content-type")), (Some("0"), None));
    assert_eq!(client.get("/slash").send().header("location"), Some("/%5Cevil.example"));
    for path in ["/split", "/nul"] {
        let all = get(&client, path);
        assert!(all.starts_with("HTTP/1.1 500 ") && !all.contains("location"), "{all}");
    }
    assert_eq!(logged(&["path=/split", "`location`", "reply_fields.rs"]), 1);
    for (to, location) in [
        ("/cart", Some("/cart")),
        ("/cart?a=b%23c", Some("/cart?a=b#c")),
        ("/", Some("/")),
        ("", None),
        ("cart", None),
        ("//evil.example", None),
        ("/%5Cevil.example", None),
        ("/%09/evil.example", None),
        ("https://evil.example", None),
        ("javascript:alert(1)", None),
    ] {
        let reply = client.get(&format!("/local?to={to}")).send();
        assert_eq!(reply.header("location"), location, "{to}");
        assert_eq!(reply.status(), if location.is_some() { 302 } else { 400 }, "{to}");
    }
}

#[test]
fn jsonp_calls_safe_names_alone() {
    // HX-152, CF-79
    let mut app = App::new();
    app.get("/query", async |req| jsonp(&req, "</script>\u{2028}\u{2029}&"))
        .get("/own", async |_| jsonp_with("client.handle", [1, 2]));
    let client = client(app);
    let reply = client.get("/own?callback=other").send();
    assert_eq!(reply.text(), "client.handle([1,2])");
    assert_eq!(reply.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let escaped = "(\"\\u003c/script>\\u2028\\u2029&\")";
    let longest = "a".repeat(128);
    for name in ["cb", "$", "_a1", "a.b.$c", &longest] {
        let reply = client.get(&format!("/query?callback={name}")).send();
        assert_eq!(reply.text(), format!("{name}{escaped}"));
    }
    let too_long = "a".repeat(129);
    for name in
        ["", ".", "a.", "1a", "a.1", "a-b", "a(", "a[0]", "a%20b", "%C3%BC", "a;b", &too_long]
    {
        let reply = client.get(&format!("/query?callback={name}")).send();
        assert_eq!(reply.header("content-type"), Some("application/json"), "{name}");
        assert_eq!(reply.json::<String>(), "</script>\u{2028}\u{2029}&", "{name}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(client.get("/query").send().header("content-type"), Some("application/json"));
}

#[test]
fn offers_files_by_name() {
    // HX-158
    let row = |name: &'static str, wanted: &str, content_type: &str| {
        let mut app = App::new();
        app.get("/", async move |_| "x".into_response().with_attachment(name));
        let reply = client(app).get("/").send();
        assert_eq!(reply.header_all("content-disposition"), [wanted], "{name}");
        assert_eq!(reply.header_all("content-type"), [content_type], "{name}");
    };
    const TEXT: &str = "text/plain; charset=utf-8";
    row("", "attachment", TEXT);
    row("a.pdf", "attachment; filename=\"a.pdf\"", "application/pdf");
    row("/tmp/deep/a.csv", "attachment; filename=\"a.csv\"", "text/csv; charset=utf-8");
    row("..\\..\\a b", "attachment; filename=\"a b\"", TEXT);
    row("a\"b;c.unknown", "attachment; filename=\"a_b;c.unknown\"", TEXT);
    row("a\r\nx: y.png", "attachment; filename=\"a__x: y.png\"", "image/png");
    row(
        "ü€.png",
        "attachment; filename=\"__.png\"; filename*=UTF-8''%C3%BC%E2%82%AC.png",
        "image/png",
    );
    row("5%.txt", "attachment; filename=\"5_.txt\"; filename*=UTF-8''5%25.txt", TEXT);
    let mut app = App::new();
    app.get("/", async |_| "x".with_header("content-type", "a/b").with_attachment("a.png"));
    assert_eq!(client(app).get("/").send().header_all("content-type"), ["a/b"]);
}

#[test]
fn merges_lists_of_fields() {
    // HX-297
    let mut app = App::new();
    app.get("/", async |_| {
        let mut res = "x".with_header("vary", "origin");
        res.append_header("vary", "Accept");
        for name in ["accept", "cookie", "ORIGIN"] {
            res.add_vary(name);
        }
        res.add_link("/ü>", "next");
        res.add_link("/2", "last");
        res.set_location("/ü");
        res
    });
    app.get("/star", async |_| {
        let mut res = "x".with_header("vary", "*");
        res.add_vary("accept");
        res
    });
    app.get("/bad-vary", async |_| {
        let mut res = Response::new();
        res.add_vary("a\r\nb: c");
        res
    });
    app.get("/bad-link", async |_| {
        let mut res = Response::new();
        res.add_link("/a", "next\", x=\"");
        res
    });
    let client = client(app);
    let reply = client.get("/").send();
    assert_eq!(reply.header_all("vary"), ["origin, Accept, cookie"]);
    assert_eq!(reply.header_all("link"), ["</%C3%BC%3E>; rel=\"next\", </2>; rel=\"last\""]);
    assert_eq!(reply.header("location"), Some("/%C3%BC"));
    assert_eq!(client.get("/star").send().header_all("vary"), ["*"]);
    assert_eq!(client.get("/bad-vary").send().status(), 500);
    assert_eq!(client.get("/bad-link").send().status(), 500);
}

fn cookie(name: &'static str, value: &str) -> Result<SetCookie> {
    SetCookie::new(name, value).or_status(500)
}

#[test]
fn the_last_cookie_of_a_name_path_and_domain_wins() {
    // HX-192, HA-178, HA-179, HX-298
    let mut app = App::new();
    app.get("/", async |_| {
        let mut res = "x".with_cookie(&cookie("a", "1")?).with_cookie(&cookie("A", "2")?);
        res.set_cookie(&cookie("a", "3")?.with_path("/p").or_status(500)?);
        res.set_cookie(&cookie("a", "4")?.with_domain("b.c").or_status(500)?);
        res.set_cookie(&cookie("a", "5")?.with_same_site(SameSite::Strict).with_http_only());
        res.append_header("set-cookie", "raw=1; Path=/");
        res.set_cookie(&cookie("raw", "a b")?);
        assert!(res.has_cookie("a") && res.has_cookie("raw") && !res.has_cookie("b"));
        res.set_cookie(&cookie("gone", "1")?);
        assert!(res.remove_cookie("gone") && !res.remove_cookie("gone"));
        Ok(res)
    });
    let reply = client(app).get("/").send();
    assert_eq!(
        reply.header_all("set-cookie"),
        [
            "A=2; Path=/; SameSite=Lax",
            "a=3; Path=/p; SameSite=Lax",
            "a=4; Domain=b.c; Path=/; SameSite=Lax",
            "a=5; Path=/; HttpOnly; SameSite=Strict",
            "raw=a%20b; Path=/; SameSite=Lax",
        ]
    );
}

#[test]
fn a_removal_replaces_the_cookie_of_its_scope_alone() {
    // HX-193, HX-194, HX-298, HA-188, CF-57
    let mut app = App::new();
    app.get("/", async |_| {
        let mut res = "x".with_cookie(&cookie("a", "1")?.with_max_age(Duration::from_secs(9)));
        res.set_cookie(&cookie("a", "2")?.with_path("/p").or_status(500)?);
        let removal = SetCookie::removal("a").or_status(500)?;
        res.set_cookie(&removal);
        Ok(res)
    });
    let reply = client(app).get("/").send();
    assert_eq!(
        reply.header_all("set-cookie"),
        [
            "a=2; Path=/p; SameSite=Lax",
            "a=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax",
        ]
    );
}
