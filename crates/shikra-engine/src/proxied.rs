//! Connections that a proxy passes on: what it says of the client comes first, then the connection as
//! any other.

use crate::conn::http1::Connection;
use crate::hub::{Hub, Phase, ServiceHub};
use crate::listen::Proxies;
use crate::rt::{Io, tasks};
use crate::service::{Client, Service};
use crate::timer::Timer;
use shikra_proto::proxy::{ProxyOrigin, ProxyStatus, decode};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Serves a stream from one of `proxies` until it closes. Anything else is closed without a reply:
/// whoever reaches such a listener by another way could say that it is anyone.
pub(crate) fn serve<I: Io, S: Service>(
    hub: &Rc<ServiceHub<S>>,
    mut io: I,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    proxies: &Proxies,
) {
    let (hub, id) = hub.count_in();
    if !proxies.trust(peer) {
        tracing::debug!(?peer, "a connection from outside the proxies' networks is closed");
        return;
    }
    tasks::spawn_boxed(Box::pin(async move {
        let Some(origin) = preamble(&hub.base, &mut io, peer).await else { return };
        let (peer, local) = match origin {
            ProxyOrigin::Own => (peer, local),
            ProxyOrigin::Unknown => (None, local),
            ProxyOrigin::Client { source, destination } => (Some(source), Some(destination)),
        };
        let client = Client { peer, local, ..Client::anonymous(id) };
        Connection::new(hub, io, client).await;
    }));
}

/// Reads the preamble and no byte more; `None` if it is not to be had: it is malformed, does not come
/// in time, or the server stops.
async fn preamble<I: Io>(hub: &Hub, io: &mut I, peer: Option<SocketAddr>) -> Option<ProxyOrigin> {
    let deadline = hub.clock.now().plus(hub.limits.head_timeout);
    let (mut timer, mut bytes) = (None, Vec::new());
    poll_fn(|cx| {
        hub.clock.tick();
        let timer = timer.get_or_insert_with(|| {
            let timer = Timer::new(&hub.timers, cx.waker());
            timer.arm(deadline);
            timer
        });
        if hub.phase() != Phase::Serving || timer.is_due(hub.clock.now()) {
            return Poll::Ready(None);
        }
        poll_preamble(cx, io, &mut bytes, peer)
    })
    .await
}

fn poll_preamble<I: Io>(
    cx: &mut Context<'_>,
    io: &mut I,
    bytes: &mut Vec<u8>,
    peer: Option<SocketAddr>,
) -> Poll<Option<ProxyOrigin>> {
    loop {
        let need = match decode(bytes) {
            Ok(ProxyStatus::Complete { origin, .. }) => return Poll::Ready(Some(origin)),
            Ok(ProxyStatus::Partial { need }) => need,
            Err(error) => {
                tracing::debug!(?peer, %error, "a proxy's connection is closed");
                return Poll::Ready(None);
            }
        };
        let len = bytes.len();
        bytes.resize(len + need, 0);
        let read = io.poll_read(cx, bytes.get_mut(len..).unwrap_or_default());
        bytes.truncate(len + if let Poll::Ready(Ok(read)) = read { read } else { 0 });
        match read {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
            Poll::Ready(Ok(_)) => {}
        }
    }
}
