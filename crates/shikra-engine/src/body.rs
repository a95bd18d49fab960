//! A request's body on its way from the connection to whoever reads it.
//!
//! Nothing is read from the socket until somebody asks: a reader that finds no bytes says that it
//! wants some, and the connection, in whose task the handler usually runs, reads the next window.
//! What came together with the head is there at once. After its exchange a body is over for good:
//! it errors, and never yields bytes of the next request.

use bytes::Bytes;
use http::StatusCode;
use shikra_proto::header::FieldLines;
use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::task::{Context, Poll, Waker};

/// Why a body could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// The client left before the body was whole.
    Closed,
    /// The chunked framing is broken; the message says how.
    Malformed(StatusCode, String),
    /// The body is longer than its limit, in bytes.
    TooLarge(u64),
    /// The client sent nothing, or too little, for too long.
    TooSlow,
    /// The exchange has ended; its body went with it.
    Over,
    /// Another reader has taken some of it.
    Taken,
}

impl BodyError {
    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Closed => StatusCode::BAD_REQUEST,
            Self::Malformed(status, _) => *status,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Over | Self::Taken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the body ended before it was whole"),
            Self::Malformed(_, why) => write!(f, "malformed body: {why}"),
            Self::TooLarge(max) => write!(f, "the body is larger than {max} bytes"),
            Self::TooSlow => f.write_str("the body came too slowly"),
            Self::Over => f.write_str("the exchange of this body has ended"),
            Self::Taken => f.write_str("another reader has taken some of this body"),
        }
    }
}

impl std::error::Error for BodyError {}

/// What becomes of a request whose body is over its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Oversize {
    /// It is answered with 413, and the connection closes after that.
    #[default]
    Respond,
    /// The connection is closed at once, without a reply; a handler that runs is dropped.
    Abort,
}

/// The body of one exchange, seen from both sides.
#[derive(Debug, Default)]
pub struct BodyCell {
    state: RefCell<State>,
    /// Whether anything but the length has been set: most requests have no body, and theirs need
    /// no cleaning up.
    is_used: Cell<bool>,
    /// Set while the connection polls the handler: it looks at `wanted` afterwards anyway.
    attended: Cell<bool>,
    hooks: Hooks,
}

/// Who wants to know that the body has arrived.
#[derive(Default)]
struct Hooks(RefCell<Vec<Hook>>);

type Hook = Box<dyn FnOnce(u64)>;

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks", self.0.borrow().len())
    }
}

#[derive(Debug)]
struct State {
    stage: Stage,
    /// A body that came whole with its head, until somebody takes it: in memory that goes from request to request.
    whole: Vec<u8>,
    /// Somebody has read it in place, so it belongs to all who ask.
    is_shared: bool,
    chunks: VecDeque<Bytes>,
    announced: Option<u64>,
    received: u64,
    max: Option<u64>,
    oversize: Oversize,
    wanted: bool,
    /// Who waits for bytes: usually one, in the connection's own task.
    readers: Vec<Waker>,
    connection: Option<Waker>,
    trailers: FieldLines,
}

impl Default for State {
    /// That of a request without a body, as most are.
    fn default() -> Self {
        Self {
            stage: Stage::Complete,
            whole: Vec::new(),
            is_shared: false,
            chunks: VecDeque::new(),
            announced: Some(0),
            received: 0,
            max: None,
            oversize: Oversize::default(),
            wanted: false,
            readers: Vec::new(),
            connection: None,
            trailers: FieldLines::new(),
        }
    }
}

#[derive(Debug)]
enum Stage {
    /// All bytes have arrived; there may never have been any.
    Complete,
    Open,
    Failed(BodyError),
}

/// What a reader has said, for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nobody waits for bytes.
    None,
    /// A reader waits for bytes that are not here yet.
    Bytes,
}

impl BodyCell {
    // The reader's side.

    /// The next bytes, in the sizes in which they came; `None` at the end.
    pub fn poll_chunk(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut state = self.state.borrow_mut();
        if !state.whole.is_empty() {
            let whole = Bytes::copy_from_slice(&state.whole);
            state.whole.clear();
            return Poll::Ready(Some(Ok(whole)));
        }
        if let Some(chunk) = state.chunks.pop_front() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        match &state.stage {
            Stage::Complete => Poll::Ready(None),
            Stage::Failed(error) => Poll::Ready(Some(Err(error.clone()))),
            Stage::Open => {
                state.wanted = true;
                if !state.readers.iter().any(|reader| reader.will_wake(cx.waker())) {
                    state.readers.push(cx.waker().clone());
                }
                if !self.attended.get()
                    && let Some(connection) = &state.connection
                {
                    connection.wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    /// The whole body where it is kept, if it came with its head and nobody has taken it. From then on it belongs to
    /// all who ask: it outlives its exchange, as one that was collected does.
    pub fn whole_in_place(&self) -> Option<Ref<'_, [u8]>> {
        if !self.is_used.get() || self.state.borrow().whole.is_empty() {
            return None;
        }
        self.state.borrow_mut().is_shared = true;
        Some(Ref::map(self.state.borrow(), |state| &*state.whole))
    }

    /// Whether somebody has read the body in place.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.state.borrow().is_shared
    }

    /// The length that `content-length` announces; zero for no body, `None` for a chunked one.
    #[must_use]
    pub fn announced_len(&self) -> Option<u64> {
        self.state.borrow().announced
    }

    /// Whether all bytes have been read, or there were none.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        let state = self.state.borrow();
        matches!(state.stage, Stage::Complete)
            && state.chunks.is_empty()
            && (state.whole.is_empty() || state.is_shared)
    }

    /// Whether all bytes have arrived, read or not; true where there are none.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.state.borrow().stage, Stage::Complete)
    }

    /// Whether more is to come that nobody waits for, so that it stays with the client.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        let state = self.state.borrow();
        matches!(state.stage, Stage::Open) && !state.wanted
    }

    /// The number of bytes that have arrived.
    #[must_use]
    pub fn received_len(&self) -> u64 {
        self.state.borrow().received
    }

    /// Runs `hook` once, synchronously, when all bytes have arrived, with their number; at once if they
    /// have. It never runs if the body fails.
    pub fn on_complete(&self, hook: impl FnOnce(u64) + 'static) {
        if self.is_complete() {
            return hook(self.received_len());
        }
        self.is_used.set(true);
        self.hooks.0.borrow_mut().push(Box::new(hook));
    }

    /// Makes `max` the limit of this body, in bytes: reading past it fails with
    /// [`BodyError::TooLarge`], or ends the connection.
    pub fn set_max(&self, max: u64, oversize: Oversize) {
        self.is_used.set(true);
        let mut state = self.state.borrow_mut();
        (state.max, state.oversize) = (Some(max), oversize);
        if state.received > max {
            state.whole.clear();
            state.chunks.clear();
            state.stage = Stage::Failed(BodyError::TooLarge(max));
        }
    }

    /// Whether the body is past a limit that ends the connection.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        let state = self.state.borrow();
        state.oversize == Oversize::Abort
            && matches!(state.stage, Stage::Failed(BodyError::TooLarge(_)))
    }

    /// The fields that followed a chunked body; empty before its end.
    #[must_use]
    pub fn trailers(&self) -> FieldLines {
        self.state.borrow().trailers.clone()
    }

    // The connection's side, or that of whoever else brings the bytes.

    /// Begins a body of this length; zero for none, which a new one has anyway; `None` where it is not known.
    #[inline]
    pub fn open(&self, announced: Option<u64>) {
        self.is_used.set(announced != Some(0));
        let mut state = self.state.borrow_mut();
        state.announced = announced;
        state.stage = if announced == Some(0) { Stage::Complete } else { Stage::Open };
    }

    /// Begins a body that is here whole, and not empty: [`BodyCell::open`], [`BodyCell::push`] and
    /// [`BodyCell::complete`] in one step, before anybody has looked at it.
    pub(crate) fn open_whole(&self, whole: &[u8]) {
        self.is_used.set(true);
        let mut state = self.state.borrow_mut();
        state.announced = Some(whole.len() as u64);
        state.received = whole.len() as u64;
        state.whole.clear();
        state.whole.extend_from_slice(whole);
        state.stage = Stage::Complete;
    }

    /// Hands over bytes; false if they are more than the limit.
    pub fn push(&self, chunk: Bytes) -> bool {
        let mut state = self.state.borrow_mut();
        state.received = state.received.saturating_add(chunk.len() as u64);
        if let Some(max) = state.max.filter(|&max| state.received > max) {
            state.chunks.clear();
            state.stage = Stage::Failed(BodyError::TooLarge(max));
            state.wanted = false;
            return false;
        }
        state.chunks.push_back(chunk);
        state.wanted = false;
        true
    }

    /// Ends the body, with the fields that follow it.
    pub fn complete(&self, trailers: FieldLines) {
        let mut state = self.state.borrow_mut();
        state.trailers = trailers;
        state.wanted = false;
        if !matches!(state.stage, Stage::Open) {
            return;
        }
        state.stage = Stage::Complete;
        let received = state.received;
        drop(state);
        for hook in self.hooks.0.take() {
            let run = std::panic::AssertUnwindSafe(|| hook(received));
            if std::panic::catch_unwind(run).is_err() {
                tracing::error!("a hook at the end of a body panicked");
            }
        }
    }

    /// Ends the body before it is whole.
    pub fn fail(&self, error: BodyError) {
        let mut state = self.state.borrow_mut();
        state.wanted = false;
        if matches!(state.stage, Stage::Open) {
            state.stage = Stage::Failed(error);
        }
    }

    /// What readers have said.
    pub fn demand(&self) -> Demand {
        if self.state.borrow().wanted { Demand::Bytes } else { Demand::None }
    }

    /// Wakes the readers that wait in other tasks than the connection's own.
    pub fn wake_reader(&self, own: &Waker) {
        while let Some(reader) = self.next_reader() {
            if !reader.will_wake(own) {
                reader.wake();
            }
        }
    }

    /// Not borrowed while it is woken, since waking may come back here.
    fn next_reader(&self) -> Option<Waker> {
        self.state.borrow_mut().readers.pop()
    }

    /// Whom to wake when a reader in another task wants bytes.
    pub fn set_connection(&self, connection: &Waker) {
        self.is_used.set(true);
        self.state.borrow_mut().connection = Some(connection.clone());
    }

    /// Runs `poll` while knowing that the connection looks at the demand afterwards.
    pub fn attend<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.attended.set(true);
        let result = poll();
        self.attended.set(false);
        result
    }

    /// Ends the body with its exchange.
    #[inline]
    pub fn end(&self) {
        if self.is_used.get() {
            self.end_used();
        }
    }

    fn end_used(&self) {
        let mut state = self.state.borrow_mut();
        let is_left = !state.chunks.is_empty() || !state.whole.is_empty() && !state.is_shared;
        if matches!(state.stage, Stage::Open) || is_left {
            state.whole.clear();
            state.chunks.clear();
            state.stage = Stage::Failed(BodyError::Over);
        }
        state.connection = None;
        if state.readers.is_empty() {
            return;
        }
        drop(state);
        while let Some(reader) = self.next_reader() {
            reader.wake();
        }
    }

    #[inline]
    pub(crate) fn reset(&mut self) {
        if self.is_used.get() {
            self.reset_used();
        }
    }

    #[inline(never)]
    fn reset_used(&mut self) {
        self.is_used.set(false);
        // Clearing what is empty would cost a call.
        if !self.hooks.0.get_mut().is_empty() {
            self.hooks.0.get_mut().clear();
        }
        let state = self.state.get_mut();
        state.whole.clear();
        if state.whole.capacity() > WHOLE_BYTES_KEPT_MAX {
            state.whole = Vec::new();
        }
        state.is_shared = false;
        if !state.chunks.is_empty() {
            state.chunks.clear();
        }
        if state.chunks.capacity() > CHUNKS_KEPT_MAX {
            // A pooled body keeps room for a window's chunks and no more.
            state.chunks.shrink_to(CHUNKS_KEPT_MAX);
        }
        if !state.trailers.is_empty() {
            state.trailers.clear();
        }
        if !state.readers.is_empty() {
            state.readers.clear();
        }
        // Field by field: a new state would drop the old one's queues.
        (state.stage, state.announced, state.received) = (Stage::Complete, Some(0), 0);
        (state.max, state.oversize) = (None, Oversize::default());
        (state.wanted, state.connection) = (false, None);
    }
}

const CHUNKS_KEPT_MAX: usize = 8;
/// A pooled body keeps the memory of what came with a head, if it is no more than this.
const WHOLE_BYTES_KEPT_MAX: usize = 4 * 1024;

#[cfg(test)]
mod tests;
