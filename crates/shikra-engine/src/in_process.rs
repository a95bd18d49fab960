//! Workers without sockets: the program itself hands them what is to be answered.
//!
//! Each worker is a thread with a runtime, as in [`crate::server`]; a job that is posted runs there as a task
//! of its own, which counts as work in flight. When the last handle is gone the workers finish what
//! they have, run the stop hook, and end.

use crate::clock;
use crate::config::Config;
use crate::hub::{self, Hub, Load, Phase, ServiceHub};
use crate::rt::tasks::{self, Notify};
use crate::service::{Answer, Exchange, Lease, Reply, Service, ServiceFactory, panic_message};
use crate::slot::SlotFuture;
use http::StatusCode;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::Poll;
use std::thread::{self, JoinHandle};

type Job<S> = Box<dyn FnOnce(Rc<ServiceHub<S>>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// Workers without sockets. Dropping it lets them finish and end.
pub struct InProcess<S: Service> {
    inboxes: Vec<Arc<Inbox<S>>>,
    next: AtomicUsize,
}

impl<S: Service> fmt::Debug for InProcess<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("workers", &self.inboxes.len()).finish_non_exhaustive()
    }
}

impl<S: Service> InProcess<S> {
    /// Starts the workers and returns when all of them can answer.
    ///
    /// # Errors
    /// When a thread cannot be started, or the factory fails.
    pub fn start<F>(config: &Config, factory: F) -> io::Result<Self>
    where
        F: ServiceFactory<Service = S>,
    {
        let workers = match config.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let factory = Arc::new(factory);
        let others = Arc::new(Mutex::new(Vec::new()));
        let started = Self { inboxes: Vec::new(), next: AtomicUsize::new(0) };
        // Dropped half-way, it ends the workers that run already.
        (0..workers).try_fold(started, |mut started, index| {
            let inbox = Arc::new(Inbox::default());
            let (ready, is_ready) = mpsc::channel();
            let worker = Worker {
                limits: config.limits.clone(),
                factory: Arc::clone(&factory),
                inbox: Arc::clone(&inbox),
                others: (index == 0).then(|| Arc::clone(&others)),
            };
            let name = format!("shikra-app-{index}");
            let thread = thread::Builder::new().name(name).spawn(move || worker.run(&ready))?;
            started.inboxes.push(inbox);
            is_ready.recv().map_err(|_| io::Error::other("a worker panicked at its start"))??;
            if index > 0 {
                others.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
            }
            Ok(started)
        })
    }

    /// Runs a job on one of the workers; false if all of them have all that they may have.
    #[must_use]
    pub fn post<J, T>(&self, job: J) -> bool
    where
        J: FnOnce(Rc<ServiceHub<S>>) -> T + Send + 'static,
        T: Future<Output = ()> + 'static,
    {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let all = self.inboxes.iter().cycle().skip(first % self.inboxes.len().max(1));
        let Some(inbox) = all.take(self.inboxes.len()).find(|inbox| inbox.has_room()) else {
            return false;
        };
        inbox.post(Box::new(move |hub| Box::pin(job(hub))));
        true
    }
}

impl<S: Service> Drop for InProcess<S> {
    fn drop(&mut self) {
        self.inboxes.iter().for_each(|inbox| inbox.close());
    }
}

/// The jobs of one worker.
struct Inbox<S: Service> {
    queue: Mutex<Queue<S>>,
    in_flight: AtomicUsize,
    arrived: Notify,
}

struct Queue<S: Service> {
    jobs: VecDeque<Job<S>>,
    is_closed: bool,
}

impl<S: Service> Default for Inbox<S> {
    fn default() -> Self {
        let queue = Queue { jobs: VecDeque::new(), is_closed: false };
        Self { queue: Mutex::new(queue), in_flight: AtomicUsize::new(0), arrived: Notify::new() }
    }
}

impl<S: Service> Inbox<S> {
    fn has_room(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) < IN_FLIGHT_MAX
    }

    fn post(&self, job: Job<S>) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).jobs.push_back(job);
        self.arrived.notify_one();
    }

    fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.arrived.notify_one();
    }

    async fn next(&self) -> Option<Job<S>> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                match queue.jobs.pop_front() {
                    Some(job) => return Some(job),
                    None if queue.is_closed => return None,
                    None => {}
                }
            }
            arrived.await;
        }
    }
}

/// Counts a job out, however it ends.
struct InFlight<S: Service>(Arc<Inbox<S>>);

impl<S: Service> Drop for InFlight<S> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Worker<F: ServiceFactory> {
    limits: crate::limits::Limits,
    factory: Arc<F>,
    inbox: Arc<Inbox<F::Service>>,
    /// The first worker runs the hooks, the one at the end after all others.
    others: Option<Arc<Mutex<Vec<JoinHandle<()>>>>>,
}

impl<F: ServiceFactory> Worker<F> {
    fn run(self, ready: &mpsc::Sender<io::Result<()>>) {
        // Whoever starts the workers waits for these lines.
        match tasks::local_runtime(clock::refresh_current, || {}) {
            Ok(runtime) => runtime.block_on(self.serve(ready)),
            Err(error) => drop(ready.send(Err(error))),
        }
        hub::clear_current();
    }

    async fn serve(self, ready: &mpsc::Sender<io::Result<()>>) {
        let hub = Hub::new(self.limits.clone(), Arc::new(Load::default()));
        let timers = Rc::clone(&hub);
        tasks::spawn_boxed(Box::pin(async move { timers.drive_timers().await }));
        let started = match self.others {
            Some(_) => self.factory.start().await,
            None => Ok(()),
        };
        let service = match started {
            Ok(()) => self.factory.make(Lease::unlimited()).await,
            Err(error) => Err(error),
        };
        let service = match service {
            Ok(service) => service,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let hub = ServiceHub::new(hub, service);
        drop(ready.send(Ok(())));
        while let Some(job) = self.inbox.next().await {
            let counted = InFlight(Arc::clone(&self.inbox));
            let task = job(Rc::clone(&hub));
            hub::detach(async move {
                let _counted = counted;
                task.await;
            });
        }
        hub.base.set_phase(Phase::Draining);
        hub.base.idle().await;
        if let Some(others) = self.others {
            let others =
                std::mem::take(&mut *others.lock().unwrap_or_else(PoisonError::into_inner));
            // A worker that has panicked has said so itself.
            others.into_iter().for_each(|other| drop(other.join()));
            self.factory.stop().await;
        }
    }
}

/// Begins to answer an exchange that no connection has brought, and nobody else holds yet. Panics are answered as
/// a connection does.
pub fn answer<S: Service>(
    hub: &Rc<ServiceHub<S>>,
    exchange: Exchange<S::Extra>,
) -> (Rc<Exchange<S::Extra>>, SlotFuture<Reply>) {
    let (mut exchange, service) = (Rc::new(exchange), hub.service());
    let mut next = catch(|| service.call(&mut exchange));
    let kept = Rc::clone(&exchange);
    let future = SlotFuture::new(async move {
        loop {
            let response = match next {
                Ok(Answer::Now(reply)) => return reply,
                Ok(Answer::Later(future)) => caught(future).await,
                Err(panic) => Err(panic),
            };
            next = match response {
                Ok(response) => catch(|| service.finish(&exchange, response)),
                Err(panic) => match catch(|| service.recover(&exchange, panic)) {
                    Ok(answer) => Ok(answer),
                    Err(_) => return Reply::new(StatusCode::INTERNAL_SERVER_ERROR),
                },
            };
        }
    });
    (kept, future)
}

fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| panic_message(&*panic))
}

async fn caught<T>(mut future: SlotFuture<T>) -> Result<T, String> {
    poll_fn(|cx| match catch(|| Pin::new(&mut future).poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// What one worker may have to do at a time.
const IN_FLIGHT_MAX: usize = 10_000;
