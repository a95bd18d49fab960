//! What other threads say to a worker.

use crate::renew::{Renewal, Step};
use crate::rt::net::Stream;
use crate::rt::tasks::Notify;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// A message to a worker.
#[derive(Debug)]
pub(crate) enum Message {
    /// Serve this connection. There are never more of these than connections are allowed.
    Serve(Accepted),
    /// Close the listeners.
    StopAccepting,
    /// Close what is idle, and say when all is done.
    Drain,
    /// Drop everything.
    Cut,
    /// Do your part in replacing what is served.
    Renew(Arc<Renewal>, Step),
    /// Run the stop hook of what was replaced; only the first worker is asked.
    Retire(Retirement),
    /// Run the stop hook; only the first worker is asked.
    RunStop,
    /// Drop the runtime and end the thread.
    Exit,
}

/// A future of the worker's thread.
pub(crate) type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// The stop of a factory that was replaced, to be run on the worker's thread.
pub(crate) struct Retirement(pub(crate) Box<dyn FnOnce() -> LocalFuture + Send + Sync>);

impl fmt::Debug for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retirement")
    }
}

/// A connection on its way from a listener to its worker.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: Stream,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
    /// The number of its listener.
    pub(crate) listener: usize,
}

/// A queue into one worker.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    queue: Mutex<VecDeque<Message>>,
    arrived: Notify,
}

impl Mailbox {
    pub(crate) fn post(&self, message: Message) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
        self.arrived.notify_one();
    }

    pub(crate) async fn next(&self) -> Message {
        loop {
            let arrived = self.arrived.notified();
            let message = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match message {
                Some(message) => return message,
                None => arrived.await,
            }
        }
    }
}
