//! The framework as its users see it: whole applications, real bytes, and what comes back.

mod pictures;
mod replies;
mod support;
