//! From a request to `http::Request` and back, and from `http::Response` to a response.

use super::RequestInfo;
use super::body::Body;
use super::host::{Carried, Host, Upload};
use super::link::{BoxError, Link};
use crate::error::{Error, Result};
use crate::request::{OwnHead, Request};
use crate::response::{Response, Rest, to_lines};
use crate::stream::ReplyStream;
use bytes::{Buf, Bytes};
use http::{Extensions, HeaderMap, Method, Uri, header, request};
use shikra_proto::header::FieldLines;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The head of a request as the service got it.
pub(super) struct Head {
    uri: Uri,
}

/// A request in tower's world, and what carries its body there.
pub(super) fn to_http(
    req: &Request,
    link: Option<&Link>,
) -> Result<(http::Request<Body>, Head, Option<Upload>)> {
    let uri = to_uri(req.target())?;
    let (body, upload) = Upload::new(req);
    let mut request = http::Request::new(body);
    *request.method_mut() = req.method().clone();
    *request.uri_mut() = uri.clone();
    *request.version_mut() = req.version();
    *request.headers_mut() = req.header_map();
    let mut extensions =
        req.meta().get::<Extensions>().map(|all| (*all).clone()).unwrap_or_default();
    extensions.insert(RequestInfo::of(req));
    if let Some(link) = link {
        extensions.insert(link.clone());
    }
    *request.extensions_mut() = extensions;
    Ok((request, Head { uri }, upload))
}

/// `http::Uri` is stricter than browsers are with queries (CF-33), so those bytes are encoded for it.
fn to_uri(target: &str) -> Result<Uri> {
    if let Ok(uri) = Uri::try_from(target) {
        return Ok(uri);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut encoded = format!("{path}?");
    for character in query.chars() {
        match character {
            '"' | '<' | '>' | '[' | ']' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                encoded.push_str(&format!("%{:02X}", u32::from(character)));
            }
            character => encoded.push(character),
        }
    }
    Uri::try_from(encoded).map_err(|error| Error::new(400, "malformed target").with_cause(error))
}

impl Head {
    /// Whether a layer has left the head of the request as it was.
    pub(super) fn is_same(&self, req: &Request, parts: &request::Parts) -> bool {
        parts.method == *req.method()
            && parts.version == req.version()
            && parts.uri == self.uri
            && parts.headers.len() == req.headers().len()
            && parts.headers.keys().all(|name| {
                let values = parts.headers.get_all(name).iter().map(header::HeaderValue::as_bytes);
                values.eq(req.header_all(name.as_str()))
            })
    }
}

/// The head of what a layer has made of `req`.
pub(super) fn own_head<'a>(
    parts: &'a request::Parts,
    body_len: Option<u64>,
    head: &'a Head,
    req: &'a Request,
) -> Result<OwnHead<'a>> {
    // The target as it was sent says more than the URI that was made of it.
    let target =
        if parts.uri == head.uri { req.target() } else { target_of(&parts.uri, &parts.method) };
    let host = parts.uri.authority().map(http::uri::Authority::as_str);
    Ok(OwnHead { target, host, ..unbound_head(parts, body_len) })
}

/// The head of a request that the program itself makes.
pub(super) fn unbound_head(parts: &request::Parts, body_len: Option<u64>) -> OwnHead<'_> {
    // RFC 9112 §3.2: where there is no authority, the field is there and empty.
    let host = parts.uri.authority().map_or("", http::uri::Authority::as_str);
    OwnHead {
        method: parts.method.clone(),
        target: target_of(&parts.uri, &parts.method),
        version: parts.version,
        host: Some(host),
        headers: &parts.headers,
        body_len,
    }
}

fn target_of<'a>(uri: &'a Uri, method: &Method) -> &'a str {
    match uri.authority() {
        Some(authority) if *method == Method::CONNECT => authority.as_str(),
        _ => uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str),
    }
}

/// Keeps the extensions that a layer has left beside the request.
pub(super) fn keep_extensions(req: &Request, mut extensions: Extensions) {
    extensions.remove::<Link>();
    extensions.remove::<RequestInfo>();
    if !extensions.is_empty() {
        req.meta().insert(extensions);
    }
}

/// The response that a service has made. What its body still needs of `host` goes with it.
pub(super) async fn from_http<B>(
    response: http::Response<B>,
    mut host: Host,
    method: &Method,
) -> Response
where
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    let rest = host.release();
    let rest = if parts.extensions.get::<Carried>().is_some() { rest } else { Rest::default() };
    let mut res = Response::from_apart(parts.status, &parts.headers, rest);
    let len = body.size_hint().exact();
    if *method == Method::HEAD && len == Some(0) {
        // The body is gone, but its length may still be told; it is never asked for.
        res.set_stream(Promised { len: content_length(&parts.headers) });
        return res;
    }
    let mut relay = Relay { body: Box::pin(body), host, first: None, len, trailers: None };
    match len {
        Some(0) => return res,
        Some(len) if len <= GATHERED_BYTES_MAX => {}
        _ => {
            res.set_stream(relay);
            return res;
        }
    }
    // What is in memory stays there: other middleware may look at it, and one write sends all.
    match poll_fn(|cx| Poll::Ready(relay.poll_chunk(cx))).await {
        Poll::Ready(Some(Ok(chunk))) if Some(chunk.len() as u64) == len => {
            // Whoever counts sees its end too. It has none to wait for: the length is reached.
            let _ = poll_fn(|cx| Poll::Ready(relay.poll_chunk(cx))).await;
            res.set_body(chunk);
        }
        Poll::Ready(Some(Ok(chunk))) => {
            relay.first = Some(chunk);
            res.set_stream(relay);
        }
        Poll::Ready(Some(Err(error))) => return Response::from_error(unexpected(error)),
        Poll::Ready(None) | Poll::Pending => res.set_stream(relay),
    }
    res
}

/// An error of the program's, for the log.
pub(super) fn unexpected(error: Box<dyn StdError>) -> Error {
    Error::from_status(500).with_cause(error).into_unexpected()
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The body of a service's response on its way to the client.
struct Relay<B> {
    body: Pin<Box<B>>,
    host: Host,
    first: Option<Bytes>,
    len: Option<u64>,
    trailers: Option<HeaderMap>,
}

impl<B> ReplyStream for Relay<B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Self { body, host, .. } = self;
        loop {
            let frame = match ready!(host.poll(cx, |cx| body.as_mut().poll_frame(cx))) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(mut data) => {
                    let len = data.remaining();
                    return Poll::Ready(Some(Ok(data.copy_to_bytes(len))));
                }
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
        }
    }

    fn len(&self) -> Option<u64> {
        self.len
    }

    fn has_trailers(&self) -> bool {
        // A body of known length has none as a rule, and its length tells clients more.
        self.len.is_none()
    }

    fn trailers(&mut self) -> FieldLines {
        self.trailers.take().as_ref().map(to_lines).unwrap_or_default()
    }
}

/// The length of a body that only another method would send.
struct Promised {
    len: Option<u64>,
}

impl ReplyStream for Promised {
    fn poll_chunk(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Box<dyn StdError>>>> {
        Poll::Ready(None)
    }

    fn len(&self) -> Option<u64> {
        self.len
    }
}

/// Bodies up to this length that come in one piece are no streams.
const GATHERED_BYTES_MAX: u64 = 256 * 1024;
