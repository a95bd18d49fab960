//! The board as pages.

use crate::client;

#[test]
fn an_empty_board_has_no_notes_and_a_template_for_the_script() {
    let reply = client().get("/").send();
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let page = reply.text();
    assert!(page.contains(r#"id="notes" tabindex="-1"></ol>"#));
    assert!(page.contains(r#"id="count">0</span>"#));
    assert!(page.contains(r#"<template id="note"><li class="note " data-id="""#));
}

#[test]
fn the_form_pins_a_note_and_goes_back_to_the_board() {
    let client = client();
    let note = [("text", "Tea\r\nat five"), ("author", "  Grace   Hopper "), ("color", "pink")];
    let reply = client.post("/notes").form(&note).send();
    assert_eq!((reply.status().as_u16(), reply.header("location")), (303, Some("/")));
    let page = client.get("/").send().text();
    assert!(page.contains(r#"<li class="note pink" data-id="1" data-color="pink">"#));
    assert!(page.contains("<p class=\"text\">Tea\nat five</p>"));
    assert!(page.contains(r#"<span class="author">Grace Hopper</span>"#));
    assert!(page.contains(" UTC</time>"));
    assert!(page.contains(r#"id="count">1</span>"#));
}

#[test]
fn the_form_says_what_is_wrong() {
    let client = client();
    let reply = client.post("/notes").form(&[("text", " "), ("author", "a"), ("color", "pink")]);
    let reply = reply.send();
    assert_eq!((reply.status().as_u16(), reply.text()), (422, "Please write something.".into()));
    assert_eq!(client.post("/notes").form(&[("text", "a")]).send().status(), 422);
}

#[test]
fn the_newest_note_stands_first() {
    let client = client();
    for text in ["older", "newer"] {
        let note = [("text", text), ("author", "Ada"), ("color", "blue")];
        assert_eq!(client.post("/notes").form(&note).send().status(), 303);
    }
    let page = client.get("/").send().text();
    assert!(page.find(">newer<").unwrap() < page.find(">older<").unwrap());
}

#[test]
fn what_people_write_is_text_never_markup_or_a_mark() {
    let client = client();
    let text = r#"<script>alert("&")</script> '{{author}}' <!--count-->"#;
    let note = [("text", text), ("author", r#""><img src=x>"#), ("color", "yellow")];
    assert_eq!(client.post("/notes").form(&note).send().status(), 303);
    let page = client.get("/").send().text();
    assert!(page.contains(
        "<p class=\"text\">&lt;script&gt;alert(&quot;&amp;&quot;)&lt;&#47;script&gt; \
         &#039;{{author}}&#039; &lt;!--count--&gt;</p>"
    ));
    assert!(page.contains("&quot;&gt;&lt;img src&#61;x&gt;"));
    assert!(!page.contains("<img") && !page.contains("<script>alert"));
}

#[test]
fn the_about_page_lists_every_route_with_its_purpose() {
    let page = client().get("/about").send().text();
    assert_eq!(page.matches("<tr><td>").count(), 10);
    assert!(page.contains(
        "<tr><td>DELETE</td><td>&#47;api&#47;notes&#47;:id</td><td>Takes a note down</td>"
    ));
    assert!(!page.contains("<td></td>"));
    assert!(page.contains("<dt>Workers</dt>"));
}

#[test]
fn unknown_pages_are_a_page_for_browsers_and_a_line_for_others() {
    let client = client();
    let reply = client.get("/nope").header("accept", "text/html,*/*;q=0.8").send();
    assert_eq!(reply.status(), 404);
    assert!(reply.text().contains("This page is not pinned here"));
    let reply = client.get("/nope").header("accept", "application/json").send();
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let reply = client.get("/nope").send();
    assert_eq!((reply.status().as_u16(), reply.text()), (404, "Not found".into()));
}

#[test]
fn the_layout_marks_the_page_that_is_shown() {
    let client = client();
    for (path, title, board, about) in [
        ("/", "<title>Team board</title>", "page", "false"),
        ("/about", "<title>About · Team board</title>", "false", "page"),
        ("/nope", "<title>Page not found · Team board</title>", "false", "false"),
    ] {
        let page = client.get(path).header("accept", "text/html").send().text();
        assert!(page.starts_with("<!doctype html>") && page.contains(title), "{page}");
        assert!(page.contains(&format!(r#"<a href="/" aria-current="{board}">Board</a>"#)));
        assert!(page.contains(&format!(r#"<a href="/about" aria-current="{about}">About</a>"#)));
        assert!(!page.contains("{{ ") && !page.contains('@'), "{page}");
    }
}

#[test]
fn serves_what_the_pages_load() {
    let client = client();
    for (path, content_type) in
        [("/style.css", "text/css; charset=utf-8"), ("/board.js", "text/javascript; charset=utf-8")]
    {
        let reply = client.get(path).send();
        assert_eq!(
            (reply.status().as_u16(), reply.header("content-type")),
            (200, Some(content_type))
        );
    }
}
