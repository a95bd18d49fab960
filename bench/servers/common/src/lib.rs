//! What all servers in Rust have in common. The JavaScript servers have the same in `js/common.js`.

use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

pub const HELLO: &str = "Hello, World!";
pub const TEXT: &str = "text/plain; charset=utf-8";
pub const HTML: &str = "text/html; charset=utf-8";
pub const JSON: &str = "application/json";
pub const BYTES: &str = "application/octet-stream";

/// The backlog of every listener that lets one choose.
pub const BACKLOG: u32 = 4096;

/// How long a connection may be idle, where a server has such a limit.
pub const KEEP_ALIVE_S: u64 = 60;

/// What the runner asks for: `SERVER PORT OTHER_ROUTES WORKERS`.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub port: u16,
    pub workers: usize,
    routes: usize,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Panics
    ///
    /// If it is not of that form: only the runner starts these programs.
    pub fn from_args() -> Self {
        let mut words = std::env::args().skip(1).map(|word| word.parse().expect("a number"));
        let mut next = || words.next().expect("usage: SERVER PORT OTHER_ROUTES WORKERS");
        let (port, routes, workers) = (next(), next(), next());
        Self { port: u16::try_from(port).expect("a port"), routes, workers }
    }

    /// The half of the other routes that is registered before the measured ones.
    pub fn routes_before(self) -> impl Iterator<Item = String> {
        (0..self.routes / 2).map(other_route)
    }

    /// The half that is registered after them, so that the order favours no way of looking up.
    pub fn routes_after(self) -> impl Iterator<Item = String> {
        (self.routes / 2..self.routes).map(other_route)
    }
}

/// By turns without and with a parameter, written as `{id}`.
fn other_route(number: usize) -> String {
    let version = number % 4;
    if number.is_multiple_of(2) {
        format!("/api/v{version}/resource{number}/list")
    } else {
        format!("/api/v{version}/resource{number}/item/{{id}}")
    }
}

/// A small page with the time in it, so that no server can keep the reply.
pub fn page() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // In 64 bits: with 128, formatting alone was 0.6 % of the time of the whole reply.
    let now = now.as_secs() * 1000 + u64::from(now.subsec_millis());
    format!(
        "<!DOCTYPE html><html><head><title>Time</title></head>\
         <body><h1>Hello</h1><p>Now: {now}</p></body></html>"
    )
}

/// 1 MiB.
pub fn block() -> Vec<u8> {
    (0..1 << 20).map(|index: u32| (index.wrapping_mul(31) % 251) as u8).collect()
}

/// What a JSON request holds and its reply repeats.
#[derive(Debug, Deserialize, Serialize)]
pub struct Order {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub tags: Vec<String>,
    pub price: f64,
    pub active: bool,
    pub note: String,
}
