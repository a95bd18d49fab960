//! The worker's side of a test client.

use super::RequestBody;
use super::raw::RawState;
use super::reply::{ReplyReader, TestReply};
use crate::app::AppFactory;
use crate::dispatch::{AppService, Frozen};
use bytes::{Bytes, BytesMut};
use http::Method;
use shikra_engine::hub::{Hub, Load, Phase, ServiceHub, clear_current};
use shikra_engine::rt::pipe::{PipeIo, pipe};
use shikra_engine::rt::{Io, tasks};
use shikra_engine::service::ServiceFactory;
use shikra_engine::worker;
use shikra_proto::header::FieldLines;
use shikra_proto::http1::{encode_chunk_prefix, encode_chunk_suffix, encode_last_chunk};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

/// A job for the worker's thread.
pub(super) type Job = Box<dyn FnOnce(Rc<Bench>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// Jobs on their way to the worker's thread.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<(VecDeque<Job>, IsClosed)>,
    arrived: tasks::Notify,
}

#[derive(Default, Clone, Copy, PartialEq)]
struct IsClosed(bool);

impl Mailbox {
    pub(super) fn post(&self, job: Job) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.push_back(job);
        self.arrived.notify_one();
    }

    pub(super) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = IsClosed(true);
        self.arrived.notify_one();
    }

    async fn next(&self) -> Option<Job> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(job) = state.0.pop_front() {
                    return Some(job);
                }
                if state.1 == IsClosed(true) {
                    return None;
                }
            }
            arrived.await;
        }
    }
}

/// What jobs work with: the served application, and the client's ends of its connections.
pub(super) struct Bench {
    pub(super) hub: Rc<ServiceHub<AppService>>,
    load: Arc<Load>,
    idle: RefCell<Option<Wire>>,
    pub(super) raw: RefCell<HashMap<u64, Rc<RefCell<RawState>>>>,
    next_raw: Cell<u64>,
}

/// The client's end of a connection.
pub(super) struct Wire {
    pub(super) io: PipeIo,
    pub(super) read: BytesMut,
}

/// What the application takes for the time.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Time {
    Real,
    Virtual,
}

/// Serves an application until the mailbox closes.
pub(super) fn run(frozen: Frozen, time: Time, mailbox: &Mailbox, ready: &Sender<io::Result<()>>) {
    let load = Arc::new(Load::default());
    let runtime = match tasks::local_runtime(shikra_engine::clock::refresh_current, || {}) {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let stopped = (time == Time::Virtual).then(tasks::stop_time);
        let hub = Hub::new(frozen.config.limits.clone(), Arc::clone(&load));
        let timers = Rc::clone(&hub);
        tasks::spawn(async move { timers.drive_timers().await });
        let factory = AppFactory { frozen: Arc::new(frozen) };
        let made = match factory.start().await {
            Ok(()) => factory.make().await,
            Err(error) => Err(error),
        };
        let service = match made {
            Ok(service) => service,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let hub = ServiceHub::new(hub, service);
        let bench = Rc::new(Bench {
            hub,
            load,
            idle: RefCell::default(),
            raw: RefCell::default(),
            next_raw: Cell::new(0),
        });
        // The test waits for this line.
        let _ = ready.send(Ok(()));
        while let Some(job) = mailbox.next().await {
            tasks::spawn(job(Rc::clone(&bench)));
        }
        bench.idle.take();
        bench.raw.take();
        bench.hub.base.set_phase(Phase::Draining);
        let mut idle = pin!(bench.hub.base.idle());
        drop(stopped);
        let mut pause = pin!(tasks::sleep(STOP_PATIENCE));
        poll_fn(|cx| match idle.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => pause.as_mut().poll(cx),
        })
        .await;
        factory.stop().await;
    });
    clear_current();
}

impl Bench {
    pub(super) fn open(&self) -> Wire {
        let (near, far) = pipe(PIPE_BYTES);
        self.load.add();
        worker::serve(&self.hub, far, None, None);
        Wire { io: near, read: BytesMut::new() }
    }

    pub(super) fn open_raw(&self) -> u64 {
        let id = self.next_raw.get();
        self.next_raw.set(id + 1);
        let state = RawState::new(self.open());
        self.raw.borrow_mut().insert(id, Rc::new(RefCell::new(state)));
        id
    }

    /// One request and its reply, on the kept connection if there is one.
    pub(super) async fn exchange(
        &self,
        method: Method,
        target: String,
        fields: Vec<(String, Vec<u8>)>,
        body: RequestBody,
    ) -> Result<TestReply, String> {
        let kept = self.idle.borrow_mut().take().filter(Wire::is_open);
        let mut wire = kept.unwrap_or_else(|| self.open());
        let head = encode_head(&method, &target, &fields, &body);
        let mut upload = Upload::new(head, body);
        let mut reader = ReplyReader::new(method);
        let result = poll_fn(|cx| {
            // Both at once: the reply may come before the body is gone.
            let sent = upload.poll(cx, &mut wire.io);
            match reader.poll(cx, &mut wire) {
                Poll::Ready(Ok(reply)) => Poll::Ready(Ok((reply, sent.is_ready()))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        let (reply, is_sent) = result?;
        if is_sent && reply.keeps_alive() {
            self.idle.replace(Some(wire));
        }
        Ok(reply)
    }
}

impl Wire {
    /// Whether the application has not closed its end meanwhile.
    fn is_open(&self) -> bool {
        self.io.is_open()
    }
}

fn encode_head(
    method: &Method,
    target: &str,
    fields: &[(String, Vec<u8>)],
    body: &RequestBody,
) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    if !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.extend_from_slice(b"host: test\r\n");
    }
    for (name, value) in fields {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    let framing = match body {
        RequestBody::None => String::new(),
        RequestBody::Whole(bytes) => format!("content-length: {}\r\n", bytes.len()),
        RequestBody::Chunks(_) => "transfer-encoding: chunked\r\n".to_owned(),
    };
    head.extend_from_slice(framing.as_bytes());
    head.extend_from_slice(b"\r\n");
    head
}

/// A request on its way out.
struct Upload {
    waiting: VecDeque<Bytes>,
    chunks: Option<Box<dyn Iterator<Item = Bytes> + Send>>,
}

impl Upload {
    fn new(head: Vec<u8>, body: RequestBody) -> Self {
        let mut waiting = VecDeque::from([Bytes::from(head)]);
        let chunks = match body {
            RequestBody::None => None,
            RequestBody::Whole(bytes) => {
                waiting.push_back(bytes);
                None
            }
            RequestBody::Chunks(chunks) => Some(chunks),
        };
        Self { waiting, chunks }
    }

    fn poll(&mut self, cx: &mut std::task::Context<'_>, io: &mut PipeIo) -> Poll<()> {
        loop {
            let Some(part) = self.waiting.front_mut() else {
                let Some(chunks) = &mut self.chunks else { return Poll::Ready(()) };
                let mut framed = Vec::new();
                match chunks.next() {
                    Some(chunk) => {
                        encode_chunk_prefix(&mut framed, chunk.len());
                        framed.extend_from_slice(&chunk);
                        encode_chunk_suffix(&mut framed, chunk.len());
                    }
                    None => {
                        encode_last_chunk(&mut framed, &FieldLines::new());
                        self.chunks = None;
                    }
                }
                self.waiting.push_back(framed.into());
                continue;
            };
            if part.is_empty() {
                self.waiting.pop_front();
                continue;
            }
            match io.try_write(&[IoSlice::new(part)]) {
                Ok(written) => drop(part.split_to(written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if io.poll_writable(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                // The application reads no more; the reply says why.
                Err(_) => return Poll::Pending,
            }
        }
    }
}

/// Room in each direction: small enough that back-pressure shows in tests.
const PIPE_BYTES: usize = 64 * 1024;
const STOP_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
