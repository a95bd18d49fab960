//! The framework as its users see it: whole applications, real bytes, and what comes back.

mod control;
mod pictures;
mod replies;
mod routing;
mod support;
