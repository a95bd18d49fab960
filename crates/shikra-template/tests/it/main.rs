//! The language from outside. `cases` runs the files under `tests/cases`; the other modules hold
//! what files cannot say.

mod cases;
mod json;
mod naive;
mod plugins;
mod random;
