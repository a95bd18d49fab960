//! A server: listeners, a thread for each worker, and one that accepts, waits for signals and
//! stops the others.

use crate::config::{Config, Signals};
use crate::hub::{self, Hub, Phase, ServiceHub};
use crate::listener::{Desk, Desks, accept_all};
use crate::mailbox::Message;
use crate::rt::net::{self, Acceptor};
use crate::rt::sys;
use crate::rt::tasks::{self, Notify};
use crate::service::ServiceFactory;
pub use crate::shutdown::StopReport;
use crate::shutdown::{Board, Progress};
use crate::worker;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// Listening sockets that are open, before anybody serves them.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    config: Config,
}

impl Server {
    /// Opens a listener on each address that `addrs` stands for; port 0 lets the system choose.
    ///
    /// # Errors
    /// When a name cannot be resolved or an address cannot be listened on.
    pub fn bind(addrs: impl ToSocketAddrs, config: Config) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for addr in addrs.to_socket_addrs()? {
            listeners.push(net::listen(addr, config.backlog)?);
        }
        if listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on"));
        }
        Ok(Self { listeners, config })
    }

    /// Serves a listener that the caller opened.
    ///
    /// # Errors
    /// When the system refuses to make it non-blocking.
    pub fn from_listener(listener: TcpListener, config: Config) -> io::Result<Self> {
        Ok(Self { listeners: vec![net::adopt(listener)?], config })
    }

    /// Starts the workers and returns when all of them serve.
    ///
    /// # Errors
    /// When a thread cannot be started, or the factory fails.
    pub fn start<F: ServiceFactory>(self, factory: F) -> io::Result<ServerHandle> {
        let descriptors = sys::raise_descriptor_limit().unwrap_or(DESCRIPTORS_ASSUMED);
        let workers = match self.config.workers {
            0 => sys::processors(),
            workers => workers,
        };
        let by_descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let connections_max =
            self.config.connections_max.unwrap_or(by_descriptors.saturating_sub(DESCRIPTORS_KEPT));
        let addrs =
            self.listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        let desks = (0..workers).map(|_| Desk { mailbox: Arc::default(), load: Arc::default() });
        let shared = Arc::new(Shared {
            desks: Desks { desks: desks.collect(), connections_max: connections_max.max(1) },
            board: Board::new(workers),
            stop: Notify::new(),
            config: self.config,
            addrs,
        });
        // With one worker there is nothing to spread: it accepts itself.
        let (own, spread) = match workers {
            1 => (self.listeners, Vec::new()),
            _ => (Vec::new(), self.listeners),
        };
        let started = start_workers(&shared, &Arc::new(factory), own);
        if let Err(error) = started {
            // Those that have come so far are not left behind.
            shared.tell_all(|| Message::Exit);
            return Err(error);
        }
        let control = Arc::clone(&shared);
        thread::Builder::new()
            .name("shikra-control".to_owned())
            .spawn(move || run_control(&control, spread))?;
        Ok(ServerHandle { shared })
    }
}

/// Starts the threads and waits until all of them serve; `own` are the listeners of the first.
fn start_workers<F: ServiceFactory>(
    shared: &Arc<Shared>,
    factory: &Arc<F>,
    own: Vec<TcpListener>,
) -> io::Result<()> {
    let mut own = Some(own);
    for index in 0..shared.desks.desks.len() {
        let (known, factory) = (Arc::clone(shared), Arc::clone(factory));
        let listeners = own.take().unwrap_or_default();
        thread::Builder::new()
            .name(format!("shikra-worker-{index}"))
            .spawn(move || run_worker(index, &known, &*factory, listeners))?;
        // The start hook runs on the first worker, before any service is made.
        if index == 0 {
            shared.board.wait(Some(0), Progress::Ready, Instant::now() + START_HOOK_MAX);
            shared.board.check()?;
        }
    }
    shared.board.wait_ready()
}

/// What all threads of a server know.
#[derive(Debug)]
struct Shared {
    desks: Desks,
    board: Board,
    stop: Notify,
    config: Config,
    addrs: Vec<SocketAddr>,
}

/// A running server. Dropping the handle leaves it running.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

impl ServerHandle {
    /// The addresses it listens on, with the ports that the system chose.
    #[must_use]
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.shared.addrs
    }

    /// The number of workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.desks.desks.len()
    }

    /// The number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.desks.connections()
    }

    /// The number of open connections of each worker.
    #[must_use]
    pub fn connections_by_worker(&self) -> Vec<usize> {
        self.shared.desks.desks.iter().map(|desk| desk.load.connections()).collect()
    }

    /// Begins to stop: no new connections, idle ones close, what runs may finish until the
    /// shutdown timeout. Returns at once; calling it again cuts what still runs.
    pub fn stop(&self) {
        self.shared.stop.notify_one();
    }

    /// Waits until the server has stopped, whoever stops it.
    #[must_use]
    pub fn wait(&self) -> StopReport {
        self.shared.board.wait_report()
    }
}

// The control thread.

fn run_control(shared: &Arc<Shared>, listeners: Vec<TcpListener>) {
    let runtime = match tasks::local_runtime(|| {}, || {}) {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the control thread has no runtime; the server stops");
            return stop(shared, None);
        }
    };
    runtime.block_on(async {
        let acceptors = register(listeners);
        let mut accepting: Vec<_> = acceptors
            .into_iter()
            .map(|acceptor| Box::pin(accept_all(acceptor, shared.desks.clone())))
            .collect();
        let mut asked = pin!(asked_to_stop(shared));
        std::future::poll_fn(|cx| {
            for accept in &mut accepting {
                // Never ready: it ends by being dropped.
                let _ = accept.as_mut().poll(cx);
            }
            asked.as_mut().poll(cx)
        })
        .await;
        // Dropping the acceptors closes the listeners: from here on connections are refused.
    });
    stop(shared, Some(&runtime));
}

fn register(listeners: Vec<TcpListener>) -> Vec<Acceptor> {
    let mut acceptors = Vec::new();
    for listener in listeners {
        match Acceptor::register(listener) {
            Ok(acceptor) => acceptors.push(acceptor),
            Err(error) => tracing::error!(%error, "a listener cannot be served"),
        }
    }
    acceptors
}

/// Waits for the handle's `stop`, or for a signal where the server minds those.
async fn asked_to_stop(shared: &Shared) {
    let mut handle = pin!(shared.stop.notified());
    let mut signal = pin!(async {
        if shared.config.signals == Signals::Ignore {
            return std::future::pending().await;
        }
        if let Err(error) = net::stop_signal().await {
            tracing::error!(%error, "signals cannot be waited for");
            std::future::pending::<()>().await;
        }
    });
    std::future::poll_fn(|cx| {
        if handle.as_mut().poll(cx).is_ready() || signal.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

/// The order of a stop: drain, wait, cut, stop hook, end of all runtimes together.
fn stop(shared: &Arc<Shared>, runtime: Option<&tasks::LocalRuntime>) {
    let began = Instant::now();
    let connections = shared.desks.connections();
    shared.tell_all(|| Message::Drain);
    let deadline = began + shared.config.limits.shutdown_timeout;
    match runtime {
        // A second signal, or a second `stop`, ends the patience.
        Some(runtime) => runtime.block_on(drained_or_asked(shared, deadline)),
        None => _ = shared.board.wait(None, Progress::Drained, deadline),
    }
    let mut cut_connections = 0;
    if shared.board.behind(Progress::Drained) > 0 {
        cut_connections = shared.desks.connections();
        shared.tell_all(|| Message::Cut);
        shared.board.wait(None, Progress::Drained, Instant::now() + STUCK_AFTER);
    }
    let stuck_workers = shared.board.behind(Progress::Drained);
    if let Some(first) = shared.desks.desks.first() {
        first.mailbox.post(Message::RunStop);
        let limit = shared.config.limits.shutdown_timeout.max(STUCK_AFTER);
        let limit = if stuck_workers == 0 { limit } else { STUCK_AFTER };
        shared.board.wait(Some(0), Progress::StopRun, Instant::now() + limit);
    }
    shared.tell_all(|| Message::Exit);
    if stuck_workers == 0 {
        shared.board.wait(None, Progress::Gone, Instant::now() + STUCK_AFTER);
    }
    let took = began.elapsed();
    shared.board.finish(StopReport { connections, cut_connections, stuck_workers, took });
}

async fn drained_or_asked(shared: &Shared, deadline: Instant) {
    let mut asked = pin!(asked_to_stop(shared));
    loop {
        if shared.board.behind(Progress::Drained) == 0 || Instant::now() >= deadline {
            return;
        }
        let mut pause = pin!(tasks::sleep(DRAIN_LOOK));
        let again = std::future::poll_fn(|cx| {
            if asked.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            pause.as_mut().poll(cx).map(|()| true)
        });
        if !again.await {
            return;
        }
    }
}

impl Shared {
    fn tell_all(&self, message: impl Fn() -> Message) {
        for desk in &self.desks.desks {
            desk.mailbox.post(message());
        }
    }
}

// A worker's thread.

fn run_worker<F: ServiceFactory>(
    index: usize,
    shared: &Arc<Shared>,
    factory: &F,
    listeners: Vec<TcpListener>,
) {
    let Some(desk) = shared.desks.desks.get(index).cloned() else { return };
    let (woken, sleeping) = (Arc::clone(&desk.load.pulse), Arc::clone(&desk.load.pulse));
    let runtime = tasks::local_runtime(
        move || {
            woken.set_asleep(false);
            crate::clock::refresh_current();
        },
        move || sleeping.set_asleep(true),
    );
    let result = runtime.and_then(|runtime| {
        let result = runtime.block_on(serve(index, shared, factory, &desk, listeners));
        hub::clear_current();
        drop(runtime);
        result
    });
    if let Err(error) = result {
        shared.board.fail(error);
    }
    shared.board.set(index, Progress::Gone);
}

async fn serve<F: ServiceFactory>(
    index: usize,
    shared: &Arc<Shared>,
    factory: &F,
    desk: &Desk,
    listeners: Vec<TcpListener>,
) -> io::Result<()> {
    let base = Hub::new(shared.config.limits.clone(), Arc::clone(&desk.load));
    let driver = std::rc::Rc::clone(&base);
    tasks::spawn(async move { driver.drive_timers().await });
    if index == 0 {
        factory.start().await?;
    }
    let hub = ServiceHub::new(base, factory.make().await?);
    shared.board.set(index, Progress::Ready);
    let mut accepting: Vec<_> = register(listeners)
        .into_iter()
        .map(|acceptor| Box::pin(accept_all(acceptor, shared.desks.clone())))
        .collect();
    let mut is_draining = false;
    loop {
        let mut message = pin!(desk.mailbox.next());
        let mut drained = pin!(hub.base.idle());
        let event = std::future::poll_fn(|cx| {
            for accept in &mut accepting {
                // Never ready: it ends by being dropped.
                let _ = accept.as_mut().poll(cx);
            }
            if let Poll::Ready(message) = message.as_mut().poll(cx) {
                return Poll::Ready(Some(message));
            }
            if is_draining && drained.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        });
        match event.await {
            Some(Message::Serve(stream, peer, local)) => {
                worker::serve_tcp(&hub, stream, peer, local);
            }
            Some(Message::Drain) => {
                accepting.clear();
                is_draining = true;
                hub.base.set_phase(Phase::Draining);
            }
            Some(Message::Cut) => hub.base.set_phase(Phase::Cut),
            Some(Message::RunStop) => {
                factory.stop().await;
                shared.board.set(index, Progress::StopRun);
            }
            Some(Message::Exit) => return Ok(()),
            None => {
                is_draining = false;
                shared.board.set(index, Progress::Drained);
            }
        }
    }
}

/// Descriptors kept back for files, stores and listeners.
const DESCRIPTORS_KEPT: usize = 20;
const DESCRIPTORS_ASSUMED: u64 = 1024;
/// How long a worker may take over something that should take no time, before it counts as stuck.
const STUCK_AFTER: Duration = Duration::from_millis(500);
const DRAIN_LOOK: Duration = Duration::from_millis(5);
/// The start hook may take as long as it likes, within reason.
const START_HOOK_MAX: Duration = Duration::from_secs(3600);
