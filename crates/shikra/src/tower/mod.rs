//! Shikra in tower's world: layers as middleware, services as handlers, an application as a service.
//!
//! - [`layer()`] makes a middleware of a [`tower_layer::Layer`], so that tower-http can be used.
//! - [`App::mount_service`](crate::App::mount_service) and [`service()`] answer with a [`tower_service::Service`], such
//!   as a router of axum.
//! - [`AppService`] is an application as such a service.
//!
//! Shikra's requests stay on their worker, while this world mostly asks for `Send`. So bodies travel through
//! pipes that hold one chunk, made when it is asked for; everything is polled in the connection's
//! own task and dropped with it, and what it costs is paid by the routes that use it alone.
//!
//! # What works
//!
//! Layers whose service is `Clone + Send + Sync`, with any types of bodies, `Send` futures included. Tried are those of
//! tower-http for tracing, timeouts, CORS, compression, decompression, header fields, request ids, body limits,
//! validation and panics, the concurrency limit and load shedding of tower, and middleware of axum.
//!
//! # What cannot work
//!
//! - Layers that change the path, such as `NormalizePathLayer`, come too late as middleware, since the path was routed
//!   before. They go around an [`AppService`], or see [`App::trailing_slash`](crate::App::trailing_slash).
//! - A request can be sent on once: layers that repeat it (retry, hedge) get a 500 the second time.
//! - Layers whose service is not `Clone`, such as `RateLimitLayer`, or not `Sync`, such as that around a
//!   `BoxCloneService`, do not compile; tower has `BoxCloneSyncService` in place of the latter.
//! - A panic in a handler is answered before a layer sees it, so `CatchPanicLayer` finds only those of other layers.
//! - Upgrades: there is no `hyper::upgrade::OnUpgrade`, so WebSockets of mounted services cannot be opened.
//! - Informational replies (1xx) and the reason phrases of hyper have no place in it.
//! - A trailer of a response is sent only where the length of the body is not known ahead.
//! - `http::Extensions` of responses end with the layer, those of requests are kept: [`Request::extension`].

mod body;
mod convert;
mod host;
mod info;
mod layer;
mod link;
mod mount;
mod pipe;
mod serve;

pub use body::{Body, BodyFailure};
pub use info::RequestInfo;
pub use layer::{NextService, layer};
pub use link::ResponseFuture;
pub use mount::{WholeUri, service};
pub use serve::AppService;

#[cfg(doc)]
use crate::request::Request;
