//! Pages from templates: views, layouts and components in directories, rendered as replies.
//!
//! [`Templates`] is the engine of Shikra's own language (`shikra-template` describes it) with files around it. It
//! compiles a file when it is first used and keeps it; while one develops, a changed file is
//! noticed. [`App::set_engine`](crate::App::set_engine) installs it, or any other [`Engine`], and
//! [`Request::render`](crate::Request::render) answers with a view. Outside of requests, as for mails,
//! [`Templates::render`] and [`Templates::generate`] give the text.
//!
//! What fails is a [`TemplateError`]: it names template, line and column, has the line itself, and what led there. It is the
//! cause of the [`Error`](crate::Error) of the reply, for logs and error pages; clients see a bare 500.
//!
//! No name leaves the project: see [`Templates::with_base`].

mod engine;
mod files;
mod reply;
mod views;

pub use engine::{Engine, Rendering};
pub use files::Reload;
pub use reply::Module;
pub use shikra_template::{
    Args, Argument, Error as TemplateError, ErrorKind, Failure, Limits, Minify, Object, Place,
    Plugin, PluginResult, Rest, Text, Value, Warning, context,
};
pub use views::{Templates, ViewsOf};
