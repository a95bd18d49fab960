//! To come.

pub mod router;
