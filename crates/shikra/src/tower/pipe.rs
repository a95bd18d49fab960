//! A pipe for one body: from a task that lives on a worker to whoever reads, on any thread.
//!
//! It holds one part at a time. Nothing is made before the reader asks, so it adds no buffer to the way and
//! passes back-pressure on.

use super::body::BodyFailure;
use bytes::Bytes;
use http::HeaderMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub(super) enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
}

#[derive(Default)]
struct State {
    part: Option<Part>,
    end: Option<Result<(), BodyFailure>>,
    /// The reader waits for a part.
    is_wanted: bool,
    is_abandoned: bool,
    /// The feeder looks at all this by itself in a moment.
    is_attended: bool,
    left: Option<u64>,
    reader: Option<Waker>,
    feeder: Option<Waker>,
}

#[derive(Default)]
struct Pipe(Mutex<State>);

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both ends of a pipe for `len` bytes, where that is known.
pub(super) fn pipe(len: Option<u64>) -> (Feeder, Reader) {
    let pipe = Arc::new(Pipe::default());
    pipe.lock().left = len;
    (Feeder(Arc::clone(&pipe)), Reader(pipe))
}

/// What the reader has said.
pub(super) enum Demand {
    None,
    Part,
    /// Nobody reads any more.
    Abandoned,
}

pub(super) struct Feeder(Arc<Pipe>);

impl Feeder {
    /// The feeder is about to let the reader run, and looks afterwards.
    pub(super) fn attend(&self) {
        self.0.lock().is_attended = true;
    }

    pub(super) fn demand(&self, cx: &Context<'_>) -> Demand {
        let mut state = self.0.lock();
        state.is_attended = false;
        set_waker(&mut state.feeder, cx);
        match &*state {
            State { is_abandoned: true, .. } => Demand::Abandoned,
            State { is_wanted: true, part: None, end: None, .. } => Demand::Part,
            _ => Demand::None,
        }
    }

    pub(super) fn put(&self, part: Part, cx: &Context<'_>) {
        let mut state = self.0.lock();
        state.part = Some(part);
        state.is_wanted = false;
        wake(state, cx);
    }

    pub(super) fn end(&self, result: Result<(), BodyFailure>, cx: &Context<'_>) {
        let mut state = self.0.lock();
        state.end = Some(result);
        wake(state, cx);
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.end.get_or_insert_with(|| Err(BodyFailure::over()));
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }
}

/// Wakes the reader, unless it runs in the task that is running.
fn wake(mut state: MutexGuard<'_, State>, cx: &Context<'_>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader.filter(|reader| !reader.will_wake(cx.waker())) {
        reader.wake();
    }
}

pub(super) fn set_waker(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

pub(super) struct Reader(Arc<Pipe>);

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("left", &self.left()).finish()
    }
}

impl Reader {
    pub(super) fn poll_part(&self, cx: &Context<'_>) -> Poll<Option<Result<Part, BodyFailure>>> {
        let mut state = self.0.lock();
        if let Some(part) = state.part.take() {
            if let (Part::Data(data), Some(left)) = (&part, &mut state.left) {
                *left = left.saturating_sub(data.len() as u64);
            }
            return Poll::Ready(Some(Ok(part)));
        }
        match &state.end {
            Some(Ok(())) => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error.clone()))),
            None => {}
        }
        state.is_wanted = true;
        set_waker(&mut state.reader, cx);
        let feeder = if state.is_attended { None } else { state.feeder.take() };
        drop(state);
        feeder.into_iter().for_each(Waker::wake);
        Poll::Pending
    }

    /// The bytes still to come, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.0.lock().left
    }

    pub(super) fn is_at_end(&self) -> bool {
        let state = self.0.lock();
        state.part.is_none() && matches!(state.end, Some(Ok(())))
    }

    /// Whether this is the end of the pipe that `feeder` feeds, and nobody has read from it.
    pub(super) fn is_fresh(&self, feeder: &Feeder) -> bool {
        let state = self.0.lock();
        Arc::ptr_eq(&self.0, &feeder.0) && !state.is_wanted && state.reader.is_none()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_abandoned = true;
        let feeder = if state.is_attended { None } else { state.feeder.take() };
        drop(state);
        feeder.into_iter().for_each(Waker::wake);
    }
}
