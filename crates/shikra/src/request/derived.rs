//! Requests that no connection has brought: made by a middleware of another, or by the program.
//!
//! Who makes one feeds its body. One that stands for another shares what is around that one: parameters,
//! state, what middleware has learnt, and the fate of the client.

use super::{BodyError, Request, RequestExtra};
use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use shikra_engine::body::Demand;
use shikra_engine::service::{Client, Exchange};
use shikra_proto::header::FieldLines;
use shikra_proto::http1::{HeadError, HeadLimits, RequestHead};
use std::rc::Rc;
use std::task::Waker;

/// The head of a request that no connection has brought.
pub(crate) struct OwnHead<'a> {
    pub(crate) method: Method,
    pub(crate) target: &'a str,
    pub(crate) version: Version,
    /// The authority, where `headers` has none.
    pub(crate) host: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// The length of the body; zero for none, `None` where it is not known.
    pub(crate) body_len: Option<u64>,
}

impl OwnHead<'_> {
    fn into_exchange(
        self,
        client: Client,
        limits: &HeadLimits,
    ) -> Result<Exchange<RequestExtra>, HeadError> {
        let mut head = RequestHead::new();
        head.set_request_line(self.method, self.target, self.version)?;
        if let Some(host) = self.host.filter(|_| !self.headers.contains_key("host")) {
            head.push_field("host", host.as_bytes())?;
        }
        for (name, value) in self.headers {
            head.push_field(name.as_str(), value.as_bytes())?;
        }
        head.finish(limits)?;
        let exchange = Exchange::detached(head, client);
        exchange.body().open(self.body_len);
        Ok(exchange)
    }

    /// An exchange of its own.
    pub(crate) fn into_unbound(
        self,
        limits: &HeadLimits,
    ) -> Result<Exchange<RequestExtra>, HeadError> {
        self.into_exchange(Client::anonymous(0), limits)
    }
}

impl Request {
    /// A request with another head and body that stands for this one.
    pub(crate) fn derive(&self, head: OwnHead<'_>) -> Result<Self, HeadError> {
        // The first head was held to the application's limits; what middleware adds is the program's own.
        let limits = HeadLimits {
            target_bytes_max: usize::MAX,
            head_bytes_max: usize::MAX,
            fields_max: usize::MAX,
            ..HeadLimits::default()
        };
        let mut exchange = head.into_exchange(*self.exchange.client(), &limits)?;
        let (_, extra) = exchange.parts_mut();
        extra.body_bytes_max = self.extra().body_bytes_max;
        if let Some(rare) = extra.rare_mut() {
            rare.source = Some(self.source().clone());
        }
        Ok(Self::new(Rc::new(exchange)))
    }

    // The feeder's side of the body.

    /// Runs `poll`, after which the feeder looks whether the body is wanted.
    pub(crate) fn attend_body<T>(&self, feeder: &Waker, poll: impl FnOnce() -> T) -> T {
        let body = self.exchange.body();
        body.set_connection(feeder);
        body.attend(poll)
    }

    pub(crate) fn wants_body(&self) -> bool {
        self.exchange.body().demand() == Demand::Bytes
    }

    pub(crate) fn feed(&self, fed: Fed, feeder: &Waker) {
        let body = self.exchange.body();
        match fed {
            // A chunk over the limit has ended the body; the reader is told.
            Fed::Chunk(chunk) => drop(body.push(chunk)),
            Fed::End(trailers) => {
                let mut fields = FieldLines::new();
                for (name, value) in &trailers {
                    fields.append_checked(name, value);
                }
                body.complete(fields);
            }
            Fed::Failed(error) => body.fail(error),
        }
        body.wake_reader(feeder);
    }

    pub(crate) fn end_body(&self) {
        self.exchange.body().end();
    }

    /// The fields that followed the body, once it has been read to its end.
    pub(crate) fn trailers_so_far(&self) -> HeaderMap {
        super::fields::to_map(self.exchange.body().trailers().iter())
    }
}

/// What a feeder brings.
pub(crate) enum Fed {
    Chunk(Bytes),
    End(HeaderMap),
    Failed(BodyError),
}
