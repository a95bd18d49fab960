//! What other threads say to a worker.

use crate::rt::tasks::Notify;
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};

/// A message to a worker.
#[derive(Debug)]
pub(crate) enum Message {
    /// Serve this connection. There are never more of these than connections are allowed.
    Serve(TcpStream, SocketAddr, SocketAddr),
    /// Close what is idle, and say when all is done.
    Drain,
    /// Drop everything.
    Cut,
    /// Run the stop hook; only the first worker is asked.
    RunStop,
    /// Drop the runtime and end the thread.
    Exit,
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
