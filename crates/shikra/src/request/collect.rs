//! Collecting a body once, for all who ask for it whole.
//!
//! Whoever polls moves the collection on; the others are woken when it ends. It belongs to the request, so
//! a reader that is dropped half-way loses nothing for the next.

use super::Request;
use bytes::{Bytes, BytesMut};
use shikra_engine::body::BodyError;
use std::cell::{Cell, Ref, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What a request keeps of its body.
#[derive(Default)]
pub(super) struct Collected {
    whole: RefCell<Option<Bytes>>,
    /// The first parts of a body that does not come at once.
    parts: RefCell<Option<Box<Parts>>>,
    /// A stream has taken chunks, which nobody can collect any more.
    pub(super) is_streamed: Cell<bool>,
}

#[derive(Default)]
struct Parts {
    bytes: BytesMut,
    failed: Option<BodyError>,
    waiting: Vec<Waker>,
}

impl Collected {
    /// The whole body, once it is here.
    pub(super) fn whole(&self) -> Option<Ref<'_, Bytes>> {
        Ref::filter_map(self.whole.borrow(), Option::as_ref).ok()
    }

    fn is_whole(&self) -> bool {
        self.whole.borrow().is_some()
    }

    fn has_begun(&self) -> bool {
        self.whole.borrow().is_some() || self.parts.borrow().is_some()
    }

    #[inline]
    pub(super) fn reset(&mut self) {
        if self.whole.get_mut().is_some() || self.parts.get_mut().is_some() {
            self.forget();
        }
        self.is_streamed.set(false);
    }

    #[inline(never)]
    fn forget(&mut self) {
        (*self.whole.get_mut(), *self.parts.get_mut()) = (None, None);
    }

    #[inline]
    fn wake_all(&self) {
        // Whoever waits does so in the parts.
        if self.parts.borrow().is_some() {
            self.wake_waiting();
        }
    }

    fn wake_waiting(&self) {
        let waiting =
            self.parts.borrow_mut().as_mut().map(|parts| std::mem::take(&mut parts.waiting));
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    fn wait(&self, cx: &Context<'_>) {
        let mut parts = self.parts.borrow_mut();
        let waiting = &mut parts.get_or_insert_default().waiting;
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
    }

    fn end(&self, result: Result<Bytes, BodyError>) -> Result<(), BodyError> {
        self.wake_all();
        match result {
            Ok(bytes) => {
                let mut parts = self.parts.borrow_mut();
                if parts.is_some() {
                    *parts = None;
                }
                self.whole.borrow_mut().get_or_insert(bytes);
                Ok(())
            }
            Err(error) => {
                let mut parts = self.parts.borrow_mut();
                parts.get_or_insert_default().failed = Some(error.clone());
                Err(error)
            }
        }
    }
}

impl Request {
    /// Puts other bytes in the place of a body that was collected, for all who read it from now on.
    #[cfg_attr(not(feature = "inflate"), allow(dead_code, reason = "only that battery calls it"))]
    pub(crate) fn replace_body(&self, bytes: Bytes) {
        *self.extra().collected.whole.borrow_mut() = Some(bytes);
    }

    /// Whether somebody has asked for the body whole, so that it belongs to all.
    pub(super) fn has_begun_collecting(&self) -> bool {
        self.extra().collected.has_begun() || self.exchange.body().is_shared()
    }

    /// Moves the collection of the body on.
    pub(super) fn poll_collect(&self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let (collected, body) = (&self.extra().collected, self.exchange.body());
        loop {
            if collected.is_whole() {
                return Poll::Ready(Ok(()));
            }
            if let Some(error) = collected.parts.borrow().as_ref().and_then(|p| p.failed.clone()) {
                return Poll::Ready(Err(error));
            }
            match body.poll_chunk(cx) {
                Poll::Pending => {
                    collected.wait(cx);
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(chunk))) => {
                    if let Some(result) = self.gather(chunk) {
                        return Poll::Ready(collected.end(result));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(collected.end(Err(error))),
                Poll::Ready(None) => {
                    let parts = collected.parts.borrow_mut().as_mut().map(|p| p.bytes.split());
                    let bytes = parts.unwrap_or_default().freeze();
                    return Poll::Ready(collected.end(Ok(bytes)));
                }
            }
        }
    }

    /// Adds a chunk; the result if that was the end of it.
    fn gather(&self, chunk: Bytes) -> Option<Result<Bytes, BodyError>> {
        let max = self.body_bytes_max();
        let mut parts = self.extra().collected.parts.borrow_mut();
        let len = parts.as_ref().map_or(0, |parts| parts.bytes.len());
        if (len + chunk.len()) as u64 > max {
            return Some(Err(BodyError::TooLarge(max)));
        }
        if len == 0 && self.exchange.body().is_at_end() {
            return Some(Ok(chunk)); // it came whole: no copy
        }
        let bytes = &mut parts.get_or_insert_default().bytes;
        if bytes.is_empty() {
            // No more than a window on trust: an announced length costs the client nothing.
            let announced = self.content_length().unwrap_or(0).min(max).min(RESERVED_BYTES_MAX);
            bytes.reserve(usize::try_from(announced).unwrap_or(0));
        }
        // The chunk is free before the next read, so that its memory can be used again.
        bytes.extend_from_slice(&chunk);
        None
    }
}

/// Waits for the whole body.
pub(super) struct Collecting<'a> {
    pub(super) req: &'a Request,
}

impl Future for Collecting<'_> {
    type Output = Result<(), BodyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.req.poll_collect(cx)
    }
}

impl Drop for Collecting<'_> {
    fn drop(&mut self) {
        // The body wakes who polled it last. That may have been this one, so the others poll again.
        self.req.extra().collected.wake_all();
    }
}

/// The most that a length which is only announced makes the server reserve.
const RESERVED_BYTES_MAX: u64 = 64 * 1024;
