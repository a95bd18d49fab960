//! From a reply to bytes: its head, its framing, and the body if there is one in memory.

use super::sending::{Framing, Sending};
use super::{Active, Connection, Stage};
use crate::buffer::{self, Piece, Pieces};
use crate::rt::Io;
use crate::service::{Exchange, Reply, ReplyBody, Service};
use bytes::Bytes;
use http::{Method, StatusCode, Version};
use shikra_proto::header::{KnownField, list};
use shikra_proto::http1::state::{After, Event, State};
use shikra_proto::http1::{
    ConnectionOption, ReplyHead, ReplyPlan, ReplyStart, RequestHead, Trailers, reply_framing,
};
use std::cell::RefCell;
use std::rc::Rc;

impl<I: Io, S: Service> Connection<I, S> {
    /// Encodes a reply as most are, to a request as most are: a 200 with its body in memory, after which the
    /// connection goes on. Says whether it was one; all others are for [`Connection::reply`], which does the same.
    #[inline]
    pub(super) fn reply_usual(
        &mut self,
        out: &mut Vec<u8>,
        exchange: &Rc<Exchange<S::Extra>>,
        reply: &mut Reply,
    ) -> bool {
        let head = exchange.head();
        let bytes: &[u8] = match &reply.body {
            ReplyBody::Static(bytes) => bytes,
            ReplyBody::Owned(bytes) => bytes,
            ReplyBody::Bytes(bytes) => bytes,
            ReplyBody::Empty | ReplyBody::Stream(_) | ReplyBody::Abort => return false,
        };
        let is_usual = reply.status == StatusCode::OK
            && reply.reason.is_none()
            && !reply.closes
            && bytes.len() <= COPIED_BYTES_MAX
            && (*head.method() == Method::GET || *head.method() == Method::POST)
            && head.version() == Version::HTTP_11
            && head.keep_alive()
            && !self.is_draining();
        let Some(content_type) = reply.content_type.filter(|_| is_usual) else { return false };
        let is_encoded = START.with_borrow_mut(|start| {
            let date = &self.base().clock.date();
            start.encode_ok(out, date, content_type, &reply.fields, bytes.len() as u64)
        });
        if is_encoded {
            out.extend_from_slice(bytes);
            if let ReplyBody::Owned(bytes) = &mut reply.body {
                buffer::give_spare(std::mem::take(bytes));
            }
            self.state = const { State::Handling.next(Event::Replied(After::Keep)) };
            self.since = self.now();
        }
        is_encoded
    }

    /// Encodes the reply to `active`; a stream only begins here.
    pub(super) fn reply(&mut self, out: &mut Vec<u8>, active: Active<S>, reply: Reply) {
        if let ReplyBody::Stream(_) | ReplyBody::Abort = reply.body {
            return self.begin_stream(out, active, reply);
        }
        let head = active.exchange.head();
        let plan = plan(head, &reply, reply.body.len());
        let after = self.after_reply(&active, reply.closes || plan.closes);
        let connection = connection_option(head.version(), after);
        self.encode_head(out, head.version(), &reply, &plan, (connection, Trailers::None));
        if plan.writes_body {
            self.write_body(out, reply.body);
        }
        self.finish_reply(active, after);
    }

    fn begin_stream(&mut self, out: &mut Vec<u8>, active: Active<S>, mut reply: Reply) {
        let ReplyBody::Stream(stream) = std::mem::replace(&mut reply.body, ReplyBody::Empty) else {
            return self.abort(out, active);
        };
        let head = active.exchange.head();
        let has_trailers = stream.has_trailers() && takes_trailers(head);
        let trailers = if has_trailers { Trailers::Follow } else { Trailers::None };
        let plan = plan(head, &reply, stream.len().filter(|_| !has_trailers));
        let mut after = self.after_reply(&active, reply.closes || plan.closes);
        let keeps = self.keeps(&active, reply.closes || plan.closes);
        if plan.writes_body && keeps {
            // The stream may read the body to its end while it is sent, so that alone closes nothing yet.
            after = After::Keep;
        }
        let connection = connection_option(head.version(), after);
        let start = out.len();
        self.encode_head(out, head.version(), &reply, &plan, (connection, trailers));
        if !plan.writes_body {
            // HEAD, 204, 304: the stream is dropped without having been asked for anything.
            super::drop_quietly(stream);
            return self.finish_reply(active, after);
        }
        let framing = Framing::new(plan.framing, trailers, !keeps, start..out.len());
        self.stage = Stage::Sending(Box::new(Sending {
            stream,
            framing,
            pieces: Pieces::default(),
            active,
        }));
        self.go(Event::StreamStarted);
    }

    /// Closes the connection after what was answered before. A reset would take that back, too.
    fn abort(&mut self, out: &mut Vec<u8>, active: Active<S>) {
        self.write_out(out);
        self.late().unflushed.push(active.exchange);
        self.reset();
    }

    /// The exchange is answered; the connection goes on as `after` says.
    pub(super) fn finish_reply(&mut self, active: Active<S>, after: After) {
        self.go(Event::Replied(after));
        match after {
            After::Drain => self.begin_drain(active.body),
            After::Linger => self.begin_linger(),
            After::Keep | After::Close => {}
        }
        self.finish_exchange(active.exchange);
    }

    fn encode_head(
        &self,
        out: &mut Vec<u8>,
        version: Version,
        reply: &Reply,
        plan: &ReplyPlan,
        (connection, trailers): (ConnectionOption<'_>, Trailers),
    ) {
        let head = ReplyHead {
            version,
            status: reply.status,
            reason: reply.reason.as_deref(),
            date: &self.base().clock.date(),
            content_type: reply.content_type,
            fields: &reply.fields,
            framing: plan.framing,
            connection,
            trailers,
        };
        START.with_borrow_mut(|start| start.encode(out, &head));
    }

    /// Appends a body to `out`, or sends a large one straight from where it is.
    fn write_body(&mut self, out: &mut Vec<u8>, body: ReplyBody) {
        let bytes = match body {
            ReplyBody::Empty | ReplyBody::Stream(_) | ReplyBody::Abort => return,
            ReplyBody::Static(bytes) if bytes.len() <= COPIED_BYTES_MAX => {
                return out.extend_from_slice(bytes);
            }
            ReplyBody::Owned(bytes) if bytes.len() <= COPIED_BYTES_MAX => {
                return out.extend_from_slice(&bytes);
            }
            ReplyBody::Bytes(bytes) if bytes.len() <= COPIED_BYTES_MAX => {
                return out.extend_from_slice(&bytes);
            }
            ReplyBody::Static(bytes) => Bytes::from_static(bytes),
            ReplyBody::Owned(bytes) => Bytes::from(bytes),
            ReplyBody::Bytes(bytes) => bytes,
        };
        let piece = Piece { at: out.len(), bytes };
        self.write_all(out, &[piece]);
    }

    /// Encodes a reply to something that never became an exchange.
    pub(super) fn encode_refusal(&mut self, out: &mut Vec<u8>, method: &Method, mut reply: Reply) {
        let plan = reply_framing(method, Version::HTTP_11, reply.status, reply.body.len());
        self.encode_head(
            out,
            Version::HTTP_11,
            &reply,
            &plan,
            (ConnectionOption::Close, Trailers::None),
        );
        // RFC 9110 §9.3.2: an answer to HEAD has no content, not even one that refuses it.
        if plan.writes_body {
            self.write_body(out, std::mem::replace(&mut reply.body, ReplyBody::Empty));
        }
    }
}

thread_local! {
    /// What the replies of this thread, which is one worker's, begin with.
    static START: RefCell<ReplyStart> = RefCell::default();
}

/// How a reply to `head` whose body has `len` bytes is to be sent.
#[inline]
fn plan(head: &RequestHead, reply: &Reply, len: Option<u64>) -> ReplyPlan {
    let plan = reply_framing(head.method(), head.version(), reply.status, len);
    match plan.writes_body {
        true => plan,
        false => plan.with_declared_len(head.method(), reply.status, len, &reply.fields),
    }
}

/// RFC 9110 §6.5.1: trailers are for clients that say that they take them.
fn takes_trailers(head: &RequestHead) -> bool {
    head.version() == Version::HTTP_11
        && head.field(KnownField::Te).is_some()
        && head.get_all("te").flat_map(list).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

fn connection_option(version: Version, after: After) -> ConnectionOption<'static> {
    match after {
        After::Linger | After::Close => ConnectionOption::Close,
        // RFC 9112 §9.3: a 1.0 client has asked for this and is told that it has it.
        After::Keep | After::Drain if version == Version::HTTP_10 => ConnectionOption::KeepAlive,
        After::Keep | After::Drain => ConnectionOption::Implied,
    }
}

/// Bodies up to this length are copied behind their heads; longer ones are written from where they
/// are, for a copy of 16 KiB costs about as much as a second buffer in the system call.
const COPIED_BYTES_MAX: usize = 16 * 1024;
