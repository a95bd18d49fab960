//! What holds for every reply.

use crate::client;

#[test]
fn every_reply_has_the_security_headers_and_its_time() {
    let client = client();
    for path in ["/", "/about", "/board.js", "/api/notes", "/api/nope", "/nope"] {
        let reply = client.get(path).send();
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(policy.contains("img-src 'self' data:"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(reply.header("server-timing").unwrap().starts_with("app;dur="), "{path}");
    }
}

#[test]
fn other_sites_may_link_but_not_write() {
    let client = client();
    let note = [("text", "hi"), ("author", "Ada"), ("color", "blue")];
    for (site, status) in
        [("same-origin", 303), ("none", 303), ("same-site", 403), ("cross-site", 403)]
    {
        let reply = client.post("/notes").header("sec-fetch-site", site).form(&note).send();
        assert_eq!(reply.status(), status, "{site}");
    }
    let reply = client.delete("/api/notes/1").header("sec-fetch-site", "cross-site").send();
    assert_eq!(reply.status(), 403);
    let reply = client.get("/").header("sec-fetch-site", "cross-site").send();
    assert_eq!(reply.status(), 200);
}
