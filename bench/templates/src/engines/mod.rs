//! One module for each engine. What fails in one is a mistake in this program.

pub(crate) mod askama;
pub(crate) mod handlebars;
pub(crate) mod minijinja;
pub(crate) mod shikra;
pub(crate) mod tera;
