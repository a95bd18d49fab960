//! An exchange whose bodies the test sends and reads piece by piece.

use super::agent::Agent;
use super::bench::Bench;
use super::error::{Failure, TestError, TestErrorKind};
use super::exchange::{Plan, Upload};
use super::reply::{ReplyReader, Stage, Step, TestReply};
use super::shared::Progress;
use super::wire::Wire;
use shikra_engine::rt::Io;
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

/// A request on its way, begun with [`TestRequest::stream`](super::TestRequest::stream) or
/// [`TestRequest::open`](super::TestRequest::open). Dropping it closes its connection.
///
/// Bytes move only during its calls: a test that does not read holds the application back as a slow
/// client does, once the 64 KiB between them are full, and one that does not write is a client that
/// stalls. Redirects are not followed.
///
/// ```
/// use shikra::{App, stream, testing::TestClient};
///
/// let mut app = App::new();
/// app.post("/echo", async |req| {
///     let mut body = req.body();
///     stream(async move |out| {
///         while let Some(piece) = body.next().await {
///             out.write(piece?).await?;
///         }
///         Ok(())
///     })
/// });
/// let client = TestClient::new(app);
/// let mut exchange = client.post("/echo").stream();
/// exchange.write("ping");
/// assert_eq!(exchange.read().unwrap(), b"ping");
/// exchange.finish();
/// assert_eq!(exchange.read(), None);
/// ```
#[must_use = "dropping an exchange closes its connection"]
pub struct TestExchange {
    agent: Arc<Agent>,
    id: u64,
    request: String,
    patience: Duration,
    head: Option<TestReply>,
}

impl fmt::Debug for TestExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TestExchange");
        debug.field("request", &self.request).field("head", &self.head).finish_non_exhaustive()
    }
}

/// The worker's side.
pub(super) struct Streaming {
    plan: Plan,
    wire: Option<Wire>,
    upload: Upload,
    reader: ReplyReader,
    head: Option<TestReply>,
    bytes: usize,
}

impl TestExchange {
    pub(super) fn start(
        agent: Arc<Agent>,
        mut plan: Plan,
        request: String,
        patience: Duration,
    ) -> Result<Self, TestError> {
        let id = agent.call(&request, patience, Progress::new(), move |bench| async move {
            let (wire, upload) = plan.start(&bench)?;
            let reader = plan.reader();
            let wire = Some(wire);
            let state = Streaming { plan, wire, upload, reader, head: None, bytes: 0 };
            let state = Rc::new(RefCell::new(state));
            let id = bench.next_id();
            bench.streaming.borrow_mut().insert(id, Rc::clone(&state));
            // As much as fits goes out at once.
            poll_fn(|cx| {
                let _ = state.borrow_mut().poll_upload(cx);
                Poll::Ready(())
            })
            .await;
            Ok(id)
        })?;
        Ok(Self { agent, id, request, patience, head: None })
    }

    /// Sends a piece of the body, a chunk of its own unless the request declares a length. Waits while the
    /// application does not read.
    ///
    /// # Panics
    /// When the application has closed the connection, or nothing moves in time.
    #[track_caller]
    pub fn write(&mut self, piece: impl AsRef<[u8]>) {
        if let Err(error) = self.try_write(piece) {
            panic!("{error}");
        }
    }

    /// Sends a piece of the body, as [`TestExchange::write`].
    ///
    /// # Errors
    /// When the application has closed the connection (its reply may still be there to read), nothing moves
    /// in time, or the body is no open one.
    pub fn try_write(&mut self, piece: impl AsRef<[u8]>) -> Result<(), TestError> {
        let piece = piece.as_ref().to_vec();
        self.with(move |state, progress| async move {
            state.borrow_mut().upload.push(&piece)?;
            poll_fn(|cx| {
                let mut state = state.borrow_mut();
                progress.set(Stage::Upload);
                let sent = state.poll_upload(cx);
                if state.upload.is_broken() {
                    let message = "the application takes no more of the request";
                    return Poll::Ready(Err(Failure::new(TestErrorKind::Closed, message)));
                }
                sent.map(Ok)
            })
            .await
        })
    }

    /// Ends the body. Does nothing if it has ended.
    ///
    /// # Panics
    /// When nothing moves in time.
    #[track_caller]
    pub fn finish(&mut self) {
        let ended = self.with(|state, progress| async move {
            state.borrow_mut().upload.end();
            poll_fn(|cx| {
                let mut state = state.borrow_mut();
                progress.set(Stage::Upload);
                let sent = state.poll_upload(cx);
                // That the application reads no more is for its reply to explain.
                if state.upload.is_broken() { Poll::Ready(()) } else { sent }
            })
            .await;
            Ok(())
        });
        if let Err(error) = ended {
            panic!("{error}");
        }
    }

    /// The head of the reply, as a reply whose body is empty; waits for it.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn head(&mut self) -> &TestReply {
        match self.try_head() {
            Ok(head) => head,
            Err(error) => panic!("no reply: {error}"),
        }
    }

    /// The head of the reply, or what prevents it.
    ///
    /// # Errors
    /// As [`TestRequest::try_send`](super::TestRequest::try_send).
    pub fn try_head(&mut self) -> Result<&TestReply, TestError> {
        let head = match self.head.take() {
            Some(head) => head,
            None => self.with_bench(|bench, state, progress| async move {
                poll_fn(|cx| state.borrow_mut().poll_head(cx, &bench, &progress)).await
            })?,
        };
        Ok(self.head.insert(head))
    }

    /// The next piece of the body, never an empty one; `None` at its end. Waits for it.
    ///
    /// Where pieces are cut is not the application's doing alone: what it writes at once may come in two,
    /// and what it writes in two may come at once.
    ///
    /// # Panics
    /// When the connection breaks, or nothing comes in time.
    #[track_caller]
    pub fn read(&mut self) -> Option<Vec<u8>> {
        match self.try_read() {
            Ok(piece) => piece,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next piece of the body, as [`TestExchange::read`].
    ///
    /// # Errors
    /// As [`TestRequest::try_send`](super::TestRequest::try_send).
    pub fn try_read(&mut self) -> Result<Option<Vec<u8>>, TestError> {
        self.try_head()?;
        self.with_bench(|bench, state, progress| async move {
            poll_fn(|cx| state.borrow_mut().poll_piece(cx, &bench, &progress)).await
        })
    }

    /// Waits for the rest of the reply: the whole of it, without what has been read.
    ///
    /// # Panics
    /// As [`TestExchange::read`].
    #[track_caller]
    #[must_use]
    pub fn wait(self) -> TestReply {
        match self.try_wait() {
            Ok(reply) => reply,
            Err(error) => panic!("no reply: {error}"),
        }
    }

    /// Waits for the rest of the reply, as [`TestExchange::wait`].
    ///
    /// # Errors
    /// As [`TestRequest::try_send`](super::TestRequest::try_send).
    pub fn try_wait(mut self) -> Result<TestReply, TestError> {
        let mut reply = self.try_head()?.clone();
        let mut body = Vec::new();
        while let Some(piece) = self.try_read()? {
            body.extend_from_slice(&piece);
        }
        reply.set_body(body);
        Ok(reply)
    }

    /// Breaks the connection off, as a client that vanishes.
    pub fn reset(self) {
        let aborted = self.with(|state, _| async move {
            if let Some(wire) = &mut state.borrow_mut().wire {
                wire.io.abort();
            }
            Ok(())
        });
        // Without a worker there is no connection either.
        let _ = aborted;
    }

    fn with<T, F, J>(&self, job: J) -> Result<T, TestError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + 'static,
        J: FnOnce(Rc<RefCell<Streaming>>, Arc<Progress>) -> F + Send + 'static,
    {
        self.with_bench(|_, state, progress| job(state, progress))
    }

    fn with_bench<T, F, J>(&self, job: J) -> Result<T, TestError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + 'static,
        J: FnOnce(Rc<Bench>, Rc<RefCell<Streaming>>, Arc<Progress>) -> F + Send + 'static,
    {
        let (id, progress) = (self.id, Progress::new());
        let seen = Arc::clone(&progress);
        self.agent.call(&self.request, self.patience, progress, move |bench| async move {
            let state = bench.streaming.borrow().get(&id).cloned();
            let state = state.expect("an exchange exists until it is dropped");
            job(bench, state, seen).await
        })
    }
}

impl Drop for TestExchange {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // the client closes everything
        }
        let id = self.id;
        let request = std::mem::take(&mut self.request);
        let closed = self.agent.call(&request, self.patience, Progress::new(), move |bench| {
            let state = bench.streaming.borrow_mut().remove(&id);
            async move {
                drop(state);
                Ok(())
            }
        });
        // A worker that is gone has closed everything.
        let _ = closed;
    }
}

impl Streaming {
    fn poll_upload(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        match &mut self.wire {
            Some(wire) => self.upload.poll(cx, wire),
            None => Poll::Ready(()),
        }
    }

    /// What comes next of the reply; the request goes on meanwhile.
    fn poll_step(
        &mut self,
        cx: &mut std::task::Context<'_>,
        bench: &Bench,
    ) -> Poll<Result<Step, Failure>> {
        let Some(wire) = &mut self.wire else { return Poll::Ready(Ok(Step::End)) };
        let _ = self.upload.poll(cx, wire);
        let step = ready!(self.reader.poll_step(cx, wire))?;
        match &step {
            Step::Head(_) => {}
            Step::Data(data) => self.bytes += data.len(),
            Step::End => {
                let is_reusable = self.head.as_ref().is_some_and(TestReply::keeps_alive);
                if let Some(wire) = self.wire.take_if(|_| is_reusable && self.upload.is_done()) {
                    bench.keep(self.plan.agent, wire);
                }
            }
        }
        Poll::Ready(Ok(step))
    }

    fn poll_head(
        &mut self,
        cx: &mut std::task::Context<'_>,
        bench: &Bench,
        progress: &Progress,
    ) -> Poll<Result<TestReply, Failure>> {
        progress.set(Stage::Head);
        match ready!(self.poll_step(cx, bench))? {
            Step::Head(mut head) => {
                self.plan.take_cookies(&mut head, &self.plan.place(), bench.now_s());
                self.head = Some(TestReply::clone(&head));
                Poll::Ready(Ok(*head))
            }
            _ => {
                let message = "the body came before the head";
                Poll::Ready(Err(Failure::new(TestErrorKind::Protocol, message)))
            }
        }
    }

    fn poll_piece(
        &mut self,
        cx: &mut std::task::Context<'_>,
        bench: &Bench,
        progress: &Progress,
    ) -> Poll<Result<Option<Vec<u8>>, Failure>> {
        progress.set(Stage::Body { bytes: self.bytes });
        Poll::Ready(match ready!(self.poll_step(cx, bench))? {
            Step::Data(data) => Ok(Some(data.to_vec())),
            Step::End => Ok(None),
            Step::Head(_) => {
                Err(Failure::new(TestErrorKind::Protocol, "a second head within the reply"))
            }
        })
    }
}
