//! What is measured: a table of workloads, and the request and the reply of each, byte by byte.

use super::peers::{ENGINE, FLOOR, OURS};

/// One thing to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// A word that stands for all workloads which have it.
    pub(crate) group: &'static str,
    /// What it is, for the head of its table.
    pub(crate) about: &'static str,
    pub(crate) exchange: Exchange,
    pub(crate) how: How,
    /// Routes besides those that the workloads ask for.
    pub(crate) other_routes: u32,
    pub(crate) workers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// wrk with this many connections, each with `depth` requests under way.
    Load { connections: u32, depth: usize },
    /// Memory of connections that wait.
    Idle { connections: usize },
    /// From the start of the process to its first reply.
    Start,
}

/// What goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    Plaintext,
    Page,
    Params,
    User,
    Json,
    Middleware,
    Late,
    Upload,
    Download,
    Stream,
}

/// What the body of a right reply is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Exactly(Vec<u8>),
    /// The two ends of the page; between them stand the digits of the time.
    Page(&'static str, &'static str),
}

pub(crate) const CURVE_CONNECTIONS: &str = "connections";
pub(crate) const CURVE_ROUTES: &str = "routes";

#[rustfmt::skip]
pub(crate) const WORKLOADS: &[Workload] = &[
    load("plaintext-64", "plaintext", "`Hello, World!`, 64 connections", Exchange::Plaintext, 64, 1),
    load("plaintext-512", "plaintext", "`Hello, World!`, 512 connections", Exchange::Plaintext, 512, 1),
    // HX-002, HX-003: the load that HyperExpress publishes.
    load("page-2500x4", "page", "a small HTML page with the time, 2,500 connections, 4 requests pipelined on each", Exchange::Page, 2500, 4),
    load("pipelined-64x16", "pipelined", "`Hello, World!`, 64 connections, 16 requests pipelined on each", Exchange::Plaintext, 64, 16),
    routed("params-64", "params", "two parameters, nine header fields of a browser, 200 other routes, 64 connections", 200),
    // PO-002, PO-003: the load that Polka publishes.
    load("user-4", "user", "one parameter, 4 connections; the framework beside its own engine", Exchange::User, 4, 1),
    load("json-64", "json", "200 bytes of JSON into a typed value and back, 64 connections", Exchange::Json, 64, 1),
    load("middleware-64", "middleware", "`Hello, World!` behind three middlewares that do nothing, 64 connections", Exchange::Middleware, 64, 1),
    // VA-237: with the plain reply, the parameters and the stream it is the benchmark that Vapr leaves room for.
    load("late-64", "late", "`Hello, World!` through ten plugins with late handlers, 64 connections", Exchange::Late, 64, 1),
    load("upload-16", "upload", "1 MiB received and counted, 16 connections", Exchange::Upload, 16, 1),
    load("download-16", "download", "1 MiB sent from memory, 16 connections", Exchange::Download, 16, 1),
    load("stream-16", "stream", "1 MiB sent as a stream of 16 KiB chunks, 16 connections", Exchange::Stream, 16, 1),
    single("start", "from the start of the process to its first reply", How::Start),
    single("idle", "memory of keep-alive connections that wait, after one request each", How::Idle { connections: 10_000 }),
    load("connections-1", CURVE_CONNECTIONS, "`Hello, World!`, 1 connection", Exchange::Plaintext, 1, 1),
    load("connections-10", CURVE_CONNECTIONS, "`Hello, World!`, 10 connections", Exchange::Plaintext, 10, 1),
    load("connections-100", CURVE_CONNECTIONS, "`Hello, World!`, 100 connections", Exchange::Plaintext, 100, 1),
    load("connections-1000", CURVE_CONNECTIONS, "`Hello, World!`, 1,000 connections", Exchange::Plaintext, 1000, 1),
    load("connections-10000", CURVE_CONNECTIONS, "`Hello, World!`, 10,000 connections", Exchange::Plaintext, 10_000, 1),
    routed("routes-10", CURVE_ROUTES, "two parameters, 10 other routes", 10),
    routed("routes-100", CURVE_ROUTES, "two parameters, 100 other routes", 100),
    routed("routes-1000", CURVE_ROUTES, "two parameters, 1,000 other routes", 1000),
    routed("routes-10000", CURVE_ROUTES, "two parameters, 10,000 other routes", 10_000),
    worked("workers-1", "as params-64, one worker", 1),
    worked("workers-2", "as params-64, two workers", 2),
];

const fn load(
    name: &'static str,
    group: &'static str,
    about: &'static str,
    exchange: Exchange,
    connections: u32,
    depth: usize,
) -> Workload {
    let how = How::Load { connections, depth };
    Workload { name, group, about, exchange, how, other_routes: 0, workers: 1 }
}

const fn routed(
    name: &'static str,
    group: &'static str,
    about: &'static str,
    other_routes: u32,
) -> Workload {
    Workload { other_routes, ..load(name, group, about, Exchange::Params, 64, 1) }
}

const fn worked(name: &'static str, about: &'static str, workers: usize) -> Workload {
    Workload { workers, ..routed(name, "workers", about, 200) }
}

const fn single(name: &'static str, about: &'static str, how: How) -> Workload {
    Workload { how, ..load(name, name, about, Exchange::Plaintext, 1, 1) }
}

/// The workloads that a list of names and groups stands for, in the table's order; all of them for no list.
pub(crate) fn chosen(list: &str) -> Result<Vec<&'static Workload>, String> {
    let words: Vec<&str> = list.split(',').filter(|word| !word.is_empty()).collect();
    let has = |workload: &Workload, word: &str| workload.name == word || workload.group == word;
    if let Some(word) = words.iter().find(|word| !WORKLOADS.iter().any(|one| has(one, word))) {
        let names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
        return Err(format!("there is no workload `{word}`; there are {}", names.join(", ")));
    }
    let is_chosen =
        |workload: &&Workload| words.is_empty() || words.iter().any(|word| has(workload, word));
    Ok(WORKLOADS.iter().filter(is_chosen).collect())
}

impl Workload {
    /// Requests that are written at once.
    pub(crate) fn depth(&self) -> usize {
        if let How::Load { depth, .. } = self.how { depth } else { 1 }
    }
}

impl Exchange {
    /// Whether this server is measured with it. The engine answers what shows the framework's own share, and
    /// nobody else is asked for what shows nothing more.
    pub(crate) fn is_for(self, peer: &str) -> bool {
        match peer {
            FLOOR | OURS => true,
            ENGINE => matches!(self, Self::Plaintext | Self::Page | Self::User),
            // It has no middleware.
            "hyper" => !matches!(self, Self::User | Self::Late | Self::Stream | Self::Middleware),
            _ => !matches!(self, Self::User | Self::Late | Self::Stream),
        }
    }

    /// One whole request.
    pub(crate) fn request(self) -> Vec<u8> {
        match self {
            Self::Plaintext => get("/plaintext", ""),
            Self::Page => get("/html", ""),
            Self::User => get("/users/123", ""),
            Self::Params => get("/users/4711/books/the-art-of-computing", BROWSER),
            Self::Middleware => get("/middleware", ""),
            Self::Late => get("/late", ""),
            Self::Download => get("/block", ""),
            Self::Stream => get("/stream", ""),
            Self::Json => post("/json", "application/json", ORDER.as_bytes()),
            Self::Upload => {
                post("/upload", "application/octet-stream", &b"0123456789abcdef".repeat(MIB / 16))
            }
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Page => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Download | Self::Stream => "application/octet-stream",
            _ => "text/plain; charset=utf-8",
        }
    }

    pub(crate) fn body(self) -> Body {
        Body::Exactly(match self {
            Self::Plaintext | Self::Middleware | Self::Late => b"Hello, World!".to_vec(),
            Self::User => b"User: 123".to_vec(),
            Self::Params => b"user 4711 book the-art-of-computing".to_vec(),
            Self::Json => ORDER.as_bytes().to_vec(),
            Self::Upload => MIB.to_string().into_bytes(),
            Self::Download | Self::Stream => {
                (0..MIB).map(|index| (index * 31 % 251).to_le_bytes()[0]).collect()
            }
            Self::Page => return Body::Page(PAGE_START, PAGE_END),
        })
    }

    /// A whole reply, for the floor to give.
    pub(crate) fn fixed_reply(self) -> Vec<u8> {
        let body = match self.body() {
            Body::Exactly(body) => body,
            Body::Page(start, end) => format!("{start}1767225600000{end}").into_bytes(),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\n\
             date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
            self.content_type(),
            body.len()
        );
        [head.into_bytes(), body].concat()
    }
}

fn get(path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").into_bytes()
}

fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const MIB: usize = 1 << 20;

const PAGE_START: &str = "<!DOCTYPE html><html><head><title>Time</title></head>\
                          <body><h1>Hello</h1><p>Now: ";
const PAGE_END: &str = "</p></body></html>";

/// Nine fields, about 600 bytes with the rest of the request.
const BROWSER: &str = "\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r
Accept-Language: en-GB,en;q=0.7,de;q=0.3\r
Accept-Encoding: gzip, deflate, br, zstd\r
Referer: https://www.example.com/books?page=2&sort=title\r
Cookie: theme=dark; consent=1; session_id=8d1f0a66b2c94f0e9d35aa41c3f7be02\r
Upgrade-Insecure-Requests: 1\r
Cache-Control: max-age=0\r
Sec-Fetch-Mode: navigate\r
";

const ORDER: &str = "{\"id\":4711,\"name\":\"Ada Lovelace\",\"email\":\"ada@example.org\",\
    \"tags\":[\"alpha\",\"beta\",\"gamma\"],\"price\":19.99,\"active\":true,\
    \"note\":\"Notes on the analytical engine, second edition, with remarks by the translator\"}";
