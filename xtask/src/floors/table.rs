//! The table of rooms: which module may use what. Data only; `rules` enforces it.
//!
//! An entry is a path, and allows or forbids all that stands below it: `crate::http1` is a room of
//! the same crate, `shikra_engine::body` one of another, `std::net` a part of the library. `never`
//! wins over `may`. A room that has no file yet is no mistake; a file without a room is.

/// How the modules of one room may use each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    /// As they like: they are one thing in several files.
    Freely,
    /// In one direction: no cycles.
    Downwards,
}

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: &'static str,
    /// Top-level modules of the crate; `ANY` stands for those that no other room lists.
    pub(crate) modules: &'static [&'static str],
    pub(crate) inside: Inside,
    pub(crate) may: &'static [&'static [&'static str]],
    pub(crate) never: &'static [&'static str],
}

#[derive(Debug)]
pub(crate) struct Floor {
    /// The folder below `crates/`.
    pub(crate) folder: &'static str,
    pub(crate) rooms: &'static [Room],
}

pub(crate) const ANY: &str = "*";

/// Paths that one room alone may name, in all library crates.
pub(crate) const ONLY_IN: &[(&str, &str, &str)] = &[
    ("libc", "shikra-engine", "rt"),
    ("socket2", "shikra-engine", "rt"),
    ("tokio::net", "shikra-engine", "rt"),
    ("tokio::io::unix", "shikra-engine", "rt"),
];

/// Calls of a clock: the pure crates get the time as an argument.
pub(crate) const CLOCKLESS: &[&str] = &["shikra-proto", "shikra-template"];

/// Test files that may sleep, each with the reason.
pub(crate) const SLEEPERS: &[(&str, &str)] = &[];

/// Lines of code that a file may have, tests not counted.
pub(crate) const FILE_LINES_MAX: usize = 600;

/// What needs no operating system. `std` is listed by part, since it mixes both.
const PURE: &[&str] = &[
    "core",
    "alloc",
    "std::alloc",
    "std::any",
    "std::arch",
    "std::array",
    "std::ascii",
    "std::borrow",
    "std::boxed",
    "std::cell",
    "std::char",
    "std::cmp",
    "std::collections",
    "std::convert",
    "std::error",
    "std::f64",
    "std::fmt",
    "std::hash",
    "std::hint",
    "std::i64",
    "std::iter",
    "std::marker",
    "std::mem",
    // Addresses are values, which `core` has too.
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::num",
    "std::ops",
    "std::option",
    "std::ptr",
    "std::rc",
    "std::result",
    "std::slice",
    "std::str",
    "std::string",
    "std::sync",
    "std::time::Duration",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
    "std::vec",
];

/// Async, and what `core` and `std` have of it.
const ASYNC: &[&str] = &["core::future", "core::task", "std::future", "std::task"];

const PROTO_CRATES: &[&str] =
    &["http", "bytes", "memchr", "percent_encoding", "form_urlencoded", "unicode_normalization"];

const VOCABULARY: &[&str] = &[
    "crate::accept",
    "crate::cookie",
    "crate::date",
    "crate::error",
    "crate::etag",
    "crate::form",
    "crate::header",
    "crate::mime",
    "crate::multipart",
    "crate::proxy",
    "crate::query",
    "crate::range",
    "crate::ascii",
    "crate::scan",
    "crate::sse",
    "crate::uri",
];

pub(crate) const FLOORS: &[Floor] = &[
    Floor { folder: "shikra-proto", rooms: PROTO },
    Floor { folder: "shikra-template", rooms: TEMPLATE },
    Floor { folder: "shikra-engine", rooms: ENGINE },
    Floor { folder: "shikra", rooms: SHIKRA },
];

const PROTO: &[Room] = &[
    Room {
        name: "vocabulary",
        modules: &[
            "accept",
            "cookie",
            "date",
            "error",
            "etag",
            "form",
            "header",
            "mime",
            "multipart",
            "proxy",
            "query",
            "range",
            "ascii",
            "scan",
            "sse",
            "uri",
        ],
        inside: Inside::Downwards,
        may: &[PURE, PROTO_CRATES],
        never: ASYNC,
    },
    Room {
        name: "http1",
        modules: &["http1"],
        inside: Inside::Freely,
        may: &[PURE, PROTO_CRATES, VOCABULARY],
        never: ASYNC,
    },
    Room {
        name: "ws",
        modules: &["ws"],
        inside: Inside::Freely,
        may: &[PURE, PROTO_CRATES, VOCABULARY, &["flate2"]],
        never: ASYNC,
    },
];

const TEMPLATE: &[Room] = &[Room {
    name: "template",
    modules: &[ANY],
    inside: Inside::Downwards,
    may: &[
        PURE,
        // Behind the feature of its name alone: data of any type that it can take apart.
        &["serde_core"],
        // A page is written into anything that takes bytes; what that is, the caller knows.
        &["std::io::Write"],
    ],
    never: ASYNC,
}];

/// The parts of the engine below the connections.
const MACHINERY: &[&str] = &[
    "crate::buffer",
    "crate::clock",
    "crate::error",
    "crate::mailbox",
    "crate::rt",
    "crate::renew",
    "crate::shutdown",
    "crate::slot",
    "crate::timer",
    "crate::tls",
];

/// The border between the engine and applications.
const SERVICE: &[&str] = &["crate::body", "crate::config", "crate::limits", "crate::service"];

const ENGINE_CRATES: &[&str] = &["std", "core", "alloc", "bytes", "http", "tokio", "tracing"];

const CODECS: &[&str] = &["shikra_proto::http1", "shikra_proto::ws"];

const ENGINE: &[Room] = &[
    Room {
        name: "rt",
        modules: &["rt"],
        inside: Inside::Freely,
        may: &[&["std", "core", "alloc", "bytes", "tokio", "libc", "socket2", "tracing"]],
        never: &["shikra_proto", "crate::service"],
    },
    Room {
        name: "machinery",
        modules: &[
            "buffer", "clock", "error", "mailbox", "renew", "shutdown", "slot", "timer", "tls",
        ],
        inside: Inside::Downwards,
        may: &[ENGINE_CRATES, &["crate::rt", "shikra_proto", "rustls", "tokio_rustls"]],
        never: CODECS,
    },
    // Limits stand here because those of heads and bodies are the codecs'.
    Room {
        name: "service",
        modules: &["body", "config", "limits", "service"],
        inside: Inside::Downwards,
        may: &[ENGINE_CRATES, MACHINERY, &["shikra_proto", "http_body", "futures_core"]],
        never: &[],
    },
    // What the connections of a worker share.
    Room {
        name: "hub",
        modules: &["hub"],
        inside: Inside::Freely,
        may: &[ENGINE_CRATES, MACHINERY, SERVICE],
        never: &[],
    },
    Room {
        name: "conn",
        modules: &["conn"],
        inside: Inside::Freely,
        may: &[
            ENGINE_CRATES,
            MACHINERY,
            SERVICE,
            &["crate::hub", "shikra_proto", "futures_core", "h2"],
        ],
        never: &["crate::listener", "crate::server", "crate::worker"],
    },
    // Puts listeners, workers and connections together; the only room above both.
    Room {
        name: "serve",
        modules: &["in_process", "listen", "listener", "proxied", "replace", "server", "worker"],
        inside: Inside::Freely,
        may: &[ENGINE_CRATES, &["crate", "shikra_proto::proxy"]],
        never: &[],
    },
];

const SHIKRA_CRATES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "bytes",
    "futures_core",
    "http",
    "mime_guess",
    "percent_encoding",
    "serde_core",
    "serde_html_form",
    "serde_json",
    "serde_path_to_error",
    "tracing",
];

const EXCHANGE: &[&str] = &[
    "crate::error",
    "crate::extract",
    "crate::failure",
    "crate::into_response",
    "crate::json",
    "crate::meta",
    "crate::place",
    "crate::request",
    "crate::response",
    "crate::sse",
    "crate::state",
    "crate::stream",
];

/// What batteries see of the crate: what every user sees.
const PUBLIC: &[&str] = &["crate::app", "crate::handler", "crate::middleware", "crate::plugin"];

const BATTERIES_NEVER: &[&str] = &["shikra_engine", "crate::router", "crate::dispatch"];

const SHIKRA: &[Room] = &[
    Room {
        name: "router",
        modules: &["router"],
        inside: Inside::Freely,
        may: &[PURE, PROTO_CRATES, &["shikra_proto"]],
        never: CODECS,
    },
    Room {
        name: "topics",
        modules: &["topics"],
        inside: Inside::Freely,
        may: &[PURE, PROTO_CRATES, &["shikra_proto"]],
        never: CODECS,
    },
    Room {
        name: "exchange",
        modules: &[
            "error",
            "extract",
            "failure",
            "into_response",
            "json",
            "meta",
            "place",
            "request",
            "response",
            "sse",
            "state",
            "stream",
            "streams",
        ],
        inside: Inside::Freely,
        may: &[
            SHIKRA_CRATES,
            &[
                // Values of parameters and the id of a route: plain data, and no routing.
                "crate::router::Params",
                "crate::router::RouteId",
                "shikra_proto",
                "shikra_engine::body",
                "shikra_engine::buffer",
                "shikra_engine::hub::detach",
                "shikra_engine::service",
                "shikra_engine::slot",
                // The trait that everything which writes bytes is.
                "tokio::io::AsyncWrite",
                // And that of everything which reads them.
                "tokio::io::AsyncRead",
                "tokio::io::ReadBuf",
                "tokio::time",
            ],
        ],
        never: &[],
    },
    Room {
        name: "middleware",
        modules: &[
            "access_log",
            "error_handler",
            "error_page",
            "handler",
            "middleware",
            "request_id",
        ],
        inside: Inside::Downwards,
        may: &[
            SHIKRA_CRATES,
            EXCHANGE,
            &[
                // What the access log has a line about.
                "shikra_engine::service::Refusal",
                "shikra_engine::service::Reply",
                "shikra_engine::service::panic_message",
                "shikra_engine::slot",
                "shikra_proto::header",
                "shikra_template::error::Error",
            ],
        ],
        never: &[],
    },
    Room {
        name: "ws",
        modules: &["ws"],
        inside: Inside::Freely,
        may: &[
            SHIKRA_CRATES,
            EXCHANGE,
            &["crate::topics", "shikra_proto", "shikra_engine::service"],
        ],
        never: &["shikra_proto::http1"],
    },
    Room {
        name: "dispatch",
        modules: &["dispatch"],
        inside: Inside::Freely,
        may: &[
            SHIKRA_CRATES,
            EXCHANGE,
            &[
                "crate::access_log",
                "crate::error_handler",
                "crate::error_page",
                "crate::handler",
                "crate::middleware",
                "crate::request_id",
                "crate::router",
                "crate::ws",
                "shikra_proto",
                "shikra_engine::body",
                "shikra_engine::config",
                "shikra_engine::service",
                "shikra_engine::slot",
                "tokio::time",
            ],
        ],
        never: &[],
    },
    Room {
        name: "app",
        modules: &["app", "plugin"],
        inside: Inside::Freely,
        may: &[
            SHIKRA_CRATES,
            EXCHANGE,
            &[
                "crate::access_log",
                "crate::dispatch",
                "crate::error_handler",
                "crate::handler",
                "crate::middleware",
                "crate::request_id",
                "crate::router",
                "crate::topics",
                "crate::ws",
                "shikra_proto",
                "shikra_engine::body",
                "shikra_engine::config",
                "shikra_engine::hub::ServiceHub",
                "shikra_engine::in_process",
                "shikra_engine::limits",
                "shikra_engine::listen",
                "shikra_engine::server",
                "shikra_engine::service",
                "shikra_engine::slot",
            ],
        ],
        never: &[],
    },
    // Timers and blocking work of the runtime, for users: below everything.
    Room {
        name: "time",
        modules: &["blocking", "time"],
        inside: Inside::Downwards,
        may: &[
            PURE,
            &["crate::error", "shikra_engine::service::panic_message"],
            &["std::future", "std::task", "std::time", "tokio::task", "tokio::time"],
        ],
        never: &[],
    },
    Room {
        name: "testing",
        modules: &["testing"],
        inside: Inside::Freely,
        may: &[
            SHIKRA_CRATES,
            EXCHANGE,
            &["crate::app", "crate::dispatch", "form_urlencoded"],
            &["shikra_engine", "shikra_proto", "tokio"],
        ],
        never: &["crate::router"],
    },
    // Pages of documentation; there is no code in it.
    Room { name: "guide", modules: &["guide"], inside: Inside::Freely, may: &[], never: &[] },
    Room {
        name: "prelude",
        modules: &["prelude"],
        inside: Inside::Freely,
        may: &[&["crate", "bytes::Bytes", "http", "std::time", "tokio::time"]],
        never: &["crate::dispatch", "crate::router"],
    },
    // The store is the one battery that others may use.
    battery(&["store"]),
    battery(&["cache"]),
    battery(&["cluster"]),
    battery(&["compress"]),
    battery(&["cookies"]),
    battery(&["cors"]),
    battery(&["csrf"]),
    battery(&["files"]),
    battery(&["inflate"]),
    battery(&["limit"]),
    battery(&["openapi"]),
    battery(&["session"]),
    battery(&["shield"]),
    battery(&["telemetry"]),
    battery(&["templates"]),
    battery(&["tower"]),
    battery(&["upload"]),
];

/// Crates that only one battery needs are features, which Cargo keeps apart by itself; they join
/// this list with the battery.
const BATTERY_CRATES: &[&str] = &[
    "brotli_decompressor",
    "crate::store",
    "flate2",
    "http_body",
    "http_body_util",
    "shikra_proto",
    "shikra_template",
    "tokio",
    "tower_layer",
    "tower_service",
];

const fn battery(modules: &'static [&'static str]) -> Room {
    Room {
        name: modules[0],
        modules,
        inside: Inside::Freely,
        may: &[SHIKRA_CRATES, EXCHANGE, PUBLIC, BATTERY_CRATES],
        never: BATTERIES_NEVER,
    }
}
