//! Tests of the public surface: tables of bytes, naive twins, and other people's parsers as oracles.
// A failed `unwrap` is a failed test, in a table's helpers too; and rows are tuples.
#![allow(clippy::unwrap_used, clippy::type_complexity)]

mod authority;
mod body;
mod cookie;
mod date;
mod encode;
mod form_query;
mod forwarded;
mod head;
mod head_fields;
mod head_limits;
mod header;
mod oracle;
mod oracle_random;
mod path;
mod proxy;
mod range;
mod reply;
mod state;
mod support;
mod target;
