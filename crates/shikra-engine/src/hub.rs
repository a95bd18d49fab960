//! What the connections of a worker share: clock, timers, buffers, limits, the service, and the
//! counts that a shutdown waits for.

use crate::buffer::Scratch;
use crate::clock::{self, Clock, Millis, Pulse};
use crate::limits::Limits;
use crate::rt::tasks;
use crate::service::{Client, End, Exchange, Service};
use crate::timer::Timers;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;

/// What a worker shows to other threads.
#[derive(Debug, Default)]
pub struct Load {
    connections: AtomicUsize,
    requests: AtomicU64,
    /// Signs of life.
    pub pulse: Arc<Pulse>,
}

impl Load {
    /// The number of connections, those on their way to the worker included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The number of requests whose heads have come whole, since the start.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Counts a request. The worker alone does, so that it needs no more than a load and a store.
    pub(crate) fn count_request(&self) {
        self.requests.store(self.requests.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Counts a connection that is about to be handed to the worker.
    pub fn add(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection out.
    pub fn remove(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How far a worker has come in stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connections come and go.
    Serving,
    /// Idle connections close; what runs may finish.
    Draining,
    /// Everything is dropped.
    Cut,
}

/// What all connections of a worker share, whatever they serve.
#[derive(Debug)]
pub struct Hub {
    /// The time.
    pub clock: Rc<Clock>,
    /// The deadlines.
    pub timers: Rc<Timers>,
    /// What peers may do.
    pub limits: Limits,
    /// The buffers.
    pub scratch: Scratch,
    /// `keep_alive_timeout` of the limits, as the clock counts: the deadline that every request sets.
    pub(crate) keep_alive: Millis,
    phase: Cell<Phase>,
    connections: Cell<usize>,
    detached: Cell<usize>,
    changed: tasks::Notify,
    load: Arc<Load>,
}

impl Hub {
    /// A hub for the calling thread, whose [`detach`] then leads here.
    #[must_use]
    pub fn new(limits: Limits, load: Arc<Load>) -> Rc<Self> {
        let clock = Rc::new(Clock::new(Some(Arc::clone(&load.pulse))));
        clock.make_current();
        let hub = Rc::new(Self {
            clock,
            timers: Rc::default(),
            keep_alive: Millis(0).plus(limits.keep_alive_timeout),
            limits,
            scratch: Scratch::default(),
            phase: Cell::new(Phase::Serving),
            connections: Cell::new(0),
            detached: Cell::new(0),
            changed: tasks::Notify::new(),
            load,
        });
        CURRENT.with(|current| current.replace(Some(Rc::clone(&hub))));
        hub
    }

    /// How far the worker has come in stopping.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Goes on to `phase` and lets every connection know.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
        self.timers.wake_all();
        self.changed.notify_waiters();
    }

    /// The number of connections that are served.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.get()
    }

    /// The number of detached futures that run.
    #[must_use]
    pub fn detached(&self) -> usize {
        self.detached.get()
    }

    /// What the worker shows to other threads.
    #[must_use]
    pub fn load(&self) -> &Load {
        &self.load
    }

    fn count_out(&self, counter: &Cell<usize>) {
        counter.set(counter.get() - 1);
        if self.phase() != Phase::Serving {
            self.changed.notify_waiters();
        }
    }

    /// Waits until there is neither a connection nor a detached future.
    pub async fn idle(&self) {
        loop {
            let changed = self.changed.notified();
            if self.connections.get() == 0 && self.detached.get() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Wakes timers as their deadlines come; never returns.
    pub async fn drive_timers(&self) {
        loop {
            self.clock.refresh();
            let target = self.timers.advance(&self.clock);
            let mut sleep = pin!(target.map(|at| tasks::sleep_until(self.clock.instant(at))));
            std::future::poll_fn(|cx| {
                self.timers.set_driver(cx.waker());
                if self.timers.driver_target() != target {
                    return Poll::Ready(());
                }
                match sleep.as_mut().as_pin_mut() {
                    Some(sleep) => sleep.poll(cx),
                    None => Poll::Pending,
                }
            })
            .await;
        }
    }
}

/// Runs `future` to its end on this thread's worker, whatever becomes of the client; shutdown
/// waits for it.
///
/// # Panics
/// When the thread is no worker's.
pub fn detach(future: impl Future<Output = ()> + 'static) {
    let hub = CURRENT.with(|current| current.borrow().clone());
    let hub = hub.expect("detach is called on a worker's thread");
    hub.detached.set(hub.detached.get() + 1);
    let counted = CountedDetached { hub };
    tasks::spawn(async move {
        let _counted = counted;
        future.await;
    });
}

/// Whether the calling thread is a worker's.
#[must_use]
pub fn is_worker() -> bool {
    CURRENT.with(|current| current.borrow().is_some())
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Hub>>> = const { RefCell::new(None) };
}

/// Forgets the worker of this thread, whose runtime is about to be dropped.
pub fn clear_current() {
    CURRENT.with(|current| current.replace(None));
    clock::clear_current();
}

/// Counts a detached future out when its task ends, however it ends.
struct CountedDetached {
    hub: Rc<Hub>,
}

impl Drop for CountedDetached {
    fn drop(&mut self) {
        self.hub.count_out(&self.hub.detached);
    }
}

/// The hub of a connection, which counts it out when its task ends, however it ends.
pub(crate) struct CountedIn<S: Service> {
    hub: Rc<ServiceHub<S>>,
}

impl<S: Service> Deref for CountedIn<S> {
    type Target = ServiceHub<S>;

    fn deref(&self) -> &ServiceHub<S> {
        &self.hub
    }
}

impl<S: Service> Drop for CountedIn<S> {
    fn drop(&mut self) {
        self.base.load.remove();
        self.base.count_out(&self.base.connections);
    }
}

/// The hub of a worker, with the service that answers.
pub struct ServiceHub<S: Service> {
    /// What does not depend on the service.
    pub base: Rc<Hub>,
    service: RefCell<Rc<S>>,
    /// The block that came back last, which is usually the next one to be taken.
    exchange: Cell<Option<Rc<Exchange<S::Extra>>>>,
    exchanges: RefCell<Vec<Rc<Exchange<S::Extra>>>>,
    next_connection_id: Cell<u64>,
}

impl<S: Service> fmt::Debug for ServiceHub<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceHub").field("base", &self.base).finish_non_exhaustive()
    }
}

impl<S: Service> ServiceHub<S> {
    /// Counts a connection in, until what is returned is dropped, and numbers it.
    pub(crate) fn count_in(self: &Rc<Self>) -> (CountedIn<S>, u64) {
        let id = self.next_connection_id.get();
        self.next_connection_id.set(id + 1);
        self.base.connections.set(self.base.connections.get() + 1);
        (CountedIn { hub: Rc::clone(self) }, id)
    }

    /// The hub of a worker on the calling thread.
    #[must_use]
    pub fn new(base: Rc<Hub>, service: S) -> Rc<Self> {
        Rc::new(Self {
            base,
            service: RefCell::new(Rc::new(service)),
            exchange: Cell::new(None),
            exchanges: RefCell::new(Vec::new()),
            next_connection_id: Cell::new(1),
        })
    }

    /// What answers. An exchange ends with the service that it began with.
    #[must_use]
    pub fn service(&self) -> Rc<S> {
        Rc::clone(&self.service.borrow())
    }

    /// Lets `service` answer from the next request on.
    pub fn replace_service(&self, service: S) {
        // Dropped after the borrow: its destructors may do anything.
        let _old = self.service.replace(Rc::new(service));
    }

    /// A block for an exchange of `client`, nobody else's.
    #[inline]
    pub(crate) fn take_exchange(&self, client: &Rc<Client>) -> Rc<Exchange<S::Extra>> {
        self.exchange.take().unwrap_or_else(|| self.take_another(client))
    }

    #[inline(never)]
    fn take_another(&self, client: &Rc<Client>) -> Rc<Exchange<S::Extra>> {
        let pooled = self.exchanges.borrow_mut().pop();
        pooled.unwrap_or_else(|| Rc::new(Exchange::new(Rc::clone(client))))
    }

    /// Takes a block back, unless somebody still holds it: then the last holder frees it.
    #[inline(always)]
    pub(crate) fn give_exchange(&self, mut exchange: Rc<Exchange<S::Extra>>) {
        if let Some(unique) = Rc::get_mut(&mut exchange) {
            unique.reset();
            if let Some(other) = self.exchange.replace(Some(exchange)) {
                self.keep_exchange(other);
            }
        } else {
            exchange.fate().set_end(End::Finished);
        }
    }

    #[inline(never)]
    fn keep_exchange(&self, exchange: Rc<Exchange<S::Extra>>) {
        let mut pool = self.exchanges.borrow_mut();
        if pool.len() < EXCHANGES_KEPT_MAX {
            pool.push(exchange);
        }
    }
}

/// Blocks kept for later exchanges: more than a busy worker has at the same time.
const EXCHANGES_KEPT_MAX: usize = 256;
