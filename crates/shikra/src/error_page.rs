//! What development mode shows of an error that no handler of the application answered: a page for
//! browsers, problem details or text for other clients.
//!
//! Everything on it may come from a client or a library, so everything is escaped, and the page can
//! neither run nor load anything.

#[cfg(feature = "json")]
mod problem;
#[cfg(feature = "templates")]
mod told;
#[cfg(not(feature = "templates"))]
#[path = "error_page/told_plainly.rs"]
mod told;

use self::told::told;
use crate::error::{Error, phrase};
use crate::request::Request;
use crate::request_id::IdMaker;
use crate::response::{HTML, Response, TEXT};
#[cfg(feature = "json")]
pub(crate) use problem::{problem, written};
use std::fmt::{self, Write};

/// What stands around a request.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The route that answers.
    pub(crate) route: Option<Around>,
    /// The middleware around it, outermost first.
    pub(crate) steps: Vec<Around>,
    /// Why no route answers.
    pub(crate) verdict: Option<String>,
    /// Routes that come close.
    pub(crate) near: Vec<Near>,
}

/// A route or a middleware, and the line that registered it.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) name: String,
    pub(crate) place: String,
}

/// A route that does not answer, and why.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) around: Around,
    pub(crate) reason: String,
}

/// All that is shown, whatever the form.
struct Shown<'a> {
    req: &'a Request,
    error: &'a Error,
    status: String,
    place: Option<String>,
    /// What happened: the message, or the outermost cause where the message says nothing.
    headline: String,
    causes: Vec<String>,
    around: &'a Surroundings,
    fields: Vec<(&'a str, String)>,
}

impl<'a> Shown<'a> {
    fn new(req: &'a Request, error: &'a Error, around: &'a Surroundings) -> Self {
        let status = format!("{} {}", error.status().as_u16(), phrase(error.status()));
        let mut causes = Vec::new();
        let mut next = error.cause();
        while let Some(cause) = next {
            causes.push(told(cause));
            next = cause.source();
        }
        let headline = match error.cause() {
            Some(cause) if error.is_unexpected() => cause.to_string(),
            _ => error.message().to_owned(),
        };
        let shown = |(name, value)| (name, shown_value(name, value));
        let fields = req.headers().map(shown).collect();
        Self { req, error, status, place: error.place(), headline, causes, around, fields }
    }

    fn kind(&self) -> &'static str {
        match (self.error.is_panic(), self.error.is_unexpected()) {
            (true, _) => "A handler panicked.",
            (_, true) => "The program did not expect this error.",
            _ => "The program answered with this error.",
        }
    }

    fn request_line(&self) -> String {
        format!("{} {} {:?}", self.req.method(), self.req.target(), self.req.version())
    }
}

/// The value of a request field, unless it lets somebody in.
fn shown_value(name: &str, value: &[u8]) -> String {
    let name = name.to_ascii_lowercase();
    match SECRET_NAMES.iter().any(|secret| name.contains(secret)) {
        true => format!("({} bytes, hidden)", value.len()),
        false => String::from_utf8_lossy(value).into_owned(),
    }
}

/// The page for browsers.
pub(crate) fn page(req: &Request, error: &Error, around: &Surroundings) -> Response {
    let shown = Shown::new(req, error, around);
    let nonce = IdMaker::default().make();
    let mut html = String::new();
    // Text takes everything.
    let _ = write_page(&mut html, &shown, &nonce);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let res = guarded(error, html, HTML);
    res.with_header("content-security-policy", policy)
}

/// The same as text, for terminals.
pub(crate) fn text(req: &Request, error: &Error, around: &Surroundings) -> Response {
    let mut text = String::new();
    // Text takes everything.
    let _ = write_text(&mut text, &Shown::new(req, error, around));
    guarded(error, text, TEXT)
}

/// Not even a cache may keep what stands here.
fn guarded(error: &Error, body: String, content_type: &'static str) -> Response {
    Response::new()
        .with_status(error.status())
        .with_body(body)
        .with_header("content-type", content_type)
        .with_header("cache-control", "no-store")
        .with_header("x-content-type-options", "nosniff")
}

fn write_text(text: &mut String, shown: &Shown<'_>) -> fmt::Result {
    let around = shown.around;
    writeln!(text, "{}: {}\n\n{}", shown.status, Safe(&shown.headline), shown.kind())?;
    if let Some(place) = &shown.place {
        writeln!(text, "at {}", Safe(place))?;
    }
    for cause in &shown.causes {
        writeln!(text, "caused by: {}", Safe(cause))?;
    }
    text.push('\n');
    if let Some(route) = &around.route {
        writeln!(text, "route: {} ({})", Safe(&route.name), Safe(&route.place))?;
    }
    for step in &around.steps {
        writeln!(text, "middleware: {} ({})", Safe(&step.name), Safe(&step.place))?;
    }
    if let Some(verdict) = &around.verdict {
        writeln!(text, "{}", Safe(verdict))?;
    }
    for Near { around, reason } in &around.near {
        let (name, place) = (Safe(&around.name), Safe(&around.place));
        writeln!(text, "near: {name} ({place}): {}", Safe(reason))?;
    }
    writeln!(text, "\n{}", Safe(&shown.request_line()))?;
    for (name, value) in &shown.fields {
        writeln!(text, "{}: {}", Safe(name), Safe(value))?;
    }
    Ok(())
}

fn write_page(html: &mut String, shown: &Shown<'_>, nonce: &str) -> fmt::Result {
    let around = shown.around;
    let (status, message) = (Escaped(&shown.status), Escaped(&shown.headline));
    write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{status}</title>\n<style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n<body>\n\
         <p class=\"status\">{status}</p>\n<h1>{message}</h1>\n<p>{}</p>\n",
        shown.kind()
    )?;
    if let Some(place) = &shown.place {
        writeln!(html, "<p>at <code>{}</code></p>", Escaped(place))?;
    }
    if !shown.causes.is_empty() {
        html.push_str("<h2>Causes</h2>\n<ol>\n");
        for cause in &shown.causes {
            writeln!(html, "<li><pre>{}</pre></li>", Escaped(cause))?;
        }
        html.push_str("</ol>\n");
    }
    if let Some(route) = &around.route {
        writeln!(html, "<h2>Route</h2>\n<p>{route}</p>")?;
    }
    if !around.steps.is_empty() {
        html.push_str("<h2>Middleware around it</h2>\n<ol>\n");
        for step in &around.steps {
            writeln!(html, "<li>{step}</li>")?;
        }
        html.push_str("</ol>\n");
    }
    if let Some(verdict) = &around.verdict {
        writeln!(html, "<h2>Routes nearby</h2>\n<p>{}</p>\n<ul>", Escaped(verdict))?;
        for Near { around, reason } in &around.near {
            writeln!(html, "<li>{around}: {}</li>", Escaped(reason))?;
        }
        html.push_str("</ul>\n");
    }
    let line = shown.request_line();
    writeln!(html, "<h2>Request</h2>\n<p><code>{}</code></p>\n<dl>", Escaped(&line))?;
    for (name, value) in &shown.fields {
        writeln!(html, "<dt>{}</dt><dd>{}</dd>", Escaped(name), Escaped(value))?;
    }
    html.push_str("</dl>\n</body>\n</html>\n");
    Ok(())
}

/// In the page: both escaped.
impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, place) = (Escaped(&self.name), Escaped(&self.place));
        write!(f, "<code>{name}</code> <small>{place}</small>")
    }
}

/// Text in HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => visible(f, c)?,
            }
        }
        Ok(())
    }
}

/// Text on a terminal, which takes control characters for commands.
struct Safe<'a>(&'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| visible(f, c))
    }
}

/// A character, or its number if it is one that changes how others are shown.
fn visible(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    let turns =
        matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match c {
        '\n' | '\t' => f.write_char(c),
        c if c.is_control() || turns => write!(f, "{}", c.escape_unicode()),
        c => f.write_char(c),
    }
}

/// Parts of the names of fields whose values let somebody in.
const SECRET_NAMES: &[&str] = &[
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "session",
    "api-key",
    "apikey",
    "signature",
    "csrf",
    "xsrf",
];

/// Readable on a phone, by day and by night; nothing from elsewhere.
const STYLE: &str = "
:root { color-scheme: light dark; --text: #1d1d22; --back: #fbfaf7; --soft: #65646b; --line: #dddad2;
  --mark: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #eceaf0; --back: #17171b; --soft: #a09fa8; --line: #38373f; --mark: #ff8a80; } }
body { max-width: 52rem; margin: 0 auto; padding: 1rem; color: var(--text); background: var(--back);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; white-space: pre-wrap; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.status { color: var(--mark); font-weight: 600; margin: 0; }
code, pre, dt, dd { font-family: ui-monospace, monospace; font-size: .875rem; }
pre { margin: 0; white-space: pre-wrap; }
small, dt { color: var(--soft); }
ol, ul { padding-left: 1.5rem; }
dd { margin: 0 0 .5rem; }
@media (min-width: 40rem) { dl { display: grid; grid-template-columns: 14rem 1fr; gap: .25rem 1rem; }
  dd { margin: 0; } }
";
