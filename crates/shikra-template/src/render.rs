//! A rendering in the hands of its caller.

use std::fmt;
use std::io::Write;
use std::rc::Rc;

use crate::error::{Error, ErrorKind};
use crate::minify::Minifier;
use crate::plugin::{Plugin, Typed, check_name};
use crate::text::Text;
use crate::value::Value;
use crate::vm::Machine;
pub use crate::vm::Progress;

/// Renders one page, all at once or piece by piece.
///
/// ```
/// use shikra_template::{Engine, Progress, context};
///
/// # fn main() -> Result<(), shikra_template::Error> {
/// let engine = Engine::new();
/// engine.add("index", "@for n in numbers\n{{ n }},\n@endfor")?;
/// let numbers: Vec<i32> = (0..1000).collect();
/// let mut render = engine.start("index", &context! { numbers })?;
/// let mut piece = String::new();
/// let mut pieces = 0;
/// while render.resume(&mut piece, 1024)? == Progress::More {
///     pieces += 1; // here a server would wait until the socket has taken the piece
///     piece.clear();
/// }
/// assert_eq!(pieces, 3);
/// # Ok(())
/// # }
/// ```
///
/// A `Render` owns all it needs. It is not `Send`: its own plugins may use what belongs to one
/// request.
#[must_use = "nothing is rendered until it is asked for"]
pub struct Render {
    machine: Machine,
    minifier: Option<Minifier>,
    unminified: String,
    len_expected: usize,
}

impl Render {
    pub(crate) fn new(machine: Machine, minifier: Option<Minifier>, len_expected: usize) -> Self {
        Self { machine, minifier, unminified: String::new(), len_expected }
    }

    /// Adds a plugin for this page alone; it goes before one of the engine with the same name.
    ///
    /// ```
    /// use shikra_template::{Engine, context};
    ///
    /// # fn main() -> Result<(), shikra_template::Error> {
    /// let engine = Engine::new();
    /// engine.add("index", r#"<script nonce="{{ generateNonce() }}"></script>"#)?;
    /// let nonce = "c2hpa3Jh".to_owned(); // the one in the header of this response
    /// let page = engine
    ///     .start("index", &context! {})?
    ///     .with_plugin("generateNonce", move || nonce.clone())
    ///     .finish()?;
    /// assert_eq!(page, r#"<script nonce="c2hpa3Jh"></script>"#);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the name is none that a template can call, or belongs to the language (`raw`).
    #[track_caller]
    pub fn with_plugin<A: 'static>(mut self, name: &str, plugin: impl Plugin<A>) -> Self {
        if let Err(message) = check_name(name) {
            panic!("{message}");
        }
        self.machine.add_plugin(Text::from(name), Rc::new(Typed::new(plugin)));
        self
    }

    /// Gives a value to a name for the case that neither data nor `@set` define it.
    ///
    /// # Panics
    ///
    /// If the name is none that a template can write.
    #[track_caller]
    pub fn with_default(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Err(message) = check_name(name) {
            panic!("{message}");
        }
        self.machine.add_default(Text::from(name), value.into());
        self
    }

    /// Renders until `out` has grown by `budget_bytes` or the page is complete.
    ///
    /// A call also ends after about 100,000 steps, so that a page that works without putting out
    /// anything does not hold up others. Stretches of the template's own text and single values
    /// are not divided: the last of them in a call may go over the budget.
    ///
    /// # Errors
    ///
    /// What fails the page. What is in `out` by then is a part of it; a further call gives
    /// [`Progress::Done`] and puts out nothing.
    pub fn resume(&mut self, out: &mut String, budget_bytes: usize) -> Result<Progress, Error> {
        let Some(minifier) = &mut self.minifier else {
            return self.machine.resume(out, budget_bytes);
        };
        self.unminified.clear();
        let progress = match self.machine.resume(&mut self.unminified, budget_bytes) {
            Ok(progress) => progress,
            Err(error) => {
                // What it holds back belongs to a page that will not be.
                self.minifier = None;
                return Err(error);
            }
        };
        minifier.push(&self.unminified, out);
        if progress == Progress::Done {
            minifier.finish(out);
        }
        Ok(progress)
    }

    /// Renders what is left of the page into one text.
    ///
    /// # Errors
    ///
    /// What fails the page; nothing of it is given out then.
    pub fn finish(mut self) -> Result<String, Error> {
        let mut page = String::with_capacity(self.len_expected);
        let budget = if self.minifier.is_some() { PIECE_BYTES } else { usize::MAX };
        while self.resume(&mut page, budget)? == Progress::More {}
        self.machine.expect_len(page.len());
        Ok(page)
    }

    /// Renders what is left of the page into a writer of text, in pieces of about 8 KiB.
    ///
    /// # Errors
    ///
    /// What fails the page, and failures of the writer as [`ErrorKind::Output`].
    pub fn write_fmt_to(self, out: &mut dyn fmt::Write) -> Result<(), Error> {
        self.pieces(|piece| out.write_str(piece).map_err(Into::into))
    }

    /// Renders what is left of the page into a writer of bytes, in pieces of about 8 KiB.
    ///
    /// ```
    /// use shikra_template::{Engine, context};
    ///
    /// # fn main() -> Result<(), shikra_template::Error> {
    /// let engine = Engine::new();
    /// engine.add("index", "<h1>{{ title }}</h1>")?;
    /// let mut page = Vec::new();
    /// engine.start("index", &context! { title: "Hi" })?.write_to(&mut page)?;
    /// assert_eq!(page, b"<h1>Hi</h1>");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What fails the page, and failures of the writer as [`ErrorKind::Output`].
    pub fn write_to(self, out: &mut dyn Write) -> Result<(), Error> {
        self.pieces(|piece| out.write_all(piece.as_bytes()).map_err(Into::into))
    }

    fn pieces(
        mut self,
        mut write: impl FnMut(&str) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<(), Error> {
        let mut piece = String::with_capacity(PIECE_BYTES + PIECE_BYTES / 2);
        loop {
            let progress = self.resume(&mut piece, PIECE_BYTES)?;
            write(&piece).map_err(|cause| {
                Error::new(ErrorKind::Output, "the page could not be written").caused_by(cause)
            })?;
            if progress == Progress::Done {
                return Ok(());
            }
            piece.clear();
        }
    }
}

impl fmt::Debug for Render {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Render").finish_non_exhaustive()
    }
}

const PIECE_BYTES: usize = 8 * 1024;
