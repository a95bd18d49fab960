//! The transition table of a connection, row by row, and everything that it leaves out.

use shikra_proto::http1::state::{After, Event, State};

const STATES: [State; 8] = [
    State::Idle,
    State::Head,
    State::Handling,
    State::Sending,
    State::Draining,
    State::Closing,
    State::Lingering,
    State::Closed,
];

const EVENTS: [Event; 16] = [
    Event::Bytes,
    Event::HeadDone,
    Event::HeadRefused,
    Event::StreamStarted,
    Event::StreamWithdrawn,
    Event::Replied(After::Keep),
    Event::Replied(After::Drain),
    Event::Replied(After::Linger),
    Event::Replied(After::Close),
    Event::BodyDone,
    Event::BodyRefused,
    Event::Flushed,
    Event::PeerFinished,
    Event::Reset,
    Event::Timeout,
    Event::Shutdown,
];

/// All rows that do not lead to `Closed`.
const ROWS: &[(State, Event, State)] = &[
    (State::Idle, Event::Bytes, State::Head),
    (State::Head, Event::HeadDone, State::Handling),
    (State::Head, Event::HeadRefused, State::Lingering),
    (State::Head, Event::Timeout, State::Lingering),
    (State::Handling, Event::StreamStarted, State::Sending),
    (State::Handling, Event::Replied(After::Keep), State::Idle),
    (State::Handling, Event::Replied(After::Drain), State::Draining),
    (State::Handling, Event::Replied(After::Linger), State::Lingering),
    (State::Handling, Event::Replied(After::Close), State::Closing),
    (State::Handling, Event::PeerFinished, State::Handling),
    (State::Sending, Event::StreamWithdrawn, State::Handling),
    (State::Sending, Event::Replied(After::Keep), State::Idle),
    (State::Sending, Event::Replied(After::Drain), State::Draining),
    (State::Sending, Event::Replied(After::Linger), State::Lingering),
    (State::Sending, Event::Replied(After::Close), State::Closing),
    (State::Sending, Event::PeerFinished, State::Sending),
    (State::Draining, Event::BodyDone, State::Idle),
    (State::Draining, Event::BodyRefused, State::Lingering),
    (State::Draining, Event::PeerFinished, State::Closing),
    (State::Draining, Event::Timeout, State::Closing),
];

#[test]
fn every_pair_of_state_and_event_is_a_row_or_closes() {
    for state in STATES {
        for event in EVENTS {
            let row = ROWS.iter().find(|(from, by, _)| (*from, *by) == (state, event));
            let expected = row.map_or(State::Closed, |(_, _, to)| *to);
            assert_eq!(state.next(event), expected, "{state:?} {event:?}");
        }
    }
}

#[test]
fn a_closed_connection_stays_closed() {
    for event in EVENTS {
        assert_eq!(State::Closed.next(event), State::Closed);
    }
}

#[test]
fn the_next_request_comes_only_after_a_whole_reply() {
    for state in STATES {
        for event in EVENTS {
            if state.next(event) == State::Idle {
                assert!(matches!(event, Event::Replied(After::Keep) | Event::BodyDone));
            }
        }
    }
}
