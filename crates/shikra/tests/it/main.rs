//! The framework as its users see it: whole applications, real bytes, and what comes back.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod batching;
mod bodies;
mod body_streams;
mod checks;
mod checks_harpia;
mod checks_hyper_express;
mod checks_hyper_express_reply;
mod checks_hyper_express_request;
mod checks_polka;
mod checks_polka_flow;
mod checks_vapr;
mod checks_vapr_hosts;
mod checks_vapr_replies;
mod clients;
mod control;
mod documents;
mod error_pages;
mod errors;
mod explaining;
mod extract;
mod facts;
mod failing;
mod flow;
mod hosts;
mod inflate;
mod json_twin;
mod lifecycle;
mod listening;
mod lists;
mod loggers;
// Which types the compiler lists depends on the features that are on.
#[cfg(all(feature = "templates", feature = "tower"))]
mod messages;
mod method_override;
mod methods;
mod mount_paths;
mod mounts;
mod observing;
mod pictures;
mod pipelining;
mod promises;
mod refused_targets;
mod registering;
mod replies;
mod reply_fields;
mod reply_forms;
mod reply_streams;
mod requests;
mod rivers;
mod routing;
mod scopes;
mod server;
mod server_life;
mod settings;
mod sockets;
mod support;
mod swap;
#[cfg(feature = "templates")]
mod template_pages;
#[cfg(feature = "templates")]
mod templates;
mod test_client;
mod test_client_agents;
mod test_client_streams;
mod test_client_tcp;
mod timeouts;
#[cfg(feature = "tower")]
mod tower_app;
#[cfg(feature = "tower")]
mod tower_layers;
#[cfg(feature = "tower")]
mod tower_services;
mod trusted_proxies;
mod uploads;
mod wire;
