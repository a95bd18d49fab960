//! What the server says about itself: its routes, read from the application, and its limits.

use crate::board::{AUTHOR_CHARS_MAX, NOTES_MAX, TEXT_CHARS_MAX};
use serde::Serialize;
use shikra::{App, Limits};

/// What the about page and the start-up lines show.
#[derive(Debug, Serialize)]
pub struct About {
    /// Method, pattern and purpose of each route.
    pub routes: Vec<(String, String, &'static str)>,
    /// Names and values.
    pub facts: Vec<(&'static str, String)>,
}

impl About {
    /// Describes an application whose routes are all registered.
    pub(crate) fn new(app: &App, workers: usize, limits: &Limits) -> std::io::Result<Self> {
        let routes = app.routes()?.into_iter().map(|(method, pattern)| {
            let purpose = purpose(&method.to_string(), &pattern);
            (method.to_string(), pattern, purpose)
        });
        let facts = vec![
            ("Shikra", env!("CARGO_PKG_VERSION").to_owned()),
            ("Workers", workers.to_string()),
            ("Notes", format!("at most {NOTES_MAX}")),
            ("Text of a note", format!("{TEXT_CHARS_MAX} characters")),
            ("Name of an author", format!("{AUTHOR_CHARS_MAX} characters")),
            ("Body of a request", kib(BODY_BYTES_MAX)),
            ("Head of a request", kib(limits.head.head_bytes_max as u64)),
            ("Idle connections", format!("closed after {} s", limits.keep_alive_timeout.as_secs())),
        ];
        Ok(Self { routes: routes.collect(), facts })
    }
}

/// The longest body of a request: a note in its longest spelling, and some room.
pub(crate) const BODY_BYTES_MAX: u64 = 16 * 1024;

fn kib(bytes: u64) -> String {
    format!("at most {} KiB", bytes / 1024)
}

fn purpose(method: &str, pattern: &str) -> &'static str {
    match (method, pattern) {
        ("GET", "/") => "The board",
        ("GET", "/about") => "This page",
        ("POST", "/notes") => "Pins a note from the form",
        ("GET", "/style.css") => "How the pages look",
        ("GET", "/board.js") => "Editing without a new page",
        ("GET", "/api/notes") => "All notes, the newest first",
        ("POST", "/api/notes") => "Pins a note",
        ("GET", "/api/notes/:id") => "One note",
        ("PUT", "/api/notes/:id") => "Changes a note",
        ("DELETE", "/api/notes/:id") => "Takes a note down",
        _ => "",
    }
}
