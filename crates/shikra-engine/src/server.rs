//! A server: listeners, a thread for each worker, and one that accepts, waits for signals and
//! stops the others.

use crate::config::{Config, Signals};
use crate::hub::{self, Hub, Phase, ServiceHub};
use crate::listen::{Listen, ListenAddr, Opened, Proxies};
use crate::listener::{Desk, Desks, accept_all};
use crate::mailbox::{Message, Retirement};
use crate::renew::Generation;
use crate::replace::{Renewing, Tenancy};
use crate::rt::net::Acceptor;
use crate::rt::signal::StopSignals;
use crate::rt::sys;
use crate::rt::tasks::{self, Notify};
use crate::service::ServiceFactory;
pub use crate::shutdown::StopReport;
use crate::shutdown::{Board, Progress};
use crate::worker;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// Listening sockets that are open, before anybody serves them.
#[derive(Debug)]
pub struct Server {
    listeners: Numbered,
    config: Config,
}

impl Server {
    /// Opens all places that `listen` stands for.
    ///
    /// # Errors
    /// The first that cannot be listened on, with its address; none stays open then.
    pub fn bind(listen: impl Listen, config: Config) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for listener in listen.into_listeners() {
            listeners.append(&mut listener.open(&config)?);
        }
        if listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on"));
        }
        Ok(Self { listeners: listeners.into_iter().enumerate().collect(), config })
    }

    /// Starts the workers and returns when all of them serve.
    ///
    /// # Errors
    /// When a thread cannot be started, or the factory fails.
    pub fn start<F: ServiceFactory>(self, factory: F) -> io::Result<ServerHandle> {
        let (shared, own, spread) = self.share();
        let generation = shared.generation(factory);
        let started = start_workers(&shared, &generation, own);
        if let Err(error) = started.and_then(|()| start_control(&shared, spread)) {
            // Those that have come so far are not left behind.
            shared.tell_all(|| Message::Exit);
            return Err(error);
        }
        Ok(ServerHandle { shared })
    }

    /// What all threads will know, and the listeners: those of the only worker, or those of the control thread.
    fn share(self) -> (Arc<Shared>, Numbered, Numbered) {
        let descriptors = sys::raise_descriptor_limit().unwrap_or(DESCRIPTORS_ASSUMED);
        let workers = match self.config.workers {
            0 => sys::processors(),
            workers => workers,
        };
        let by_descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let connections_max =
            self.config.connections_max.unwrap_or(by_descriptors.saturating_sub(DESCRIPTORS_KEPT));
        let addrs = self.listeners.iter().map(|(_, opened)| opened.addr.clone()).collect();
        let proxies = self.listeners.iter().map(|(_, opened)| opened.proxies.clone()).collect();
        let desks = (0..workers).map(|_| Desk { mailbox: Arc::default(), load: Arc::default() });
        let shared = Arc::new(Shared {
            desks: Desks { desks: desks.collect(), connections_max: connections_max.max(1) },
            board: Board::new(workers),
            stop: Notify::new(),
            renewing: Renewing::default(),
            cut: Notify::new(),
            close: Notify::new(),
            accepts: AtomicBool::new(true),
            config: self.config,
            addrs,
            proxies,
        });
        // With one worker there is nothing to spread: it accepts itself.
        match workers {
            1 => (shared, self.listeners, Vec::new()),
            _ => (shared, Vec::new(), self.listeners),
        }
    }
}

/// Listeners with their numbers.
type Numbered = Vec<(usize, Opened)>;

/// Starts the threads and waits until all of them serve; `own` are the listeners of the first.
fn start_workers<F: ServiceFactory>(
    shared: &Arc<Shared>,
    generation: &Generation<F>,
    own: Numbered,
) -> io::Result<()> {
    let mut own = Some(own);
    for index in 0..shared.desks.desks.len() {
        let (known, generation) = (Arc::clone(shared), generation.clone());
        let listeners = own.take().unwrap_or_default();
        let run = move || run_worker(index, &known, generation, listeners);
        start_thread(format!("shikra-worker-{index}"), Box::new(run))?;
        // The start hook runs on the first worker, before any service is made.
        if index == 0 {
            shared.board.wait(Some(0), Progress::Ready, Instant::now() + START_HOOK_MAX);
            shared.board.check()?;
        }
    }
    shared.board.wait_ready()
}

/// Starts the control thread and waits until it minds signals.
fn start_control(shared: &Arc<Shared>, listeners: Numbered) -> io::Result<()> {
    let known = Arc::clone(shared);
    let run = move || run_control(&known, listeners);
    start_thread("shikra-control".to_owned(), Box::new(run))?;
    shared.board.wait_armed()
}

// Boxed, so that what std does for threads is compiled once.
fn start_thread(name: String, run: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    thread::Builder::new().name(name).spawn(run).map(drop)
}

/// What all threads of a server know.
#[derive(Debug)]
struct Shared {
    desks: Desks,
    board: Board,
    stop: Notify,
    renewing: Renewing,
    cut: Notify,
    close: Notify,
    /// Cleared when the listeners are to close.
    accepts: AtomicBool,
    config: Config,
    addrs: Vec<ListenAddr>,
    /// Of each listener, by number.
    proxies: Vec<Option<Arc<Proxies>>>,
}

/// A running server. Dropping the handle leaves it running.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

impl ServerHandle {
    /// The addresses it listens on, with the ports that the system chose.
    #[must_use]
    pub fn addrs(&self) -> &[ListenAddr] {
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

    /// The number of requests since the start, those that are still answered included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.desks.desks.iter().map(|desk| desk.load.requests()).sum()
    }

    /// The number of requests of each worker.
    #[must_use]
    pub fn requests_by_worker(&self) -> Vec<u64> {
        self.shared.desks.desks.iter().map(|desk| desk.load.requests()).collect()
    }

    /// Whether new connections are accepted.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.shared.accepts.load(Ordering::Relaxed)
    }

    /// Whether the server is ready for clients: from its start until it is told to stop.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.config.readiness.is_ready()
    }

    /// Whether the server has stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.board.is_finished()
    }

    /// Closes the listeners and leaves everything else as it is: connections that are open go on, with
    /// as many requests as they like. Says whether they were open.
    pub fn stop_accepting(&self) -> bool {
        if !self.shared.accepts.swap(false, Ordering::Relaxed) {
            return false;
        }
        self.shared.close.notify_one();
        if let Some(first) = self.shared.desks.desks.first() {
            first.mailbox.post(Message::StopAccepting);
        }
        self.shared.board.wait_listeners_closed(Instant::now() + STUCK_AFTER);
        true
    }

    /// Begins to stop: after the shutdown delay no new connections, idle ones close, what runs may
    /// finish until the shutdown timeout. Returns at once; calling it again changes nothing.
    pub fn stop(&self) {
        self.shared.config.readiness.end();
        self.shared.stop.notify_one();
    }

    /// Replaces what the server serves, on all workers or on none, and returns when every new request
    /// goes to `factory`'s services. Connections are kept; exchanges that have begun end with the
    /// service that they began with, and after the last of them the old factory's stop runs.
    ///
    /// # Errors
    /// When `factory` is of another type than the one that the server was started with, its start or a
    /// service of it fails, the server stops, or the calling thread is a worker's, which would wait
    /// for itself. What was served before is served on.
    pub fn replace<F: ServiceFactory>(&self, factory: F) -> io::Result<()> {
        let generation = self.shared.generation(factory);
        self.shared.renewing.replace(&self.shared.desks, generation)
    }

    /// The settings that the server was started with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Stops without waiting for what runs: all connections are cut. Returns at once, and ends a stop
    /// that waits.
    pub fn stop_now(&self) {
        self.shared.config.readiness.end();
        self.shared.cut.notify_one();
    }

    /// Waits until the server has stopped, whoever stops it.
    #[must_use]
    pub fn wait(&self) -> StopReport {
        self.shared.board.wait_report()
    }
}

// The control thread.

type Accepting = Vec<Pin<Box<dyn Future<Output = ()>>>>;

/// Why a server stops, or stops at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Stop,
    Cut,
}

fn run_control(shared: &Arc<Shared>, listeners: Numbered) {
    let _arming = shared.board.arming();
    let prepared = tasks::local_runtime(|| {}, || {}).and_then(|runtime| {
        let signals = match shared.config.signals {
            Signals::Ignore => None,
            Signals::Stop => Some(runtime.block_on(async { StopSignals::watch() })?),
        };
        Ok((runtime, signals))
    });
    let (runtime, mut signals) = match prepared {
        Ok(prepared) => prepared,
        // Who started the server waits for this line.
        Err(error) => return shared.board.fail(error),
    };
    shared.board.set_armed();
    let asked = runtime.block_on(async {
        let mut accepting = accept_on(shared, listeners);
        let asked = accept_until(shared, &mut accepting, asked_to_stop(shared, &mut signals)).await;
        shared.config.readiness.end();
        let delay = shared.config.shutdown_delay;
        if asked == Asked::Cut || delay.is_zero() {
            return asked;
        }
        let delayed = delayed_or_cut(shared, &mut signals, delay);
        accept_until(shared, &mut accepting, delayed).await
        // Dropping the acceptors closes the listeners: from here on connections are refused.
    });
    shared.accepts.store(false, Ordering::Relaxed);
    stop(shared, &runtime, &mut signals, asked);
}

fn accept_on(shared: &Arc<Shared>, listeners: Numbered) -> Accepting {
    let mut accepting: Accepting = Vec::new();
    for (number, opened) in listeners {
        match Acceptor::register(opened.listening) {
            Ok(acceptor) => {
                accepting.push(Box::pin(accept_all(number, acceptor, shared.desks.clone())));
            }
            Err(error) => tracing::error!(%error, "a listener cannot be served"),
        }
    }
    accepting
}

/// Accepts connections, unless that is over, until `end` is there.
async fn accept_until<T>(
    shared: &Shared,
    accepting: &mut Accepting,
    end: impl Future<Output = T>,
) -> T {
    let (mut end, mut close) = (pin!(end), pin!(shared.close.notified()));
    let mut is_open = !accepting.is_empty();
    std::future::poll_fn(|cx| {
        if is_open && close.as_mut().poll(cx).is_ready() {
            is_open = false;
            accepting.clear();
            shared.board.set_listeners_closed();
        }
        for accept in accepting.iter_mut() {
            // Never ready: it ends by being dropped.
            let _ = accept.as_mut().poll(cx);
        }
        end.as_mut().poll(cx)
    })
    .await
}

/// Waits for the handle, or for a signal where the server minds those.
async fn asked_to_stop(shared: &Shared, signals: &mut Option<StopSignals>) -> Asked {
    let mut stop = pin!(shared.stop.notified());
    let mut cut = pin!(shared.cut.notified());
    let mut signal = pin!(signalled(signals));
    std::future::poll_fn(|cx| {
        if cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Asked::Cut);
        }
        if stop.as_mut().poll(cx).is_ready() || signal.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Asked::Stop);
        }
        Poll::Pending
    })
    .await
}

/// Once it stops, another signal ends the patience.
async fn asked_to_cut(shared: &Shared, signals: &mut Option<StopSignals>) {
    let mut cut = pin!(shared.cut.notified());
    let mut signal = pin!(signalled(signals));
    std::future::poll_fn(|cx| {
        if cut.as_mut().poll(cx).is_ready() || signal.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

async fn signalled(signals: &mut Option<StopSignals>) {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

async fn delayed_or_cut(
    shared: &Shared,
    signals: &mut Option<StopSignals>,
    delay: Duration,
) -> Asked {
    let (mut pause, mut cut) = (pin!(tasks::sleep(delay)), pin!(asked_to_cut(shared, signals)));
    std::future::poll_fn(|cx| {
        if cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Asked::Cut);
        }
        pause.as_mut().poll(cx).map(|()| Asked::Stop)
    })
    .await
}

/// The order of a stop: drain, wait, cut, stop hook, end of all runtimes together.
fn stop(
    shared: &Arc<Shared>,
    runtime: &tasks::LocalRuntime,
    signals: &mut Option<StopSignals>,
    asked: Asked,
) {
    let began = Instant::now();
    let connections = shared.desks.connections();
    shared.renewing.close();
    shared.tell_all(|| Message::Drain);
    if asked == Asked::Stop {
        let timeout = shared.config.limits.shutdown_timeout;
        // Without a timeout there is no deadline either.
        let deadline = began.checked_add(timeout);
        runtime.block_on(drained_or_asked(shared, signals, deadline));
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
        let limit = shared.config.limits.shutdown_timeout.clamp(STUCK_AFTER, STOP_HOOK_MAX);
        let limit = if stuck_workers == 0 { limit } else { STUCK_AFTER };
        shared.board.wait(Some(0), Progress::StopRun, Instant::now() + limit);
    }
    shared.tell_all(|| Message::Exit);
    if stuck_workers == 0 {
        shared.board.wait(None, Progress::Gone, Instant::now() + STUCK_AFTER);
    }
    let took = began.elapsed();
    // Whoever waits for the end finds the signals as they were before.
    *signals = None;
    shared.board.finish(StopReport { connections, cut_connections, stuck_workers, took });
}

async fn drained_or_asked(
    shared: &Shared,
    signals: &mut Option<StopSignals>,
    deadline: Option<Instant>,
) {
    let mut asked = pin!(asked_to_cut(shared, signals));
    loop {
        let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if is_late || shared.board.behind(Progress::Drained) == 0 {
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
    /// A factory whose stop, once it is replaced, runs on the first worker.
    fn generation<F: ServiceFactory>(&self, factory: F) -> Generation<F> {
        let factory = Arc::new(factory);
        let stopping = Arc::clone(&factory);
        let home = self.desks.desks.first().map(|desk| Arc::clone(&desk.mailbox));
        Generation::new(factory, move || {
            let stop: Retirement =
                Retirement(Box::new(move || Box::pin(async move { stopping.stop().await })));
            if let Some(home) = home {
                home.post(Message::Retire(stop));
            }
        })
    }

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
    generation: Generation<F>,
    listeners: Numbered,
) {
    let Some(desk) = shared.desks.desks.get(index).cloned() else { return };
    let _farewell = shared.board.farewell(index);
    let (woken, sleeping) = (Arc::clone(&desk.load.pulse), Arc::clone(&desk.load.pulse));
    let runtime = tasks::local_runtime(
        move || {
            woken.set_asleep(false);
            crate::clock::refresh_current();
        },
        move || sleeping.set_asleep(true),
    );
    let result = runtime.and_then(|runtime| {
        let result = runtime.block_on(serve(index, shared, generation, &desk, listeners));
        hub::clear_current();
        drop(runtime);
        result
    });
    if let Err(error) = result {
        shared.board.fail(error);
    }
}

async fn serve<F: ServiceFactory>(
    index: usize,
    shared: &Arc<Shared>,
    generation: Generation<F>,
    desk: &Desk,
    listeners: Numbered,
) -> io::Result<()> {
    let base = Hub::new(shared.config.limits.clone(), Arc::clone(&desk.load));
    let driver = Rc::clone(&base);
    tasks::spawn_boxed(Box::pin(async move { driver.drive_timers().await }));
    if index == 0 {
        generation.factory.start().await?;
    }
    let service = generation.factory.make(generation.lease()).await?;
    let hub = ServiceHub::new(base, service);
    let mut tenancy = Tenancy::new(index, generation, Rc::clone(&hub));
    shared.board.set(index, Progress::Ready);
    let mut accepting = accept_on(shared, listeners);
    let mut is_draining = false;
    loop {
        let mut message = pin!(desk.mailbox.next());
        let mut drained = pin!(hub.base.idle());
        let event = std::future::poll_fn(|cx| {
            for accept in &mut accepting {
                // Never ready: it ends by being dropped.
                let _ = accept.as_mut().poll(cx);
            }
            tenancy.poll_retirements(cx);
            if let Poll::Ready(message) = message.as_mut().poll(cx) {
                return Poll::Ready(Some(message));
            }
            if is_draining && drained.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        });
        match event.await {
            Some(Message::Serve(accepted)) => {
                let proxies = shared.proxies.get(accepted.listener).and_then(Option::as_deref);
                worker::serve_accepted(&hub, accepted, proxies);
            }
            Some(Message::StopAccepting) if !accepting.is_empty() => {
                accepting.clear();
                shared.board.set_listeners_closed();
            }
            // With more workers the control thread accepts, and closes.
            Some(Message::StopAccepting) => {}
            Some(Message::Drain) => {
                accepting.clear();
                is_draining = true;
                hub.base.set_phase(Phase::Draining);
            }
            Some(Message::Cut) => hub.base.set_phase(Phase::Cut),
            Some(Message::Renew(renewal, step)) => tenancy.renew(&renewal, step),
            Some(Message::Retire(retirement)) => tenancy.retire(retirement),
            Some(Message::RunStop) => {
                tenancy.stop().await;
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
/// The hooks may take as long as they like, within reason.
const START_HOOK_MAX: Duration = Duration::from_secs(3600);
const STOP_HOOK_MAX: Duration = Duration::from_secs(3600);
