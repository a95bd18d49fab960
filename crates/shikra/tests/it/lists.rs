//! Middleware as lists: tuples, arrays, vectors and stacks, nested, wherever middleware may stand.

use crate::control::step;
use crate::support::client;
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{Stack, late_failure, late_success};
use std::sync::{Arc, Mutex};
use tokio::task::yield_now;

#[track_caller]
fn check(client: &TestClient, path: &str, expected: &str) {
    let reply = client.get(path).send();
    assert_eq!(reply.header("x-steps").unwrap_or_default(), expected, "{path}");
}

#[test]
fn flattens_nested_lists_in_the_order_in_which_they_are_written() {
    // VA-098, PO-028, PO-029, CP-26, HX-090
    let nested = (step("a"), [step("b"), step("c")], vec![(step("d"), [step("e")])]);
    let mut app = App::new();
    app.use_all(nested).use_(step("f"));
    app.use_all_at("/base", (step("g"), Stack::of(vec![step("h")]), vec![[(step("i"), ())]]));
    app.route("/base/r").use_all([step("j"), step("k")]).use_(step("l")).get(async |_| "");
    app.group("/group", |group| {
        group.use_all((before(async |_| ()), late(|_| |_| ()), step("m"))).get("/x", async |_| "");
    });
    let client = client(app);
    check(&client, "/", "a b c d e f");
    check(&client, "/base", "a b c d e f g h i");
    check(&client, "/base/r", "a b c d e f g h i j k l");
    check(&client, "/group/x", "a b c d e f m");
}

#[test]
fn empty_lists_are_lists() {
    // VA-098
    let none: Vec<Stack> = Vec::new();
    let mut app = App::new();
    app.use_all(()).use_all(none).use_all_at("/", [(); 3]).use_all(Stack::default());
    app.route("/").use_all(((), Stack::of(()))).get(async |_| "there");
    let client = client(app);
    check(&client, "/", "");
    assert_eq!(client.get("/").send().text(), "there");
    assert!(Stack::of(((), [(), ()])).is_empty());
}

#[test]
fn one_list_serves_many_routes_and_applications() {
    // VA-098: the same group value may be reused.
    let stack = Stack::of((step("a"), step("b"))).with([step("c")]);
    assert_eq!(stack.len(), 3);
    let mut mount = App::new();
    mount.use_all(&stack).get("/", async |_| "");
    let mut app = App::new();
    app.route("/one").use_all(&stack).get(async |_| "");
    app.route("/two").use_all((&stack, step("d"), stack.clone())).get(async |_| "");
    app.mount("/mount", mount.clone());
    let client = client(app);
    check(&client, "/one", "a b c");
    check(&client, "/two", "a b c d a b c");
    check(&client, "/mount", "a b c");
    check(&TestClient::new(mount), "/", "a b c");
}

#[test]
fn a_list_takes_eight_and_more_by_nesting() {
    let mut app = App::new();
    let eight =
        (step("1"), step("2"), step("3"), step("4"), step("5"), step("6"), step("7"), step("8"));
    app.use_all((eight, (step("9"), step("10"))));
    check(&client(app), "/", "1 2 3 4 5 6 7 8 9 10");
}

#[test]
fn a_route_is_filled_bit_by_bit_and_unwinds_in_reverse() {
    // CV-32, VA-097, VA-099, VA-100, VA-104, VA-106, VA-109, PO-067, HX-059, HX-068, HX-086, HA-046
    let seen = Arc::new(Mutex::new(String::new()));
    let note = |name: &'static str| {
        let seen = Arc::clone(&seen);
        move |mark: char| {
            let mut seen = seen.lock().unwrap();
            seen.push(mark);
            seen.push_str(name);
        }
    };
    // Each is made by a call with an option, and notes its way in and its way out.
    let plugin = |name: &'static str| {
        let note = note(name);
        late(move |_| {
            note('+');
            let note = note.clone();
            move |_| note('-')
        })
    };
    let note_d = note("d");
    let slow = async move |req: Request, next: Next| {
        yield_now().await;
        note_d('+');
        let res = next.run(req).await;
        // The one outside of it begins when this one is done.
        yield_now().await;
        note_d('-');
        res
    };
    let (looks, answers, never) = (note("l"), note("e"), note("f"));
    let mut app = App::new();
    app.route("/x")
        .use_(plugin("a"))
        .use_all([Stack::of(plugin("b")), Stack::of([plugin("c")])])
        .use_(slow)
        .use_(before(async move |_| {
            yield_now().await;
            looks('!');
        }))
        .use_(before(async move |req| {
            answers('+');
            req.query_str().is_none().then_some((403, "e replies"))
        }))
        .use_(before(async move |_| never('+')))
        .get(async |_| "handler")
        .post(async |_| "posted");
    app.put("/x", async |_| "bare");
    let client = client(app);
    assert_eq!(client.get("/x").send().text(), "e replies");
    assert_eq!(*seen.lock().unwrap(), "+a+b+c+d!l+e-d-c-b-a");
    seen.lock().unwrap().clear();
    assert_eq!(client.post("/x?go").send().text(), "posted");
    assert_eq!(*seen.lock().unwrap(), "+a+b+c+d!l+e+f-d-c-b-a");
    seen.lock().unwrap().clear();
    assert_eq!(client.put("/x").send().text(), "bare");
    assert_eq!(*seen.lock().unwrap(), "", "the middleware is that of its methods alone");
}

#[test]
fn late_handlers_may_be_for_success_or_failure_alone() {
    // VA-112, VA-120
    let mut app = App::new();
    app.use_all((
        late_success(|_| |res| res.set_header("x-late", "success")),
        late_failure(|_| |res| res.set_header("x-late", "failure")),
        late(|_| |_| ()),
    ));
    app.get("/:status", async |req| {
        let status: u16 = req.param("status")?;
        match status {
            500 => Err(std::io::Error::other("unexpected, and meant to be").into()),
            400.. => Err(Error::new(status, "no")),
            _ => Ok((status, "text")),
        }
    });
    let client = client(app);
    for (path, late) in [
        ("/200", "success"),
        ("/302", "success"),
        ("/399", "success"),
        ("/400", "failure"),
        ("/500", "failure"),
        ("/not/there", "failure"),
    ] {
        assert_eq!(client.get(path).send().header("x-late"), Some(late), "{path}");
    }
    // What a second half leaves alone stays as it was.
    assert_eq!(client.get("/201").send().text(), "text");
}
