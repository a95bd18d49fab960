//! A well-behaved client: so many requests a second, each checked and timed.

use crate::client::{Body, Client};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

/// The times of all requests, in order of their length.
#[derive(Debug)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that `percent` of the requests did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

/// What a paced client has seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The times of the server's answers.
    pub(crate) server: Times,
    /// The times of a bare echo, asked at the same moments: what the machine costs.
    pub(crate) floor: Times,
}

impl Seen {
    /// Whether the server has kept `max` in 99 of 100 cases, above what the machine takes.
    pub(crate) fn keeps(&self, max: Duration) -> bool {
        self.server.percentile(99) <= max + self.floor.percentile(99)
    }
}

/// Runs `attack` while the client asks; returns its times and what the attack has found.
pub(crate) fn beside<T>(
    at: SocketAddr,
    attack: impl FnOnce() -> Result<T, String>,
) -> Result<(Seen, T), String> {
    let is_over = &AtomicBool::new(false);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    let echo = listener.local_addr().map_err(|error| error.to_string())?;
    thread::scope(|scope| {
        let threads: Vec<ScopedJoinHandle<'_, _>> =
            (0..THREADS).map(|_| scope.spawn(move || ask(at, is_over))).collect();
        let floor = TcpStream::connect(echo).map_err(|error| error.to_string())?;
        let (answerer, _) = listener.accept().map_err(|error| error.to_string())?;
        scope.spawn(move || answer(answerer));
        let floor = scope.spawn(move || ask_floor(floor, is_over));
        let found = attack();
        is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "the paced client has panicked")??);
        }
        let floor = floor.join().map_err(|_| "the floor's client has panicked")?;
        let floor = floor.map_err(|error| format!("the floor: {error}"))?;
        Ok((Seen { server: Times::new(all), floor: Times::new(floor) }, found?))
    })
}

/// A time is counted from when the request was due, so that a slow answer is not excused by the requests
/// that it kept from being sent.
fn ask(at: SocketAddr, is_over: &AtomicBool) -> Result<Vec<Duration>, String> {
    let mut times = Vec::new();
    let mut client = None;
    let mut due = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        due += PERIOD;
        sleep(due.saturating_duration_since(Instant::now()));
        if times.len().is_multiple_of(REQUESTS_A_CONNECTION) {
            client = None;
        }
        let client = match &mut client {
            Some(client) => client,
            none => none.insert(Client::connect(at, Ipv4Addr::LOCALHOST)?),
        };
        client.send(b"GET /plaintext HTTP/1.1\r\nhost: soak\r\n\r\n")?;
        let reply = client.reply(Body::Expected).map_err(|why| format!("paced client: {why}"))?;
        if (reply.status, reply.body.as_slice()) != (200, b"Hello, World!") {
            return Err(format!("paced client: a wrong answer, {}", reply.status));
        }
        times.push(due.elapsed());
    }
    Ok(times)
}

/// Sends back what comes, until the other side closes.
fn answer(mut stream: TcpStream) {
    let mut byte = [0];
    while stream.read_exact(&mut byte).and_then(|()| stream.write_all(&byte)).is_ok() {}
}

/// The same pace, without a server.
fn ask_floor(mut stream: TcpStream, is_over: &AtomicBool) -> std::io::Result<Vec<Duration>> {
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    let mut due = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        due += PERIOD;
        sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])?;
        times.push(due.elapsed());
    }
    Ok(times)
}

/// 200 requests a second in all.
pub(crate) const THREADS: u32 = 4;
const PERIOD: Duration = Duration::from_millis(20);
/// New connections must get through as well.
const REQUESTS_A_CONNECTION: usize = 5;

#[cfg(test)]
mod tests {
    use super::Times;
    use std::time::Duration;

    #[test]
    fn a_percentile_is_the_time_that_so_many_keep() {
        let times = Times((1..=200).map(Duration::from_millis).collect());
        assert_eq!(times.percentile(99), Duration::from_millis(198));
        assert_eq!(times.percentile(100), times.longest());
        assert_eq!(Times(Vec::new()).percentile(99), Duration::ZERO);
    }
}
