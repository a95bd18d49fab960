//! What Vapr's rivers do, on bodies and replies: operations of the `futures` crates and of `shikra::streams`, at
//! the end, at an error in the middle, and when somebody stops. `docs/coming-from/vapr.md` says which is which.
//! With `body_streams.rs` this is the check CV-60.

use futures_util::future::{join, ok, ready};
use futures_util::stream::{self, FuturesUnordered, abortable, empty, iter, once, pending};
use futures_util::{AsyncBufReadExt, FutureExt, Stream, StreamExt, TryFutureExt, TryStreamExt};
use shikra::BodyError;
use shikra::prelude::*;
use shikra::streams::{chunks_of, timeout_between, until};
use shikra::testing::{RawConnection, TestClient};
use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;

const SECOND: Duration = Duration::from_secs(1);

/// Tells when what holds it is dropped.
struct Held(Sender<&'static str>);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.send("freed"); // the test may have failed already
    }
}

/// The same items, and `held` until the stream is dropped.
fn holding<S: Stream>(items: S, held: Held) -> impl Stream<Item = S::Item> {
    items.map(move |item| {
        let _ = &held;
        item
    })
}

/// A request whose body has 4 bytes, of which these come with the head.
fn post<'a>(client: &'a TestClient, path: &str, first: &str) -> RawConnection<'a> {
    let connection = client.connect();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n{first}");
    connection.write(head);
    client.settle();
    connection
}

#[test]
fn a_stream_is_made_by_hand() {
    // VA-149: items, the end, an error in the middle; after it nothing is taken any more.
    let (ends, told) = channel();
    let mut app = App::new();
    app.get("/:how", async move |req| {
        let how: String = req.param("how")?;
        let (send, mut items) = mpsc::channel::<Result<&str>>(2);
        let ends = ends.clone();
        req.detach(async move {
            send.send(Ok("one ")).await.unwrap();
            sleep(SECOND).await;
            if how == "fails" {
                send.send(Err(Error::new(503, "no more"))).await.unwrap();
                send.closed().await;
                ends.send(send.send(Ok("too late")).await.is_err()).unwrap();
            } else {
                send.send(Ok("two")).await.unwrap();
            }
        });
        Ok::<_, Error>(Response::from_chunks(stream::poll_fn(move |cx| items.poll_recv(cx))))
    });
    let client = TestClient::with_virtual_time(app);
    let reply = client.get("/ends").begin();
    client.advance(SECOND);
    reply.wait().assert_text("one two");
    let mut exchange = client.get("/fails").open();
    assert_eq!(exchange.read().unwrap(), b"one ");
    client.advance(SECOND);
    assert!(exchange.try_read().is_err(), "a part that looks whole");
    assert_eq!(told.recv(), Ok(true));
}

#[test]
fn a_stream_by_hand_waits_for_its_client_and_hears_that_it_has_left() {
    // VA-149
    let sent = Arc::new(AtomicUsize::new(0));
    let (ends, told) = channel();
    let counter = Arc::clone(&sent);
    let mut app = App::new();
    app.get("/", async move |req| {
        let (send, mut items) = mpsc::channel::<Result<Bytes>>(1);
        let (sent, ends) = (Arc::clone(&counter), ends.clone());
        req.detach(async move {
            while send.send(Ok(Bytes::from(vec![7; 64 * 1024]))).await.is_ok() {
                sent.fetch_add(1, Ordering::SeqCst);
            }
            ends.send("left").unwrap();
        });
        Response::from_chunks(stream::poll_fn(move |cx| items.poll_recv(cx)))
    });
    let client = TestClient::new(app);
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    client.settle();
    let before = sent.load(Ordering::SeqCst);
    client.settle();
    assert!((1..20).contains(&before), "{before} pieces for nobody");
    assert_eq!(sent.load(Ordering::SeqCst), before);
    assert!(told.try_recv().is_err());
    connection.reset();
    assert_eq!(told.recv(), Ok("left"));
}

#[test]
fn a_source_that_takes_too_long_is_given_up() {
    // VA-157
    let (freed, told) = channel();
    let mut app = App::new();
    app.post("/", async move |req| {
        let body = holding(req.body().map_err(Error::from), Held(freed.clone()));
        let late = || Error::new(408, "too slow for me");
        let mut chunks = pin!(timeout_between(body, 2 * SECOND, late));
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next().await {
            if chunk.is_err() {
                assert!(chunks.next().await.is_none(), "it has ended");
            }
            all.extend_from_slice(&chunk?);
            sleep(3 * SECOND).await; // the reader's time is not the source's
        }
        Ok::<_, Error>(all)
    });
    let client = TestClient::with_virtual_time(app);
    let whole = post(&client, "/", "ab");
    client.advance(SECOND);
    whole.write("cd");
    client.advance(8 * SECOND);
    assert_eq!(whole.read_reply().unwrap().text(), "abcd");
    assert_eq!(told.try_recv(), Ok("freed"));
    // An item starts the time anew; the one after it does not come.
    let part = post(&client, "/", "");
    client.advance(SECOND);
    part.write("ab");
    client.advance(4 * SECOND);
    assert!(told.try_recv().is_err(), "it waits for a second");
    client.advance(SECOND + SECOND / 2);
    assert_eq!(told.try_recv(), Ok("freed"));
    let reply = part.read_reply().unwrap();
    assert_eq!((reply.status().as_u16(), reply.text()), (408, "too slow for me".to_owned()));
    // Nobody waits for what is there at once, and an error of the source's own goes through.
    let items = iter([Ok(1), Err("its own"), Ok(2)]);
    let all = timeout_between(items, Duration::ZERO, || "too slow");
    assert_eq!(all.collect::<Vec<_>>().now_or_never(), Some(vec![Ok(1), Err("its own"), Ok(2)]));
}

#[test]
fn a_stream_goes_on_until_a_future_is_there() {
    // VA-159
    let (freed, told) = channel();
    let mut app = App::new();
    app.post("/:how", async move |req| {
        let how: String = req.param("how")?;
        let body = holding(req.body().map_err(Error::from), Held(freed.clone()));
        let end = async {
            if how != "now" {
                sleep(2 * SECOND).await;
            }
            if how == "fails" { Err(Error::new(504, "given up")) } else { Ok(()) }
        };
        let mut part = pin!(until(body, end));
        let mut all = Vec::new();
        while let Some(chunk) = part.next().await {
            if chunk.is_err() {
                assert!(part.next().await.is_none(), "it has ended");
            }
            all.extend_from_slice(&chunk?);
        }
        // The source is gone, though its stream is still there.
        freed.send("ended").unwrap();
        Ok::<_, Error>(all)
    });
    let client = TestClient::with_virtual_time(app);
    let ask = |how: &str, first: &str, wait: Duration| {
        let connection = post(&client, how, first);
        client.advance(wait);
        let reply = connection.read_reply().unwrap();
        (reply.status().as_u16(), reply.text())
    };
    assert_eq!(ask("/ends", "ab", 2 * SECOND), (200, "ab".to_owned()));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["freed", "ended"]);
    assert_eq!(ask("/fails", "ab", 2 * SECOND), (504, "given up".to_owned()));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["freed"]);
    // A source that ends first does not wait for the future; one that may not begin gives nothing.
    assert_eq!(ask("/ends", "abcd", Duration::ZERO), (200, "abcd".to_owned()));
    assert_eq!(ask("/now", "abcd", Duration::ZERO), (200, String::new()));
    // A future that cannot fail is the business of `futures`.
    let all = iter([1, 2]).chain(pending()).take_until(ready(()));
    assert_eq!(all.collect::<Vec<_>>().now_or_never(), Some(vec![]));
}

#[test]
fn a_stream_is_cancelled_by_dropping_it_or_from_outside() {
    // VA-164
    let mut app = App::new();
    app.post("/dropped", async |req| {
        let mut body = req.body();
        drop(req.body()); // somebody else reads: nothing happens
        let first = body.next().await.transpose()?;
        drop(body); // what is left is read over, for the sake of the next request
        Ok::<_, Error>(first.unwrap_or_default())
    });
    app.post("/outside", async |req| {
        let (mut body, handle) = abortable(req.body());
        let first = body.next().await.transpose()?;
        let (next, ()) = join(body.next(), async { handle.abort() }).await;
        assert!(next.is_none() && body.is_aborted());
        Ok::<_, Error>(first.unwrap_or_default())
    });
    app.get("/reply", async |_| {
        // A reply that is cancelled must not look whole: it fails.
        let cancelled = sleep(SECOND).map(|()| Err(Error::new(500, "cancelled")));
        Response::from_chunks(until(iter([Ok("part")]).chain(pending()), cancelled))
    });
    let client = TestClient::with_virtual_time(app);
    for path in ["/dropped", "/outside"] {
        let connection = post(&client, path, "ab");
        assert_eq!(connection.read_reply().unwrap().text(), "ab", "{path}");
        connection.write("cdPOST /dropped HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\ne");
        assert_eq!(connection.read_reply().unwrap().text(), "e", "{path}");
    }
    let mut exchange = client.get("/reply").open();
    assert_eq!(exchange.read().unwrap(), b"part");
    client.advance(SECOND);
    assert!(exchange.try_read().is_err());
}

#[test]
fn the_last_items_are_a_fold() {
    // VA-170: no more than they are kept.
    async fn last<T, E>(items: impl Stream<Item = Result<T, E>>) -> Result<Option<T>, E> {
        items.try_fold(None, |_, item| ok(Some(item))).await
    }
    async fn last_of<T, E>(
        items: impl Stream<Item = Result<T, E>>,
        count: usize,
    ) -> Result<VecDeque<T>, E> {
        let push = |mut last: VecDeque<T>, item| {
            if last.len() == count {
                last.pop_front();
            }
            last.push_back(item);
            ok(last)
        };
        items.try_fold(VecDeque::new(), push).await
    }
    let mut app = App::new();
    app.post("/", async |req| {
        let lines = req.body().map_err(io::Error::other).into_async_read().lines();
        Ok::<_, Error>(last_of(lines, 2).await?.make_contiguous().join("|"))
    });
    TestClient::new(app).post("/").chunks(["a\nb", "b\nc\n", "d"]).send().assert_text("c|d");
    let items = |count: u32| iter(0..count).map(Ok::<u32, BodyError>);
    assert_eq!(last(items(0)).now_or_never(), Some(Ok(None)));
    assert_eq!(last(items(9)).now_or_never(), Some(Ok(Some(8))));
    assert_eq!(last_of(items(0), 2).now_or_never(), Some(Ok(VecDeque::new())));
    assert_eq!(last_of(items(1), 2).now_or_never(), Some(Ok(VecDeque::from([0]))));
    let broken = items(3).chain(once(ready(Err(BodyError::Closed)))).chain(items(2));
    assert_eq!(last(broken).now_or_never(), Some(Err(BodyError::Closed)));
    // It waits for the end.
    assert_eq!(last(items(3).chain(pending())).now_or_never(), None);
}

#[test]
fn streams_are_made_of_nothing_of_one_and_of_many() {
    // VA-171
    let (freed, told) = channel();
    let mut app = App::new();
    app.get("/failed", async |_| {
        Response::from_chunks(once(ready(Err::<&str, _>(Error::new(503, "from the start")))))
    });
    app.get("/empty", async |_| Response::from_chunks(empty::<Result<&str>>()));
    app.get("/one", async |_| {
        Response::from_chunks(once(sleep(SECOND).map(|()| Ok::<_, Error>("one"))))
    });
    app.get("/never", async |_| Response::from_chunks(pending::<Result<&str>>()));
    app.get("/from", async |_| {
        let later = |n: u32| async move {
            sleep(SECOND * n).await;
            Ok::<_, Error>(n.to_string())
        };
        Response::from_chunks([3, 1, 2].into_iter().map(later).collect::<FuturesUnordered<_>>())
    });
    app.get("/every", async move |_| {
        let ticks = stream::unfold((), |()| sleep(SECOND).map(|()| Some(("tick ", ()))));
        Response::from_chunks(holding(ticks.map(Ok::<_, Error>), Held(freed.clone())))
    });
    let client = TestClient::with_virtual_time(app);
    client.get("/failed").send().assert_status(503).assert_text("from the start");
    client.get("/empty").send().assert_status(200).assert_text("");
    let (one, from) = (client.get("/one").begin(), client.get("/from").begin());
    client.advance(3 * SECOND);
    one.wait().assert_text("one");
    from.wait().assert_text("123");
    let mut never = client.get("/never").open();
    assert_eq!(never.head().status(), 200);
    never.reset();
    let mut every = client.get("/every").open();
    assert_eq!(every.head().status(), 200);
    for _ in 0..3 {
        client.advance(SECOND + SECOND / 20);
        assert_eq!(every.read().unwrap(), b"tick ");
    }
    assert!(told.try_recv().is_err());
    every.reset();
    assert_eq!(told.recv(), Ok("freed"));
}

#[test]
fn streams_are_combined_as_their_items_come() {
    // VA-172
    type Words = stream::LocalBoxStream<'static, Result<String>>;
    fn words(name: &'static str, pause: u32, count: u32) -> Words {
        let word = move |n| async move {
            sleep(SECOND * pause).await;
            Ok(format!("{name}{n} "))
        };
        iter(1..=count).then(word).boxed_local()
    }
    let (freed, told) = channel();
    let mut app = App::new();
    app.get("/all", async |_| {
        Response::from_chunks(stream::select_all([words("a", 2, 3), words("b", 3, 1)]))
    });
    app.post("/body", async move |req| {
        let failing = sleep(2 * SECOND).map(|()| Err(Error::new(502, "the other one failed")));
        let body = req.body().map_err(Error::from).map_ok(|chunk| chunk.len().to_string());
        let parts = [holding(body, Held(freed.clone())).boxed_local(), once(failing).boxed_local()];
        let all: Vec<_> = stream::select_all(parts).try_collect().await?;
        Ok::<_, Error>(all.concat())
    });
    let client = TestClient::with_virtual_time(app);
    let all = client.get("/all").begin();
    (0..8).for_each(|_| client.advance(SECOND));
    all.wait().assert_text("a1 b1 a2 a3 ");
    // One that fails is the end of all.
    let connection = post(&client, "/body", "ab");
    client.advance(2 * SECOND);
    let reply = connection.read_reply().unwrap();
    assert_eq!((reply.status().as_u16(), reply.text()), (502, "the other one failed".to_owned()));
    assert_eq!(told.recv(), Ok("freed"));
}

#[test]
fn readers_become_streams_and_streams_readers() {
    // VA-173
    let (freed, told) = channel();
    let mut app = App::new();
    app.get("/whole", async |_| {
        Response::from_chunks(chunks_of(io::Cursor::new(vec![7_u8; 50_000])))
    });
    app.get("/empty", async |_| Response::from_chunks(chunks_of(tokio::io::empty())));
    app.get("/short", async |_| {
        Response::from_chunks(chunks_of(&b"four"[..]).chain(pending().take_until(sleep(SECOND))))
            .with_stream_len(5)
    });
    app.get("/process", async move |req| {
        // What writes hears that nobody reads any more.
        let (near, mut far) = tokio::io::duplex(1024);
        let held = Held(freed.clone());
        req.detach(async move {
            while far.write_all(&[7; 1024]).await.is_ok() {}
            drop(held);
        });
        Response::from_chunks(chunks_of(near))
    });
    app.post("/lines", async |req| {
        let mut lines = req.body().map_err(io::Error::other).into_async_read().lines();
        let mut longest = String::new();
        while let Some(line) = lines.try_next().await? {
            longest = if line.len() > longest.len() { line } else { longest };
        }
        Ok::<_, Error>(longest)
    });
    let client = TestClient::with_virtual_time(app);
    assert!(client.get("/whole").send().bytes() == vec![7_u8; 50_000]);
    client.get("/empty").send().assert_status(200).assert_text("");
    let mut short = client.get("/short").open();
    assert_eq!(short.read().unwrap(), b"four");
    client.advance(SECOND);
    assert!(short.try_read().is_err(), "less than was announced");
    let mut process = client.get("/process").open();
    assert_eq!(process.read().unwrap()[..3], [7; 3]);
    assert!(told.try_recv().is_err());
    process.reset();
    assert_eq!(told.recv(), Ok("freed"));
    client.post("/lines").chunks(["a\nb", "bb\nc", "c"]).send().assert_text("bbb");
    let broken = post(&client, "/lines", "a\nb");
    broken.finish();
    assert_eq!(broken.read_reply().unwrap().status(), 400); // the client's fault, inside an error of I/O
}

#[test]
fn a_reader_that_is_lent_is_read_on() {
    // VA-173: `decouple`, an error of the reader, and chunks of a bounded size.
    let mut reader = io::Cursor::new([7_u8; 40_000]);
    let first = pin!(chunks_of(&mut reader)).next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(first.len(), 16 * 1024);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).now_or_never().unwrap().unwrap();
    assert_eq!(rest.len(), 40_000 - first.len());
    let mut chunks = pin!(chunks_of(AsyncReadExt::chain(&b"begun"[..], Fails)));
    let mut next = || chunks.next().now_or_never().unwrap();
    assert_eq!(next().unwrap().unwrap(), "begun");
    assert_eq!(next().unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(next().is_none(), "an error is the end");
}

struct Fails;

impl AsyncRead for Fails {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

#[test]
fn a_stream_is_waited_for_and_a_future_becomes_one() {
    // VA-175
    let mut app = App::new();
    app.post("/done", async |req| {
        req.body().try_for_each(|_| ok(())).await?;
        Ok::<_, Error>("all there")
    });
    app.get("/later/:how", async |req| {
        let how: String = req.param("how")?;
        let words = async move {
            if how != "fails-at-once" {
                sleep(SECOND).await;
            }
            if how.starts_with("fails") {
                Err(Error::new(502, "no words"))
            } else {
                Ok(iter(["a ", "b"]).map(Ok::<_, Error>))
            }
        };
        Ok::<_, Error>(Response::from_chunks(words.try_flatten_stream()))
    });
    app.get("/plain", async |_| {
        let items = async { iter(["a ", "b"]) }.flatten_stream();
        Response::from_chunks(items.map(Ok::<_, BodyError>))
    });
    let client = TestClient::with_virtual_time(app);
    client.post("/done").chunks(["a", "b"]).send().assert_text("all there");
    let broken = post(&client, "/done", "ab");
    broken.finish();
    assert_eq!(broken.read_reply().unwrap().status(), 400);
    let words = client.get("/later/words").begin();
    let mut fails = client.get("/later/fails").open();
    assert_eq!(fails.head().status(), 200); // the head leaves while the future waits
    client.advance(SECOND);
    words.wait().assert_text("a b");
    assert!(fails.try_read().is_err(), "a body that looks whole");
    // Where nothing has left yet the error is the answer.
    client.get("/later/fails-at-once").send().assert_status(502).assert_text("no words");
    client.get("/plain").send().assert_text("a b");
}
