//! Follows HTML closely enough to know where in it one is: text, a tag, an attribute, a script.
//!
//! | state | goes to | on |
//! |---|---|---|
//! | text | tag open | `<` |
//! | tag open | tag name, markup, text | a letter or `/`; `!`; anything else |
//! | tag name | tag, text or raw | a blank; `>` |
//! | tag | attribute name, text or raw | a letter; `>` |
//! | attribute name | after name, before value, tag | a blank; `=`; `/` |
//! | before value | quoted, unquoted | a quote; anything else |
//! | quoted, unquoted | tag | the quote; a blank |
//! | markup | comment, text | `--`; `>` |
//! | comment | text | `-->` |
//! | raw (script, style, textarea, title) | tag | the end tag of the element |

/// Where the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Text,
    TagOpen,
    TagName,
    Tag,
    AttributeName,
    AfterName,
    BeforeValue,
    Quoted(u8),
    Unquoted,
    Markup,
    Comment,
    Raw(&'static str),
}

/// Follows HTML byte by byte.
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    pub(crate) state: State,
    /// The name of the current or last tag, in lower case.
    pub(crate) tag: String,
    /// The name of the current or last attribute, in lower case.
    pub(crate) attribute: String,
    /// Something other than white space has come in the current attribute's value.
    pub(crate) value_begun: bool,
    /// How many `pre` elements are open.
    pub(crate) pre_depth: usize,
    closing: bool,
    tail: String,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Text,
            tag: String::new(),
            attribute: String::new(),
            value_begun: false,
            pre_depth: 0,
            closing: false,
            tail: String::new(),
        }
    }

    pub(crate) fn feed(&mut self, text: &str) {
        text.bytes().for_each(|b| self.step(b));
    }

    /// A value of unknown text stands here.
    pub(crate) fn value(&mut self) {
        self.value_begun = true;
        if self.state == State::BeforeValue {
            self.state = State::Unquoted;
        }
    }

    pub(crate) fn step(&mut self, b: u8) {
        let blank = b.is_ascii_whitespace();
        self.state = match self.state {
            State::Text if b == b'<' => {
                self.tag.clear();
                self.closing = false;
                State::TagOpen
            }
            State::Text => State::Text,
            State::TagOpen => self.tag_open(b),
            State::TagName if b == b'>' => self.end_tag(),
            State::TagName if blank || b == b'/' => State::Tag,
            State::TagName => {
                push(&mut self.tag, b);
                State::TagName
            }
            State::Tag | State::AfterName if blank => self.state,
            State::AttributeName if blank => State::AfterName,
            State::AttributeName | State::AfterName if b == b'=' => State::BeforeValue,
            State::Tag | State::AttributeName | State::AfterName => match b {
                b'>' => self.end_tag(),
                b'/' => State::Tag,
                _ => {
                    if self.state != State::AttributeName {
                        self.attribute.clear();
                    }
                    push(&mut self.attribute, b);
                    State::AttributeName
                }
            },
            State::BeforeValue if blank => State::BeforeValue,
            State::BeforeValue if b == b'"' || b == b'\'' => {
                self.value_begun = false;
                State::Quoted(b)
            }
            State::Quoted(quote) if b == quote => State::Tag,
            State::Quoted(quote) => {
                self.value_begun |= !blank;
                State::Quoted(quote)
            }
            State::BeforeValue | State::Unquoted if b == b'>' => self.end_tag(),
            State::Unquoted if blank => State::Tag,
            State::BeforeValue | State::Unquoted => State::Unquoted,
            State::Markup => self.markup(b),
            State::Comment => self.comment(b),
            State::Raw(element) => self.raw(element, b),
        };
    }

    fn tag_open(&mut self, b: u8) -> State {
        match b {
            b'/' if !self.closing => {
                self.closing = true;
                State::TagOpen
            }
            b'!' if !self.closing => {
                self.tail.clear();
                State::Markup
            }
            b'<' => {
                self.closing = false;
                State::TagOpen
            }
            b if b.is_ascii_alphabetic() => {
                push(&mut self.tag, b);
                State::TagName
            }
            _ => State::Text,
        }
    }

    fn end_tag(&mut self) -> State {
        match (self.tag.as_str(), self.closing) {
            ("pre", false) => self.pre_depth += 1,
            ("pre", true) => self.pre_depth = self.pre_depth.saturating_sub(1),
            _ => {}
        }
        let raw = RAW_ELEMENTS.iter().find(|element| **element == self.tag);
        match raw {
            Some(element) if !self.closing => {
                self.tail.clear();
                State::Raw(element)
            }
            _ => State::Text,
        }
    }

    fn markup(&mut self, b: u8) -> State {
        push(&mut self.tail, b);
        match b {
            _ if self.tail == "--" => State::Comment,
            b'>' => State::Text,
            _ => State::Markup,
        }
    }

    fn comment(&mut self, b: u8) -> State {
        // The tail is the run of dashes before this byte; the two that open count.
        match b {
            b'-' => self.tail.push('-'),
            b'>' if self.tail.len() >= 2 => return State::Text,
            _ => self.tail.clear(),
        }
        self.tail.truncate(2);
        State::Comment
    }

    fn raw(&mut self, element: &'static str, b: u8) -> State {
        if b == b'<' {
            self.tail.clear();
            self.tail.push('<');
            return State::Raw(element);
        }
        let at_end = self.tail.strip_prefix("</") == Some(element);
        if at_end && (b == b'>' || b == b'/' || b.is_ascii_whitespace()) {
            self.closing = true;
            element.clone_into(&mut self.tag);
            return if b == b'>' { self.end_tag() } else { State::Tag };
        }
        if self.tail.is_empty() || self.tail.len() > TAIL_BYTES_MAX {
            self.tail.clear();
        } else {
            push(&mut self.tail, b);
        }
        State::Raw(element)
    }
}

/// Adds to a name. What is longer than any name of interest is cut.
fn push(name: &mut String, b: u8) {
    if name.len() < NAME_BYTES_MAX {
        name.push(char::from(b.to_ascii_lowercase()));
    }
}

const RAW_ELEMENTS: [&str; 4] = ["script", "style", "textarea", "title"];

const NAME_BYTES_MAX: usize = 40;

/// Longer than `</textarea`, the longest end that is looked for.
const TAIL_BYTES_MAX: usize = 10;
