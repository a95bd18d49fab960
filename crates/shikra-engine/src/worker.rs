//! Serving streams on a worker: each becomes a connection, and each connection one task.

use crate::conn::http1::Connection;
use crate::hub::ServiceHub;
use crate::listen::Proxies;
use crate::mailbox::Accepted;
use crate::proxied;
use crate::rt::{Io, SocketIo, tasks};
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
    // The connection itself is the task's future: an `async` block around it would hold it twice.
    tasks::spawn(connection(hub, io, peer, local));
}

/// The connection over a stream, for a caller that polls it.
pub fn connection<I: Io, S: Service>(
    hub: &Rc<ServiceHub<S>>,
    io: I,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
) -> Connection<I, S> {
    let (hub, id) = hub.count_in();
    let client = Client { peer, local, ..Client::anonymous(id) };
    Connection::new(hub, io, client)
}

/// Serves what a listener has accepted; `proxies` are those that it listens for, if it does.
pub(crate) fn serve_accepted<S: Service>(
    hub: &Rc<ServiceHub<S>>,
    accepted: Accepted,
    proxies: Option<&Proxies>,
) {
    let Accepted { stream, peer, local, .. } = accepted;
    match (SocketIo::register(stream), proxies) {
        (Ok(io), None) => serve(hub, io, peer, local),
        (Ok(io), Some(proxies)) => proxied::serve(hub, io, peer, local, proxies),
        (Err(error), _) => {
            hub.base.load().remove();
            tracing::warn!(%error, ?peer, "a connection could not be registered");
        }
    }
}
