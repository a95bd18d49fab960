//! The test client as a user agent: cookies and redirects.

use shikra::testing::{TestClient, TestErrorKind};
use shikra::{App, IntoResponse, Method, Request, redirect, redirect_with};
use std::time::Duration;

/// Sets any cookie, and shows those that came.
fn app() -> App {
    let mut app = App::new();
    app.get("/set/*", async |req| {
        "set".with_header("set-cookie", req.header("x-set").unwrap_or_default())
    });
    app.get("/*", async |req| req.header("cookie").unwrap_or("none").to_owned());
    app
}

fn set(client: &TestClient, path: &str, field: &str) {
    client.get(path).header("x-set", field).send().assert_status(200).assert_text("set");
}

#[test]
fn cookies_stay_with_the_user_agent_that_got_them() {
    let client = TestClient::new(app());
    set(&client, "/set/x", "user=ada; Path=/");
    client.get("/x").send().assert_text("user=ada");
    client.clone().get("/x").send().assert_text("user=ada");
    assert_eq!(client.cookie("user").as_deref(), Some("ada"));
    let other = client.session();
    other.get("/x").send().assert_text("none");
    set(&other, "/set/x", "user=bob; Path=/");
    client.get("/x").send().assert_text("user=ada");
    set(&client, "/set/x", "user=; Max-Age=0; Path=/");
    assert_eq!(client.cookie("user"), None);
    client.get("/x").send().assert_text("none");
    other.get("/x").send().assert_text("user=bob");
    other.clear_cookies();
    other.get("/x").send().assert_text("none");
}

#[test]
fn cookies_go_by_path_host_and_scheme() {
    let client = TestClient::new(app()).with_origin("https://a.test");
    set(&client, "/set/deep", "p=1");
    client.get("/x").send().assert_text("none");
    client.get("/set").send().assert_text("p=1");
    set(&client, "/set/x", "s=1; Secure; Path=/");
    set(&client, "/set/x", "d=1; Domain=a.test; Path=/");
    client.get("/x").send().assert_text("s=1; d=1");
    client.get("/x").header("host", "b.a.test").send().assert_text("d=1");
    client.clone().with_origin("http://a.test").get("/x").send().assert_text("d=1");
    let plain = client.session().with_origin("http://a.test");
    set(&plain, "/set/x", "s=1; Secure; Path=/");
    assert_eq!(plain.cookies().len(), 0);
    client.set_cookie("h=1; Domain=elsewhere.test");
    assert_eq!(client.cookies().len(), 3);
}

#[test]
fn cookies_expire_in_virtual_time() {
    let client = TestClient::with_virtual_time(app());
    set(&client, "/set/x", "a=1; Max-Age=60; Path=/");
    client.advance(Duration::from_secs(57));
    client.get("/x").send().assert_text("a=1");
    client.advance(Duration::from_secs(4));
    assert_eq!(client.cookie("a"), None);
    client.get("/x").send().assert_text("none");
}

#[test]
fn a_request_may_bring_its_own_cookies() {
    let client = TestClient::new(app());
    client.set_cookie("a=kept");
    client.set_cookie("b=kept");
    client
        .get("/x")
        .cookie("a", "own")
        .cookie("c", "own")
        .send()
        .assert_text("b=kept; a=own; c=own");
    client.get("/x").header("cookie", "all=mine").send().assert_text("all=mine");
    client.get("/x").send().assert_text("a=kept; b=kept");
    let client = client.without_cookies();
    client.get("/x").send().assert_text("none");
    client.get("/x").cookie("a", "own").send().assert_text("a=own");
    set(&client, "/set/x", "new=1; Path=/");
    assert!(client.cookie("new").is_none());
}

#[test]
fn a_login_is_remembered() {
    let mut app = App::new();
    app.post("/login", async |req: Request| {
        let form: Vec<(String, String)> = req.form().await?;
        let name = form.into_iter().next().map(|(_, value)| value).unwrap_or_default();
        let cookie = format!("name={}; Path=/; HttpOnly", name.replace(' ', "%20"));
        Ok(redirect("/me").with_header("set-cookie", &cookie))
    });
    app.get("/me", async |req| match req.cookie("name") {
        Some(name) => (200, format!("you are {name}")),
        None => (401, "log in first".to_owned()),
    });
    let client = TestClient::new(app);
    client.get("/me").send().assert_status(401);
    let reply = client.post("/login").form(&[("name", "ada b")]).follow_redirects().send();
    reply.assert_status(200).assert_text("you are ada b");
    assert_eq!(reply.redirects(), ["/me"]);
    client.get("/me").send().assert_status(200);
    client.session().get("/me").send().assert_status(401);
}

/// `/to/<status>` redirects to `/end`; the end shows what came.
fn redirecting() -> TestClient {
    let mut app = App::new();
    app.any("/to/:status", async |req| {
        let status: u16 = req.param("status")?;
        Ok(redirect_with(status, "../end?x=1#part"))
    });
    app.any("/end", async |req| {
        let body = req.text_lossy().await?;
        let has = |name| if req.header(name).is_some() { "+" } else { "-" };
        let (kind, auth) = (has("content-type"), has("authorization"));
        Ok(format!("{} {} {kind}{auth} {body}", req.method(), req.target()))
    });
    app.get("/loop", async |_| redirect("/loop"));
    app.get("/out", async |_| redirect("mailto:ada@a.test"));
    app.get("/nowhere", async |_| 302);
    app.any("/away", async |_| redirect_with(308, "https://else.test/where"));
    app.any("/where", async |req| {
        let auth = req.header("authorization").is_some();
        let host = req.header("host").unwrap_or_default();
        format!("{host} {auth} {}", req.header("cookie").unwrap_or("none"))
    });
    TestClient::new(app)
}

#[test]
fn redirects_change_the_method_as_browsers_do() {
    let client = redirecting();
    for (method, status, expected) in [
        ("GET", 301, "GET /end?x=1 -+ "),
        ("POST", 301, "GET /end?x=1 -+ "),
        ("POST", 302, "GET /end?x=1 -+ "),
        ("PUT", 302, "PUT /end?x=1 ++ 1"),
        ("PUT", 303, "GET /end?x=1 -+ "),
        ("POST", 307, "POST /end?x=1 ++ 1"),
        ("DELETE", 308, "DELETE /end?x=1 ++ 1"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let target = format!("/to/{status}");
        let request = client.request(method.clone(), &target).header("authorization", "me");
        let request = if method == Method::GET { request } else { request.json(&1) };
        let reply = request.follow_redirects().send();
        reply.assert_status(200).assert_text(expected);
        assert_eq!(reply.redirects(), ["/end?x=1"]);
    }
    let reply = client.head("/to/303").follow_redirects().send();
    assert_eq!((reply.bytes(), reply.redirects().len()), (&b""[..], 1));
}

#[test]
fn redirects_are_followed_on_demand_and_within_a_limit() {
    let client = redirecting();
    client.get("/to/302").send().assert_redirect("../end?x=1#part");
    client.get("/to/302").redirects_max(1).send().assert_status(200);
    client.get("/nowhere").follow_redirects().send().assert_status(302);
    for (request, expected) in [
        (client.get("/to/302").redirects_max(0), "more than 0 redirects; the next leads to ../end"),
        (client.get("/loop").follow_redirects(), "more than 10 redirects; the next leads to /loop"),
        (client.get("/out").follow_redirects(), "leads to mailto:ada@a.test, which is not HTTP"),
        (
            client.post("/to/307").chunks(["a"]).follow_redirects(),
            "307 Temporary Redirect asks for the body again, which was a stream",
        ),
    ] {
        let error = request.try_send().unwrap_err();
        assert_eq!(error.kind(), TestErrorKind::Redirect);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn credentials_do_not_follow_to_another_host() {
    let client = redirecting();
    client.set_cookie("kept=here");
    let request = client.get("/away").header("authorization", "me").cookie("own", "here");
    request.follow_redirects().send().assert_text("else.test false none");
    client.get("/where").header("authorization", "me").send().assert_text("test true kept=here");
}
