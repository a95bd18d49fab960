//! Which route answers: patterns, paths and methods, and nothing of requests, handlers or sockets.
//!
//! A [`Pattern`] is the text of a route, a [`RouterBuilder`] collects patterns with what they stand
//! for, and a [`Router`] finds the most specific one for a method and a path. [`Params`] holds the
//! values that the path gives to the parameters. A [`PrefixSet`] tells which base paths a request
//! lies under, on the same decoded segments, so that a guard cannot be passed by spelling.
//!
//! Paths are compared segment by segment, percent-decoded and in Unicode normal form C. An encoded
//! slash is text and never cuts, `//` encloses a segment without text, which no parameter takes,
//! and `.` and `..` are text like any other.
//!
//! Start reading at `table.rs`; `path.rs` prepares what it compares.

mod build;
mod edges;
mod error;
mod explain;
mod hosts;
mod method;
mod order;
mod params;
mod path;
mod pattern;
mod prefix;
mod table;
#[cfg(test)]
mod tests;
mod walk;
mod whole;

pub use build::RouterBuilder;
pub use error::{InsertError, PatternError, PatternProblem};
pub use explain::{Explanation, Note};
pub(crate) use hosts::{HostPattern, HostTable, Scheme};
pub use method::{AllowSet, EXTENSION_METHODS_MAX, MethodMatch};
pub(crate) use order::sort_few;
pub use params::{BadPath, NamedParams, Params};
pub use path::{PathCase, PathView, Settings, TrailingSlash};
pub use pattern::{PATTERN_BYTES_MAX, PATTERN_OPTIONALS_MAX, PATTERN_SEGMENTS_MAX, Pattern};
pub use prefix::{Coverage, Prefix, PrefixSet};
pub use table::{Canonical, Outcome, Route, RouteId, Router};
