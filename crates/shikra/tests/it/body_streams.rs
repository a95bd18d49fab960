//! Bodies as streams of the `futures` crates: `Body` implements `Stream`, and any stream is sent as a reply,
//! so that the operations of a river are those of `StreamExt` and `TryStreamExt`.
//! `docs/coming-from/vapr.md` says which is which.

use futures_util::future::{ok, ready};
use futures_util::stream::{empty, iter, once, pending, select_all};
use futures_util::{Stream, StreamExt, TryStreamExt};
use shikra::prelude::*;
use shikra::testing::TestClient;
use shikra::{Body, BodyError, Route, StreamWriter};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// The words of a body that came whole, one after another: each chunk becomes a stream, laid flat in its place.
fn words(req: &Request) -> impl Stream<Item = Result<String, BodyError>> + use<> {
    let split = |chunk: Bytes| {
        let text = String::from_utf8_lossy(&chunk).into_owned();
        let words: Vec<_> = text.split(',').map(|word| Ok(word.to_owned())).collect();
        iter(words)
    };
    req.body().map_ok(split).try_flatten()
}

/// What a handler makes of three words.
fn ask<F, R>(handler: F) -> String
where
    F: AsyncFn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse + 'static,
{
    let client = TestClient::new(App::new().post("/", handler));
    client.post("/").body(WORDS).send().assert_status(200).text()
}

#[test]
fn the_types_of_the_main_module_are_named_at_its_root() {
    // VA-008: application, route, request, response, the stream, and its errors.
    async fn echo(req: Request) -> Response {
        let body: Body = req.body();
        stream(async move |out: StreamWriter| {
            let mut body = body;
            while let Some(chunk) = body.next().await {
                let chunk: Result<Bytes, BodyError> = chunk;
                out.write(chunk?).await?;
            }
            Ok(())
        })
    }
    let mut app = App::new();
    let route: Route<'_> = app.route("/");
    let _ = route.post(echo);
    TestClient::new(app).post("/").body("there and back").send().assert_text("there and back");
    let statuses = [BodyError::Closed, BodyError::TooSlow, BodyError::TooLarge(1), BodyError::Over]
        .map(|error| error.status().as_u16());
    assert_eq!(statuses, [400, 408, 413, 500]);
}

#[test]
fn items_are_mapped_looked_at_chosen_and_gathered() {
    // VA-151, VA-152, VA-153, VA-166
    let gathered = ask(async |req| {
        let seen = Cell::new(0);
        let chunks = words(&req)
            .and_then(|word| async move { Ok(format!("{word}!")) })
            .inspect_ok(|_| seen.set(seen.get() + 1))
            .try_filter(|word| ready(word.len() == 4))
            .map_ok(|word| word.to_uppercase());
        let words: Vec<_> = chunks.try_collect().await?;
        Ok(format!("{words:?} of {}", seen.get()))
    });
    assert_eq!(gathered, r#"["ONE!", "TWO!"] of 3"#);
}

#[test]
fn streams_end_early_and_are_folded_searched_and_drained() {
    // VA-158, VA-162, VA-163, VA-165, VA-167, VA-168, VA-169
    let before_three = ask(async |req| {
        let words = words(&req).try_take_while(|word| ready(Ok(word != "three")));
        Ok(words.try_fold(String::new(), |sum, word| ready(Ok(sum + &word))).await?)
    });
    assert_eq!(before_three, "onetwo");
    let found = ask(async |req| {
        let mut long = words(&req).try_filter(|word| ready(word.len() > 3));
        Ok(long.try_next().await?)
    });
    assert_eq!(found, "three");
    let includes = ask(async |req| {
        words(&req).any(|word| ready(word.is_ok_and(|word| word == "two"))).await.to_string()
    });
    assert_eq!(includes, "true");
    let two = ask(async |req| {
        let two: Vec<_> = words(&req).take(2).try_collect().await?;
        Ok(two.join(" "))
    });
    assert_eq!(two, "one two");
    let drained = ask(async |req| {
        req.body().try_for_each(|_| ok(())).await?;
        Ok(req.is_body_received().to_string())
    });
    assert_eq!(drained, "true");
}

#[test]
fn a_part_is_taken_and_the_rest_left_to_another() {
    // VA-161: dropping what was borrowed leaves the source alive.
    let parts = ask(async |req| {
        let mut body = words(&req);
        let first: Vec<_> = body.by_ref().take(1).try_collect().await?;
        let rest: Vec<_> = body.try_collect().await?;
        Ok(format!("{first:?} {rest:?}"))
    });
    assert_eq!(parts, r#"["one"] ["two", "three"]"#);
}

#[test]
fn several_items_are_in_work_at_once_in_order_or_as_they_are_done() {
    // VA-148, CF-58
    async fn slow(n: u64) -> Result<String> {
        sleep(Duration::from_secs(10 - n)).await;
        Ok(n.to_string())
    }
    let mut app = App::new();
    app.get("/ordered", async |_| Response::from_chunks(iter(1..=3).map(slow).buffered(3)));
    app.get("/done", async |_| Response::from_chunks(iter(1..=3).map(slow).buffer_unordered(3)));
    app.get("/limited", async |_| Response::from_chunks(iter(1..=3).map(slow).buffer_unordered(1)));
    let client = TestClient::with_virtual_time(app);
    let ask = |path: &str, steps: &[u64]| {
        let reply = client.get(path).begin();
        steps.iter().for_each(|seconds| client.advance(Duration::from_secs(*seconds)));
        reply.wait().text()
    };
    assert_eq!(ask("/ordered", &[9]), "123");
    assert_eq!(ask("/done", &[9]), "321");
    assert_eq!(ask("/limited", &[9, 8, 7]), "123");
}

#[test]
fn streams_are_made_of_values_and_joined() {
    let mut app = App::new();
    app.get("/joined", async |_| {
        let parts = [iter(["a", "b"]).boxed(), once(ready("c")).boxed(), empty().boxed()];
        let mut all: Vec<_> = select_all(parts).collect().await;
        all.sort_unstable();
        all.concat()
    });
    app.get("/until", async |_| {
        let silent = pending::<Result<&str>>().take_until(sleep(Duration::from_secs(3)));
        Response::from_chunks(once(ok("begun")).chain(silent))
    });
    let client = TestClient::with_virtual_time(app);
    client.get("/joined").send().assert_text("abc");
    let reply = client.get("/until").begin();
    client.advance(Duration::from_secs(3));
    reply.wait().assert_text("begun");
}

#[test]
fn an_error_goes_down_the_whole_line_and_may_be_mapped_or_mended() {
    // VA-144, VA-145, VA-176
    let failing = |word: String| match &*word {
        "two" => ready(Err(Error::new(422, "no twos"))),
        _ => ready(Ok(word)),
    };
    let mut app = App::new();
    app.post("/fails", async move |req| {
        let words = words(&req).map_err(Error::from).and_then(failing).map_ok(|word| word + "!");
        Ok(words.try_collect::<Vec<_>>().await?.concat())
    });
    app.post("/mended", async move |req| {
        let words = words(&req).map_err(Error::from).and_then(failing);
        let words = words.or_else(|error| ok::<_, Error>(format!("({})", error.status().as_u16())));
        Ok(words.try_collect::<Vec<_>>().await?.concat())
    });
    app.route("/limited")
        .body_bytes_max(5)
        .post(async |req| Ok(words(&req).try_collect::<Vec<_>>().await?.concat()));
    let client = TestClient::new(app);
    let send = |path: &str| client.post(path).body(WORDS).send();
    send("/fails").assert_status(422).assert_text("no twos");
    send("/mended").assert_text("one(422)three");
    send("/limited").assert_status(413);
}

#[test]
fn what_a_stream_holds_is_freed_when_it_ends_or_its_client_leaves() {
    // VA-146: done, failed, and cancelled.
    struct Held(std::sync::mpsc::Sender<&'static str>);
    impl Drop for Held {
        fn drop(&mut self) {
            let _ = self.0.send("freed"); // the test may have failed already
        }
    }
    let (freed, told) = channel();
    let mut app = App::new();
    app.get("/ends", {
        let freed = freed.clone();
        async move |_| {
            let held = Rc::new(Held(freed.clone()));
            Response::from_chunks(iter(["a", "b"]).map(move |item| {
                let _ = &held;
                Ok::<_, BodyError>(item)
            }))
        }
    });
    app.get("/fails", {
        let freed = freed.clone();
        async move |_| {
            let held = Held(freed.clone());
            let items = iter([Ok("a"), Err(Error::new(500, "no more"))]);
            Response::from_chunks(items.inspect(move |_| {
                let _ = &held;
            }))
        }
    });
    app.get("/silent", async move |_| {
        let held = Held(freed.clone());
        Response::from_chunks(once(ok("begun")).chain(pending::<Result<&str>>().map(move |item| {
            let _ = &held;
            item
        })))
    });
    let client = TestClient::new(app);
    client.get("/ends").send().assert_text("ab");
    assert_eq!(told.recv(), Ok("freed"));
    client.get("/fails").send().assert_status(500); // nothing had left yet
    assert_eq!(told.recv(), Ok("freed"));
    let mut exchange = client.get("/silent").open();
    assert_eq!(exchange.read().unwrap(), b"begun");
    assert!(told.try_recv().is_err(), "still sending");
    exchange.reset();
    assert_eq!(told.recv(), Ok("freed"));
}

const WORDS: &str = "one,two,three";
