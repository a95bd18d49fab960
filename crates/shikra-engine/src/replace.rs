//! Both sides of a renewal: who asks for it, and the worker that does its part.

use crate::hub::{self, ServiceHub};
use crate::listener::Desks;
use crate::mailbox::{LocalFuture, Message, Retirement};
use crate::renew::{Generation, Part, Renewal, Step};
use crate::rt::tasks;
use crate::service::{ServiceFactory, panic_message};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// The renewals of a server, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Renewing {
    /// Held from the beginning of a renewal to its end.
    turn: Mutex<()>,
    state: Mutex<RenewingState>,
}

#[derive(Debug, Default)]
enum RenewingState {
    #[default]
    Open,
    Busy(Arc<Renewal>),
    Closed,
}

impl Renewing {
    /// Replaces the services of all workers, or of none.
    pub(crate) fn replace<F: ServiceFactory>(
        &self,
        desks: &Desks,
        generation: Generation<F>,
    ) -> io::Result<()> {
        if hub::is_worker() {
            let why =
                "a worker cannot wait for itself: replace from another thread, as by `blocking`";
            return Err(io::Error::new(io::ErrorKind::Deadlock, why));
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let renewal = Arc::new(Renewal::new(generation, desks.desks.len()));
        if !self.set(RenewingState::Busy(Arc::clone(&renewal))) {
            return Err(io::Error::other("the server has been told to stop"));
        }
        let tell_all = |step| {
            for desk in &desks.desks {
                desk.mailbox.post(Message::Renew(Arc::clone(&renewal), step));
            }
        };
        if let Some(first) = desks.desks.first() {
            first.mailbox.post(Message::Renew(Arc::clone(&renewal), Step::Start));
        }
        let made = renewal.wait(Step::Start).and_then(|()| {
            tell_all(Step::Make);
            renewal.wait(Step::Make)
        });
        let placed = match made {
            Ok(()) => {
                tell_all(Step::Place);
                renewal.wait(Step::Place)
            }
            Err(error) => {
                tell_all(Step::Cancel);
                Err(error)
            }
        };
        self.set(RenewingState::Open);
        placed
    }

    /// The server stops: who waits for workers is told, and nobody else begins.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let RenewingState::Busy(renewal) = std::mem::replace(&mut *state, RenewingState::Closed)
        {
            renewal.fail(io::Error::other("the server has been told to stop"));
        }
    }

    /// Changes the state, unless it is closed.
    fn set(&self, new: RenewingState) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = !matches!(*state, RenewingState::Closed);
        if is_open {
            *state = new;
        }
        is_open
    }
}

/// What a worker serves, what it is about to serve, and what it has served.
pub(crate) struct Tenancy<F: ServiceFactory> {
    index: usize,
    hub: Rc<ServiceHub<F::Service>>,
    current: Generation<F>,
    /// A service that waits for those of the other workers.
    made: Made<F>,
    /// Stops of replaced factories that run.
    retiring: Vec<LocalFuture>,
}

type Made<F> = Rc<RefCell<Option<(Arc<Renewal>, <F as ServiceFactory>::Service)>>>;

impl<F: ServiceFactory> Tenancy<F> {
    pub(crate) fn new(
        index: usize,
        current: Generation<F>,
        hub: Rc<ServiceHub<F::Service>>,
    ) -> Self {
        Self { index, hub, current, made: Rc::default(), retiring: Vec::new() }
    }

    /// Does a step of a renewal, or begins it: hooks and makers may wait, and others are served
    /// meanwhile.
    pub(crate) fn renew(&mut self, renewal: &Arc<Renewal>, step: Step) {
        let Some(generation) = renewal.generation::<F>().cloned() else {
            let why = "what replaces a service is made by the same type of factory";
            return renewal.fail(io::Error::new(io::ErrorKind::InvalidInput, why));
        };
        let part = Part::new(renewal, step);
        match step {
            Step::Start => {
                tasks::spawn_boxed(Box::pin(async move {
                    part.end(generation.factory.start().await);
                }));
            }
            Step::Make => {
                let (made, renewal) = (Rc::clone(&self.made), Arc::clone(renewal));
                tasks::spawn_boxed(Box::pin(async move {
                    let result = generation.factory.make(generation.lease()).await;
                    part.end(result.map(|service| {
                        // One that comes too late is dropped here.
                        if !renewal.has_failed() {
                            made.replace(Some((renewal, service)));
                        }
                    }));
                }));
            }
            Step::Place => {
                let made = self.made.take().filter(|(of, _)| Arc::ptr_eq(of, renewal));
                let Some((_, service)) = made else {
                    return part.end(Err(io::Error::other("a worker has lost its new service")));
                };
                self.hub.replace_service(service);
                std::mem::replace(&mut self.current, generation).replace();
                part.end(Ok(()));
            }
            Step::Cancel => {
                drop(self.made.take());
                part.end(Ok(()));
                if self.index == 0 && renewal.has_started() {
                    // What start has opened is closed again.
                    self.retiring.push(Box::pin(async move { generation.factory.stop().await }));
                }
            }
        }
    }

    /// Runs the stop of a factory that was replaced.
    pub(crate) fn retire(&mut self, retirement: Retirement) {
        self.retiring.push((retirement.0)());
    }

    /// Goes on with the stops that run.
    pub(crate) fn poll_retirements(&mut self, cx: &mut Context<'_>) {
        self.retiring.retain_mut(|stop| {
            let poll = catch_unwind(AssertUnwindSafe(|| stop.as_mut().poll(cx)));
            poll.unwrap_or_else(|panic| {
                tracing::error!(panic = panic_message(&*panic), "a stop hook panicked");
                Poll::Ready(())
            })
            .is_pending()
        });
    }

    /// Runs the stop of what is served, and waits for those of what was served before.
    pub(crate) async fn stop(&mut self) {
        let factory = Arc::clone(&self.current.factory);
        self.retiring.push(Box::pin(async move { factory.stop().await }));
        poll_fn(|cx| {
            self.poll_retirements(cx);
            if self.retiring.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
