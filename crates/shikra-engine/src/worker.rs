//! Serving streams on a worker: each becomes a connection, and each connection one task.

use crate::conn::http1::Connection;
use crate::hub::ServiceHub;
use crate::rt::{Io, TcpIo, tasks};
use crate::service::{Client, Service};
use std::net::SocketAddr;
use std::rc::Rc;

/// Serves a stream until it closes. The connection must have been counted with
/// [`Load::add`](crate::hub::Load::add).
pub fn serve<I: Io, S: Service>(
    hub: &Rc<ServiceHub<S>>,
    io: I,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
) {
    // The connection itself is the task's future: an `async` block around it would hold it twice,
    // which is 360 bytes for each idle connection.
    tasks::spawn(connection(hub, io, peer, local));
}

/// The connection over a stream, for a caller that polls it.
pub fn connection<I: Io, S: Service>(
    hub: &Rc<ServiceHub<S>>,
    io: I,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
) -> Connection<I, S> {
    let (counted, id) = hub.count_in();
    let client = Client { peer, local, ..Client::anonymous(id) };
    Connection::new(Rc::clone(hub), io, client, counted)
}

/// Serves an accepted TCP stream.
pub(crate) fn serve_tcp<S: Service>(
    hub: &Rc<ServiceHub<S>>,
    stream: std::net::TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
) {
    match TcpIo::register(stream) {
        Ok(io) => serve(hub, io, Some(peer), Some(local)),
        Err(error) => {
            hub.base.load().remove();
            tracing::warn!(%error, %peer, "a connection could not be registered");
        }
    }
}
