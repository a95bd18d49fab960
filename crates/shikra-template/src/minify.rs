//! Shortens HTML while it goes out.
//!
//! Comments go, except conditional ones; runs of white space become one space, and none where HTML
//! ignores it: around the tags of the document and of tables. What stands in `pre`, `textarea`,
//! `title`, `script` and `style` and between quotes stays as it is, and so does one space between
//! any two words or inline elements. The state belongs to one page.

use crate::html::{Scanner, State};

/// Says how pages are shortened.
///
/// ```
/// use shikra_template::{Engine, Minify, context};
///
/// # fn main() -> Result<(), shikra_template::Error> {
/// let engine = Engine::new().with_minify(Minify::Html);
/// engine.add("index", "<p>\n  <b>x</b>  y <!-- z -->\n</p>\n<pre>\n  a</pre>")?;
/// assert_eq!(engine.render("index", &context! {})?, "<p> <b>x</b> y </p> <pre>\n  a</pre>");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Minify {
    /// Takes the page for HTML.
    Html,
}

pub(crate) struct Minifier {
    html: Scanner,
    /// White space has been read, but not yet put out.
    space: bool,
    /// The character before was a blank. What has been put out cannot say, since the caller takes it.
    blank_before: bool,
    /// The last tag swallows white space after it.
    after_structure: bool,
    /// A tag whose name is not complete yet.
    held: String,
    comment: Comment,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comment {
    None,
    Begun,
    Dropped,
    Kept,
}

impl Minifier {
    pub(crate) fn new(_: Minify) -> Self {
        Self {
            html: Scanner::new(),
            space: false,
            blank_before: false,
            after_structure: false,
            held: String::new(),
            comment: Comment::None,
        }
    }

    pub(crate) fn push(&mut self, text: &str, out: &mut String) {
        for c in text.chars() {
            // All that is decided here depends on ASCII; other characters are like any letter.
            self.push_char(c, u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'x'), out);
        }
    }

    pub(crate) fn finish(&mut self, out: &mut String) {
        if self.held.is_empty() {
            self.put_space(out);
        } else {
            self.put_held(out);
        }
    }

    fn push_char(&mut self, c: char, b: u8, out: &mut String) {
        let before = self.html.state;
        let in_pre = self.html.pre_depth > 0;
        self.html.step(b);
        let blank = b.is_ascii_whitespace();
        let after_blank = std::mem::replace(&mut self.blank_before, blank);
        match before {
            _ if in_pre => out.push(c),
            State::Raw(_) | State::Quoted(_) => out.push(c),
            State::Text if b == b'<' => self.held.push(c),
            State::Text => self.text(c, blank, out),
            State::TagOpen | State::TagName | State::Markup => self.name(c, blank, out),
            State::Comment => self.comment(c, out),
            // Within a tag.
            _ if blank => {
                if !after_blank {
                    out.push(' ');
                }
            }
            _ => out.push(c),
        }
    }

    fn text(&mut self, c: char, blank: bool, out: &mut String) {
        if blank {
            self.space = true;
            return;
        }
        self.put_space(out);
        self.after_structure = false;
        out.push(c);
    }

    /// Holds a tag back until its name is known, since the name decides about the space before it.
    fn name(&mut self, c: char, blank: bool, out: &mut String) {
        match self.html.state {
            State::TagOpen | State::TagName | State::Markup => self.held.push(c),
            State::Comment => {
                self.held.push(c);
                self.comment = Comment::Begun;
            }
            // No tag after all: `a < b`.
            State::Text if self.html.tag.is_empty() && !self.held.starts_with("<!") => {
                self.put_held(out);
                self.after_structure = false;
                self.text(c, blank, out);
            }
            _ => {
                self.held.push(if blank { ' ' } else { c });
                let structure = self.held.starts_with("<!") || is_structure(&self.html.tag);
                self.after_structure |= structure;
                self.put_held(out);
                self.after_structure = structure;
            }
        }
    }

    fn comment(&mut self, c: char, out: &mut String) {
        if self.comment == Comment::Begun {
            // Conditional comments are not comments for those who read them.
            self.comment = if c == '[' { Comment::Kept } else { Comment::Dropped };
            if self.comment == Comment::Kept {
                self.put_held(out);
                self.after_structure = false;
            }
            self.held.clear();
        }
        if self.comment == Comment::Kept {
            out.push(c);
        }
        if self.html.state == State::Text {
            self.comment = Comment::None;
        }
    }

    fn put_space(&mut self, out: &mut String) {
        if std::mem::take(&mut self.space) && !self.after_structure {
            out.push(' ');
        }
    }

    fn put_held(&mut self, out: &mut String) {
        self.put_space(out);
        out.push_str(&std::mem::take(&mut self.held));
    }
}

/// Elements around which HTML ignores white space.
fn is_structure(tag: &str) -> bool {
    STRUCTURE.contains(&tag)
}

const STRUCTURE: [&str; 18] = [
    "html", "head", "body", "meta", "link", "title", "base", "table", "thead", "tbody", "tfoot",
    "tr", "td", "th", "colgroup", "col", "option", "optgroup",
];
