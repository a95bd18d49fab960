//! HTTP messages as bytes: what the Shikra web framework knows about protocols.
//!
//! This crate turns bytes into messages (`decode`) and messages into bytes (`encode`).
//! It has no socket, no clock, no thread and no `async`: what it needs to know is an argument, what it finds out is a return value.
//! So every rule in it can be tested with a table of bytes.
//!
//! - [`http1`]: heads and bodies of HTTP/1.1 messages; start at [`http1::HeadDecoder`].
//! - [`header`]: fields, lists, media types, preferences; the fields of a response are [`header::FieldLines`].
//! - [`uri`], [`query`], [`range`], [`form`], [`cookie`], [`date`], [`proxy`]: the small grammars.
//!
//! Sockets and time are the business of `shikra-engine`, applications that of `shikra`.
#![deny(unsafe_code)]

pub mod cookie;
pub mod date;
pub mod form;
pub mod header;
pub mod http1;
pub mod proxy;
pub mod query;
pub mod range;
pub mod uri;

pub mod ascii;
mod scan;
