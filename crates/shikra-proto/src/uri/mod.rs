//! Paths and authorities (RFC 3986, as HTTP uses it).
//!
//! A request target is taken apart by [`http1`](crate::http1); here its parts get their meaning.
//! Queries have [a module of their own](crate::query).

mod authority;
mod network;
mod path;
mod reference;

pub use authority::{Authority, AuthorityError, Host};
pub use network::{Network, NetworkError};
pub use path::{PathError, decode_segment, has_dot_segments, segments};
pub use reference::encode_reference;

/// Which bytes a query may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UriPolicy {
    /// The grammar, and what browsers send raw: ``[ ] { } | ^ \ ` " < >`` and malformed triplets, which stay text.
    #[default]
    Browser,
    /// The grammar of RFC 3986 and nothing else.
    Strict,
}
