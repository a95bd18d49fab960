//! The access log: one event for each request, at its true end.

use crate::request::Request;
use http::Method;
use shikra_engine::service::{Refusal, Reply};

/// What the access log says of each request ([`App::access_log`](crate::App::access_log)).
///
/// Each is an event of [`tracing`] at level INFO with the target `shikra::access` and the fields `method`,
/// `path`, `status` (none where the client left before there was one), `body_bytes` (handed to the
/// connection), `duration_us`, `peer`, `route`, `request_id` and `aborted`.
///
/// A head that was refused has the field `refused`, which says why, and no `route` and no `request_id`; its
/// `method` is none and its `path` empty where they could not be read, and its time begins with its first
/// byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessLog {
    query: Query,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Query {
    #[default]
    LeftOut,
    Logged,
}

impl AccessLog {
    /// All of that, and no query: those hold what nobody wants in a log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Logs the query of each request too, as the field `query`.
    #[must_use]
    pub fn with_query(self) -> Self {
        Self { query: Query::Logged }
    }

    /// Logs a request that has ended.
    pub(crate) fn log(self, req: &Request, aborted: bool) {
        let Some(observed) = req.extra().observed() else { return };
        if !tracing::enabled!(target: "shikra::access", tracing::Level::INFO) {
            return;
        }
        let (method, path, route) = (req.method(), req.path(), req.pattern());
        let query = req.query_str().filter(|_| self.query == Query::Logged);
        let status = observed.status.get().map(|status| status.as_u16());
        let body_bytes = observed.body_bytes.get();
        let duration_us = u64::try_from(observed.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let peer = req.peer_addr().map(tracing::field::display);
        let request_id = req.id();
        tracing::info!(
            target: "shikra::access",
            %method, path, query, status, body_bytes, duration_us, peer, route, request_id, aborted,
            "request"
        );
    }

    /// Logs a head that never became a request.
    pub(crate) fn log_refusal(self, refusal: &Refusal<'_>, reply: &Reply) {
        let method = refusal.method.map(tracing::field::display);
        let (path, query) = match refusal.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (refusal.target, None),
        };
        let query = query.filter(|_| self.query == Query::Logged);
        let sends_body = refusal.method != Some(&Method::HEAD);
        let body_bytes = reply.body.len().filter(|_| sends_body).unwrap_or(0);
        let (status, refused) = (reply.status.as_u16(), refusal.why);
        let duration_us = u64::try_from(refusal.waited.as_micros()).unwrap_or(u64::MAX);
        let peer = refusal.client.peer.map(tracing::field::display);
        tracing::info!(
            target: "shikra::access",
            method, path, query, status, body_bytes, duration_us, peer, refused, aborted = false,
            "request"
        );
    }
}
