//! Responses taken apart, for those who send them some other way than by a connection, or change them in
//! another vocabulary.

use super::{Aside, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shikra_engine::service::{ReplyBody, ReplyStream};
use shikra_proto::header::FieldLines;
use std::error::Error as StdError;
use std::task::{Context, Poll};

/// A response in the words of the `http` crate, and what those have no word for.
pub(crate) struct Apart {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ApartBody,
    pub(crate) rest: Rest,
}

pub(crate) enum ApartBody {
    Whole(Bytes),
    Stream(ApartStream),
}

/// What a response has besides status, fields and body.
#[derive(Default)]
pub(crate) struct Rest {
    reason: Option<(StatusCode, Box<str>)>,
    closes: bool,
    /// The reply is none: in other vocabularies an empty 500.
    aborts: bool,
    aside: Option<Box<Aside>>,
}

/// A body that is still to be made.
pub(crate) struct ApartStream(Box<dyn ReplyStream>);

impl ApartStream {
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        self.0.poll_chunk(cx)
    }

    pub(crate) fn len(&self) -> Option<u64> {
        self.0.len()
    }

    pub(crate) fn trailers(&mut self) -> HeaderMap {
        to_map(&self.0.trailers())
    }
}

impl Response {
    pub(crate) fn into_apart(self) -> Apart {
        let Self { reply, aside, .. } = self;
        let aborts = matches!(reply.body, ReplyBody::Abort);
        let mut headers = to_map(&reply.fields);
        if let Some(content_type) = reply.content_type
            && !headers.contains_key("content-type")
            && let Ok(value) = HeaderValue::from_str(content_type)
        {
            headers.insert("content-type", value);
        }
        let body = match reply.body {
            ReplyBody::Empty | ReplyBody::Abort => ApartBody::Whole(Bytes::new()),
            ReplyBody::Static(bytes) => ApartBody::Whole(Bytes::from_static(bytes)),
            ReplyBody::Bytes(bytes) => ApartBody::Whole(bytes),
            ReplyBody::Owned(bytes) => ApartBody::Whole(Bytes::from(bytes)),
            ReplyBody::Stream(stream) => ApartBody::Stream(ApartStream(stream)),
        };
        let reason = reply.reason.map(|reason| (reply.status, reason));
        let rest = Rest { reason, closes: reply.closes, aborts, aside };
        Apart { status: reply.status, headers, body, rest }
    }

    /// A response with these fields, and no body yet.
    #[track_caller]
    pub(crate) fn from_apart(status: StatusCode, headers: &HeaderMap, rest: Rest) -> Self {
        let mut res = Self::new();
        res.reply.closes = rest.closes;
        res.aside = rest.aside;
        if rest.aborts && status == StatusCode::INTERNAL_SERVER_ERROR {
            res.reply.body = ReplyBody::Abort;
        }
        // A phrase belongs to its status.
        res.reply.reason = rest.reason.filter(|(own, _)| *own == status).map(|(_, reason)| reason);
        // The length is the engine's to say.
        for (name, value) in headers.iter().filter(|(name, _)| *name != "content-length") {
            res.reply.fields.append_checked(name, value);
        }
        res.set_status(status);
        res
    }

    pub(crate) fn set_stream(&mut self, stream: impl ReplyStream + 'static) {
        self.reply.body = ReplyBody::Stream(Box::new(stream));
    }
}

fn to_map(fields: &FieldLines) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields.iter() {
        // What `FieldLines` takes is valid here too, but for names of more than 64 KiB.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    map
}

/// Fields as the engine sends them.
pub(crate) fn to_lines(map: &HeaderMap) -> FieldLines {
    let mut lines = FieldLines::new();
    for (name, value) in map {
        lines.append_checked(name, value);
    }
    lines
}
