#![doc = include_str!("../LANGUAGE.md")]
#![forbid(unsafe_code)]

mod ast;
mod build;
mod compile;
pub mod dump;
mod engine;
mod error;
mod escape;
mod html;
mod lexer;
mod limits;
mod lint;
mod loader;
mod minify;
mod name;
mod parser;
mod plugin;
mod program;
mod render;
mod shared;
mod span;
mod text;
mod value;
mod vm;
mod warning;

pub use engine::{Engine, Template};
pub use error::{Error, ErrorKind, Place};
pub use limits::Limits;
pub use loader::Loader;
pub use minify::Minify;
pub use plugin::{Args, Argument, Failure, Plugin, PluginResult, Rest};
pub use render::{Progress, Render};
pub use text::Text;
pub use value::{Object, Value};
pub use warning::{Warning, WarningKind};
