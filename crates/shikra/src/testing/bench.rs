//! The worker's side of a test client.

use super::raw::RawState;
use super::stream::Streaming;
use super::wire::{ClientIo, Wire};
use crate::app::AppFactory;
use crate::dispatch::{AppService, Frozen};
use shikra_engine::hub::{Hub, Load, Phase, ServiceHub, clear_current};
use shikra_engine::rt::net::Stream;
use shikra_engine::rt::pipe::pipe;
use shikra_engine::rt::{SocketIo, tasks};
use shikra_engine::service::{Lease, ServiceFactory};
use shikra_engine::worker;
use shikra_proto::date;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// What jobs work with: the way to the application, and the client's ends of its connections.
pub(super) struct Bench {
    way: Way,
    /// Kept-alive connections, by user agent.
    idle: RefCell<HashMap<u64, Vec<Wire>>>,
    pub(super) raw: RefCell<HashMap<u64, Rc<RefCell<RawState>>>>,
    pub(super) streaming: RefCell<HashMap<u64, Rc<RefCell<Streaming>>>>,
    next_id: Cell<u64>,
}

/// How connections come about.
enum Way {
    Memory { hub: Rc<ServiceHub<AppService>>, load: Arc<Load>, time: Time },
    Tcp(SocketAddr),
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
            Ok(()) => factory.make(Lease::unlimited()).await,
            Err(error) => Err(error),
        };
        let service = match made {
            Ok(service) => service,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let hub = ServiceHub::new(hub, service);
        let base = Rc::clone(&hub.base);
        let bench = Bench::new(Way::Memory { hub, load, time });
        // The test waits for this line.
        let _ = ready.send(Ok(()));
        bench.work(mailbox).await;
        base.set_phase(Phase::Draining);
        let mut idle = pin!(base.idle());
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

/// Talks to a server until the mailbox closes.
pub(super) fn run_tcp(addr: SocketAddr, mailbox: &Mailbox, ready: &Sender<io::Result<()>>) {
    let runtime = match tasks::local_runtime(|| {}, || {}) {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        // The test waits for this line.
        let _ = ready.send(Ok(()));
        Bench::new(Way::Tcp(addr)).work(mailbox).await;
    });
}

impl Bench {
    fn new(way: Way) -> Rc<Self> {
        Rc::new(Self {
            way,
            idle: RefCell::default(),
            raw: RefCell::default(),
            streaming: RefCell::default(),
            next_id: Cell::new(0),
        })
    }

    /// Starts the jobs that come, and closes all connections when no more will.
    async fn work(self: Rc<Self>, mailbox: &Mailbox) {
        while let Some(job) = mailbox.next().await {
            tasks::spawn(job(Rc::clone(&self)));
        }
        self.idle.take();
        self.raw.take();
        self.streaming.take();
    }

    /// Opens a connection.
    pub(super) fn open(&self) -> io::Result<Wire> {
        match &self.way {
            Way::Memory { hub, load, .. } => {
                let (near, far) = pipe(PIPE_BYTES);
                load.add();
                worker::serve(hub, far, None, None);
                Ok(Wire::new(ClientIo::Pipe(near)))
            }
            Way::Tcp(addr) => {
                // The listener is on this machine: its backlog connects at once.
                let stream = TcpStream::connect_timeout(addr, CONNECT_PATIENCE)?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                Ok(Wire::new(ClientIo::Tcp(SocketIo::register(Stream::Tcp(stream))?)))
            }
        }
    }

    pub(super) fn next_id(&self) -> u64 {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        id
    }

    /// A kept connection of a user agent that is still of use.
    pub(super) fn kept(&self, agent: u64) -> Option<Wire> {
        let mut idle = self.idle.borrow_mut();
        let wires = idle.get_mut(&agent)?;
        wires.retain_mut(Wire::is_reusable);
        wires.pop()
    }

    /// Keeps a connection for the next request of a user agent.
    pub(super) fn keep(&self, agent: u64, wire: Wire) {
        self.idle.borrow_mut().entry(agent).or_default().push(wire);
    }

    /// Closes what is kept for a user agent.
    pub(super) fn forget(&self, agent: u64) {
        self.idle.borrow_mut().remove(&agent);
    }

    /// The application's time, in seconds since 1970.
    pub(super) fn now_s(&self) -> u64 {
        if let Way::Memory { hub, time: Time::Virtual, .. } = &self.way {
            let now = date::decode(hub.base.clock.date().as_bytes(), 0);
            return now.and_then(|now| u64::try_from(now).ok()).unwrap_or(0);
        }
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// The connections and the timers of the application, where it runs on this thread.
    pub(super) fn counts(&self) -> Option<(usize, usize)> {
        match &self.way {
            Way::Memory { hub, .. } => Some((hub.base.connections(), hub.base.timers.len())),
            Way::Tcp(_) => None,
        }
    }
}

/// Room in each direction: small enough that back-pressure shows in tests.
const PIPE_BYTES: usize = 64 * 1024;
const STOP_PATIENCE: Duration = Duration::from_secs(5);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
