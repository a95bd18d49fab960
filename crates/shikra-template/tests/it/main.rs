//! The language from outside. `cases` runs the files under `tests/cases`; the other modules hold
//! what files cannot say.

mod cases;
mod engine;
mod json;
mod limits;
mod naive;
mod plugins;
mod random;
mod serde;
mod serialized;
mod snapshots;
mod xss;
