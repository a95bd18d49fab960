//! Every number that bounds what a peer can make the engine do, with its default.

use shikra_proto::http1::{BodyLimits, HeadLimits};
use std::time::Duration;

/// Limits and timeouts of a server's connections.
///
/// All have safe defaults; each field's documentation gives it and says what happens on breach.
///
/// ```
/// use shikra_engine::limits::Limits;
///
/// let mut limits = Limits::default();
/// limits.keep_alive_timeout = std::time::Duration::from_secs(5);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Target, head and field limits; 414, 431 or 400, then close.
    pub head: HeadLimits,
    /// Chunk extensions and trailers; 400 or 431, then close.
    pub body: BodyLimits,
    /// From accept to the first byte; silent close. Default 10 s.
    pub first_byte_timeout: Duration,
    /// From the first byte of a head to its last; 408 and close. Default 10 s.
    pub head_timeout: Duration,
    /// Between a reply and the next request; silent close. Default 60 s.
    pub keep_alive_timeout: Duration,
    /// The least speed of a body, while a read waits on the socket, in bytes a second;
    /// 408 and close. Default 240.
    pub body_bytes_per_second_min: u64,
    /// How long a body may be slower than that. Default 5 s.
    pub body_speed_grace: Duration,
    /// The longest pause between two bytes of a body that is waited for; 408 and close. Default 60 s.
    pub body_idle_timeout: Duration,
    /// Unread body that is read and thrown away after a reply, to keep the connection;
    /// beyond it the connection closes. Default 256 KiB.
    pub drain_bytes_max: u64,
    /// How long such a body, or a client that still sends after its last reply, is listened to.
    /// Default 2 s.
    pub drain_timeout: Duration,
    /// How long a handler goes on after the client has closed its half; streams 0. Default 5 s.
    pub half_close_grace: Duration,
    /// The longest time without progress while a reply is written; close. Default 30 s.
    pub write_stall_timeout: Duration,
    /// Bytes of later requests that are read ahead while a handler runs. Default 64 KiB.
    pub pipelined_bytes_max: usize,
    /// Bytes of replies that may wait for the socket before reading stops. Default 64 KiB.
    pub waiting_reply_bytes_max: usize,
    /// Requests that one connection may have answered before the others get their turn. Default 64.
    pub requests_per_turn_max: u32,
    /// How long a stopping server waits for what runs. Default 10 s.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            body: BodyLimits::default(),
            first_byte_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(60),
            body_bytes_per_second_min: 240,
            body_speed_grace: Duration::from_secs(5),
            body_idle_timeout: Duration::from_secs(60),
            drain_bytes_max: 256 * 1024,
            drain_timeout: Duration::from_secs(2),
            half_close_grace: Duration::from_secs(5),
            write_stall_timeout: Duration::from_secs(30),
            pipelined_bytes_max: 64 * 1024,
            waiting_reply_bytes_max: 64 * 1024,
            requests_per_turn_max: 64,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Waits for the first byte of a connection as long as it takes.
    pub fn without_first_byte_timeout(&mut self) {
        self.first_byte_timeout = Duration::MAX;
    }

    /// Waits for the rest of a head as long as it takes: a client can hold a connection with one byte.
    pub fn without_head_timeout(&mut self) {
        self.head_timeout = Duration::MAX;
    }

    /// Keeps idle connections until the client closes them.
    pub fn without_keep_alive_timeout(&mut self) {
        self.keep_alive_timeout = Duration::MAX;
    }

    /// Lets bodies come as slowly as they like; the pause between two bytes stays limited.
    pub fn without_body_speed(&mut self) {
        self.body_bytes_per_second_min = 0;
    }

    /// Lets bodies pause as long as they like; their speed stays limited.
    pub fn without_body_idle_timeout(&mut self) {
        self.body_idle_timeout = Duration::MAX;
    }

    /// Waits as long as it takes for a client that does not take its reply.
    pub fn without_write_stall_timeout(&mut self) {
        self.write_stall_timeout = Duration::MAX;
    }

    /// Lets a stopping server wait for what runs as long as it takes.
    pub fn without_shutdown_timeout(&mut self) {
        self.shutdown_timeout = Duration::MAX;
    }

    /// What cannot be meant: limits that no client could meet.
    ///
    /// ```
    /// use shikra_engine::limits::Limits;
    ///
    /// let mut limits = Limits::default();
    /// assert!(limits.problems().is_empty());
    /// limits.head_timeout = std::time::Duration::ZERO;
    /// assert!(limits.problems()[0].contains("head_timeout"));
    /// ```
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let times = [
            ("first_byte_timeout", self.first_byte_timeout),
            ("head_timeout", self.head_timeout),
            ("keep_alive_timeout", self.keep_alive_timeout),
            ("body_idle_timeout", self.body_idle_timeout),
            ("write_stall_timeout", self.write_stall_timeout),
        ];
        for (name, time) in times {
            if time < TIMEOUT_MIN {
                let least = TIMEOUT_MIN.as_millis();
                let off = format!("`without_{name}` switches it off");
                problems.push(format!("{name} is less than {least} ms; {off}"));
            }
        }
        if self.body_bytes_per_second_min > 0 && self.body_speed_grace < TIMEOUT_MIN {
            let off = "`without_body_speed` switches the least speed off";
            problems.push(format!("body_speed_grace leaves a body no time to come; {off}"));
        }
        let sizes = [
            ("head.target_bytes_max", self.head.target_bytes_max, 1),
            ("head.head_bytes_max", self.head.head_bytes_max, HEAD_BYTES_MAX_MIN),
            ("head.fields_max", self.head.fields_max, 1),
            ("requests_per_turn_max", self.requests_per_turn_max as usize, 1),
        ];
        for (name, size, least) in sizes {
            if size < least {
                problems.push(format!("{name} is {size}; the least that makes sense is {least}"));
            }
        }
        problems
    }
}

/// The shortest timeout that a client could meet: one step of the timers.
const TIMEOUT_MIN: Duration = Duration::from_millis(16);
/// Shorter heads than this have no room for a target and a host.
const HEAD_BYTES_MAX_MIN: usize = 64;
