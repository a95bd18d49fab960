//! The life of an HTTP/1 connection as one table.
//!
//! | state | event | next |
//! |---|---|---|
//! | `Idle` | `Bytes` | `Head` |
//! | `Idle` | `PeerFinished`, `Timeout`, `Shutdown` | `Closed` |
//! | `Head` | `HeadDone` | `Handling` |
//! | `Head` | `HeadRefused`, `Timeout` | `Lingering` |
//! | `Head` | `PeerFinished` | `Closed` |
//! | `Handling` | `StreamStarted` | `Sending` |
//! | `Sending` | `StreamWithdrawn` | `Handling` |
//! | `Handling`, `Sending` | `Replied(Keep)` | `Idle` |
//! | `Handling`, `Sending` | `Replied(Drain)` | `Draining` |
//! | `Handling`, `Sending` | `Replied(Linger)` | `Lingering` |
//! | `Handling`, `Sending` | `Replied(Close)` | `Closing` |
//! | `Handling`, `Sending` | `PeerFinished` | unchanged (a grace runs) |
//! | `Handling`, `Sending` | `Timeout` | `Closed` |
//! | `Draining` | `BodyDone` | `Idle` |
//! | `Draining` | `PeerFinished`, `Timeout` | `Closing` |
//! | `Draining` | `BodyRefused` | `Lingering` |
//! | `Lingering` | `PeerFinished`, `Timeout` | `Closed` |
//! | `Closing` | `Flushed`, `Timeout` | `Closed` |
//! | any | `Reset` | `Closed` |
//! | `Closed` | any | `Closed` |
//!
//! `Idle` lies between requests, `Head` within a head. In `Handling` a handler runs, in `Sending` its
//! streamed reply does. `Draining` reads the rest of a body that nobody wanted, to keep the
//! connection. `Closing` waits for the last reply to leave; `Lingering` does that too and then reads on,
//! so that bytes in flight do not turn the close into a reset that would eat the reply
//! (RFC 9112 §9.6). Everything else is a mistake in the program and leads to `Closed`.

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Between requests.
    Idle,
    /// Within a head.
    Head,
    /// A handler runs.
    Handling,
    /// A reply is streamed.
    Sending,
    /// The rest of an unwanted body is read.
    Draining,
    /// The last reply leaves.
    Closing,
    /// The last reply leaves, and what the peer still sends is read and forgotten.
    Lingering,
    /// Over.
    Closed,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first bytes of a head have come.
    Bytes,
    /// A head is whole and valid.
    HeadDone,
    /// A head is not valid; the refusal is on its way.
    HeadRefused,
    /// The head of a streamed reply is on its way.
    StreamStarted,
    /// The streamed reply is taken back before any of it has left.
    StreamWithdrawn,
    /// A reply is whole, as far as the connection makes it.
    Replied(After),
    /// The unwanted body has ended.
    BodyDone,
    /// The unwanted body is too long or malformed.
    BodyRefused,
    /// All output has left.
    Flushed,
    /// The peer has closed its half.
    PeerFinished,
    /// The peer has gone, or the stream is broken.
    Reset,
    /// The deadline of the state has passed.
    Timeout,
    /// The server stops.
    Shutdown,
}

/// What a reply means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next request may come.
    Keep,
    /// The next request may come after the rest of this one's body.
    Drain,
    /// This was the last reply, and the peer may still be sending.
    Linger,
    /// This was the last reply.
    Close,
}

impl State {
    /// The state after `event`.
    ///
    /// ```
    /// use shikra_proto::http1::state::{After, Event, State};
    ///
    /// let state = State::Idle.next(Event::Bytes).next(Event::HeadDone);
    /// assert_eq!(state.next(Event::Replied(After::Keep)), State::Idle);
    /// ```
    #[must_use]
    #[inline]
    pub const fn next(self, event: Event) -> Self {
        match (self, event) {
            (Self::Idle, Event::Bytes) => Self::Head,
            (Self::Head, Event::HeadDone) => Self::Handling,
            (Self::Head, Event::HeadRefused | Event::Timeout) => Self::Lingering,
            (Self::Handling, Event::StreamStarted) => Self::Sending,
            (Self::Sending, Event::StreamWithdrawn) => Self::Handling,
            (Self::Handling | Self::Sending, Event::Replied(after)) => match after {
                After::Keep => Self::Idle,
                After::Drain => Self::Draining,
                After::Linger => Self::Lingering,
                After::Close => Self::Closing,
            },
            (Self::Handling | Self::Sending, Event::PeerFinished) => self,
            (Self::Draining, Event::BodyDone) => Self::Idle,
            (Self::Draining, Event::PeerFinished | Event::Timeout) => Self::Closing,
            (Self::Draining, Event::BodyRefused) => Self::Lingering,
            _ => Self::Closed,
        }
    }
}
