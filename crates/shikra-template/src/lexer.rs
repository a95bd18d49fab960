//! Cuts the text of a template into tokens.
//!
//! Outside of `{{ }}` and directives everything is text, and what only resembles a directive stays
//! text. Comments are left out here. What the tokens mean together is the parser's affair.

use crate::span::{Mistake, Span, narrow};
use crate::value::number::is_space;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Open,
    Close,
    LineEnd,
    Directive(Word),
    Name,
    Number,
    Quoted,
    Mark(&'static str),
    End,
}

/// The words that can follow an `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    If,
    ElseIf,
    Else,
    EndIf,
    For,
    EndFor,
    Set,
    EndSet,
    Layout,
    Yield,
    Block,
    EndBlock,
    Import,
    Component,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// The tokens of a template, and the places of text that looks like a directive but is none.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
    pub(crate) lookalikes: Vec<(Span, &'static str)>,
}

/// Cuts a template into tokens.
pub(crate) fn lex(source: &str) -> Result<Tokens, Mistake> {
    let mut lexer = Lexer {
        source,
        bytes: source.as_bytes(),
        at: if source.starts_with('\u{feff}') { 3 } else { 0 },
        tokens: Vec::new(),
        lookalikes: Vec::new(),
        last_close: source.rfind("}}").unwrap_or(0),
        last_endset: source.rfind("@endset").unwrap_or(0),
    };
    lexer.text()?;
    lexer.push(Kind::End, source.len());
    Ok(Tokens { tokens: lexer.tokens, lookalikes: lexer.lookalikes })
}

/// What ends the expression that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Braces,
    LineEnd,
    EndSet,
    Parenthesis,
}

struct Lexer<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    tokens: Vec<Token>,
    lookalikes: Vec<(Span, &'static str)>,
    // Known from the start, so that a flood of `{{` is not searched again and again.
    last_close: usize,
    last_endset: usize,
}

impl Lexer<'_> {
    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, span: Span::new(start, self.at) });
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn text(&mut self) -> Result<(), Mistake> {
        let mut start = self.at;
        while self.at < self.bytes.len() {
            let here = self.at;
            match self.bytes[here] {
                b'#' if self.byte(here + 1) == b'#' => {
                    self.push_text(start);
                    self.skip_line();
                    start = self.at;
                }
                b'{' if self.byte(here + 1) == b'{' => {
                    let count = self.bytes[here..].iter().take_while(|&&b| b == b'{').count();
                    self.at = here + count;
                    if self.last_close >= self.at {
                        self.at -= 2;
                        self.push_text(start);
                        self.interpolation()?;
                        start = self.at;
                    }
                }
                b'@' => match self.directive_word() {
                    Some(word) => {
                        self.push_text(start);
                        self.directive(word)?;
                        start = self.at;
                    }
                    None => self.at = here + 1,
                },
                _ => self.at += 1,
            }
        }
        self.push_text(start);
        Ok(())
    }

    fn push_text(&mut self, start: usize) {
        if start < self.at {
            self.push(Kind::Text, start);
        }
    }

    /// Moves to the end of the line, but not over it.
    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let before_return = len > 0 && rest[len - 1] == b'\r' && len < rest.len();
        self.at += if before_return { len - 1 } else { len };
    }

    fn interpolation(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        self.at += 2;
        self.push(Kind::Open, start);
        self.expression(Until::Braces, start)
    }

    /// Reads the word after an `@`, if it is a directive that begins here.
    fn directive_word(&mut self) -> Option<Word> {
        let start = self.at + 1;
        let len = self.bytes[start..].iter().take_while(|&&b| is_name_byte(b)).count();
        let end = start + len;
        let (word, ok, hint) = match &self.source[start..end] {
            "if" => (Word::If, is_blank(self.byte(end)), "`@if` wants a blank after it"),
            "elseif" => {
                (Word::ElseIf, is_blank(self.byte(end)), "`@elseif` wants a blank after it")
            }
            "else" => (Word::Else, true, ""),
            "endif" => (Word::EndIf, true, ""),
            "endfor" => (Word::EndFor, true, ""),
            "endset" => (Word::EndSet, true, ""),
            "endblock" => (Word::EndBlock, true, ""),
            "for" => (Word::For, self.is_for(end), "a loop is written `@for name in list`"),
            "set" => (Word::Set, self.is_set(end), "`@set` wants a name and `=`"),
            "layout" => (Word::Layout, self.is_call(end), "`@layout` wants `(` and a quoted name"),
            "yield" => (Word::Yield, self.is_call(end), "`@yield` wants `(` and a quoted name"),
            "block" => (Word::Block, self.is_call(end), "`@block` wants `(` and a quoted name"),
            "import" => (Word::Import, self.is_call(end), "`@import` wants `(` and a quoted name"),
            "component" => {
                (Word::Component, self.is_call(end), "`@component` wants `(` and a quoted name")
            }
            _ => return None,
        };
        if !ok {
            // A style sheet may say `@import url(x.css)` and `@import "x.css"`.
            let css = word == Word::Import && self.byte(end) != b'(';
            if !css && matches!(self.byte(end), b' ' | b'(') {
                self.lookalikes.push((Span::new(start - 1, end), hint));
            }
            return None;
        }
        Some(word)
    }

    fn is_for(&self, at: usize) -> bool {
        let rest = &self.source[at..];
        let Some(rest) = skip_blanks(rest) else { return false };
        let names = match rest.strip_prefix('[') {
            None => skip_name(rest),
            Some(rest) => skip_name(rest.trim_start_matches(is_blank_char))
                .and_then(|rest| rest.trim_start_matches(is_blank_char).strip_prefix(','))
                .and_then(|rest| skip_name(rest.trim_start_matches(is_blank_char)))
                .and_then(|rest| rest.trim_start_matches(is_blank_char).strip_prefix(']')),
        };
        names
            .and_then(skip_blanks)
            .and_then(|rest| rest.strip_prefix("in"))
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    }

    fn is_set(&self, at: usize) -> bool {
        let rest = &self.source[at..];
        if !rest.starts_with(is_space) {
            return false;
        }
        let after_name = skip_name(rest.trim_start_matches(is_space));
        after_name
            .and_then(|rest| rest.trim_start_matches(is_space).strip_prefix('='))
            .is_some_and(|rest| !rest.starts_with('='))
    }

    fn is_call(&self, at: usize) -> bool {
        self.source[at..]
            .strip_prefix('(')
            .is_some_and(|rest| rest.trim_start_matches(is_space).starts_with(['"', '\'']))
    }

    fn directive(&mut self, word: Word) -> Result<(), Mistake> {
        let start = self.at;
        self.at += 1;
        while is_name_byte(self.byte(self.at)) {
            self.at += 1;
        }
        self.push(Kind::Directive(word), start);
        match word {
            Word::If | Word::ElseIf | Word::For => self.expression(Until::LineEnd, start),
            Word::Set if self.last_endset <= start => {
                Err(Mistake::new(narrow(start), "`@set` needs an `@endset`"))
            }
            Word::Set => self.expression(Until::EndSet, start),
            Word::Layout | Word::Yield | Word::Block | Word::Import | Word::Component => {
                self.expression(Until::Parenthesis, start)
            }
            Word::Else | Word::EndIf | Word::EndFor | Word::EndSet | Word::EndBlock => Ok(()),
        }
    }

    /// Reads the tokens of an expression up to what ends it, and that too.
    fn expression(&mut self, until: Until, opened_at: usize) -> Result<(), Mistake> {
        // Where the brackets that are still open stand.
        let mut open: Vec<usize> = Vec::new();
        loop {
            self.skip_space(until);
            let start = self.at;
            let Some(&byte) = self.bytes.get(start) else {
                return self.source_ends(until, open.last().copied().unwrap_or(opened_at));
            };
            match byte {
                b'\n' | b'\r' => {
                    // Only reached where the end of the line ends the expression.
                    self.push(Kind::LineEnd, start);
                    return Ok(());
                }
                b'"' | b'\'' => self.quoted(byte)?,
                b'0'..=b'9' => self.number()?,
                b if is_name_byte(b) => {
                    while is_name_byte(self.byte(self.at)) {
                        self.at += 1;
                    }
                    self.push(Kind::Name, start);
                }
                b'}' if until == Until::Braces
                    && open.is_empty()
                    && self.byte(start + 1) == b'}' =>
                {
                    self.at += 2;
                    self.push(Kind::Close, start);
                    return Ok(());
                }
                b'@' if until == Until::EndSet && self.is_endset(start) => {
                    self.at += "@endset".len();
                    self.push(Kind::Directive(Word::EndSet), start);
                    return Ok(());
                }
                _ => {
                    let mark = self.mark(until)?;
                    self.bracket(mark, &mut open)?;
                    self.at += mark.len();
                    self.push(Kind::Mark(mark), start);
                    if until == Until::Parenthesis && open.is_empty() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Keeps track of brackets, so that one that is forgotten is named where it stands.
    fn bracket(&self, mark: &str, open: &mut Vec<usize>) -> Result<(), Mistake> {
        let opens_with = match mark {
            "(" | "[" | "{" => {
                open.push(self.at);
                return Ok(());
            }
            ")" => b'(',
            "]" => b'[',
            "}" => b'{',
            _ => return Ok(()),
        };
        match open.pop() {
            Some(at) if self.bytes[at] != opens_with => Err(self.not_closed(at)),
            _ => Ok(()),
        }
    }

    fn not_closed(&self, at: usize) -> Mistake {
        Mistake::new(narrow(at), format!("`{}` is not closed", char::from(self.bytes[at])))
    }

    fn skip_space(&mut self, until: Until) {
        while let Some(c) = self.source[self.at..].chars().next() {
            // A lone carriage return is a blank like others, before a line feed it ends the line.
            let line_end = c == '\n' || (c == '\r' && self.byte(self.at + 1) == b'\n');
            if line_end && until == Until::LineEnd {
                return;
            } else if is_space(c) {
                self.at += c.len_utf8();
            } else if self.source[self.at..].starts_with("##") {
                self.skip_line();
            } else {
                return;
            }
        }
    }

    fn source_ends(&mut self, until: Until, opened_at: usize) -> Result<(), Mistake> {
        let message = match until {
            Until::LineEnd => {
                self.push(Kind::LineEnd, self.at);
                return Ok(());
            }
            _ if matches!(self.bytes[opened_at], b'(' | b'[')
                || (self.bytes[opened_at] == b'{' && self.byte(opened_at + 1) != b'{') =>
            {
                return Err(self.not_closed(opened_at));
            }
            Until::EndSet => "`@set` needs an `@endset`",
            Until::Braces | Until::Parenthesis => "`{{` is not closed by `}}`",
        };
        Err(Mistake::new(narrow(opened_at), message))
    }

    fn is_endset(&self, at: usize) -> bool {
        self.source[at..]
            .strip_prefix("@endset")
            .is_some_and(|rest| !rest.as_bytes().first().copied().is_some_and(is_name_byte))
    }

    fn quoted(&mut self, quote: u8) -> Result<(), Mistake> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte(self.at) {
                b if b == quote => break,
                b'\\' if !matches!(self.byte(self.at + 1), b'\n' | b'\r') => self.at += 2,
                b'\n' | b'\r' => {
                    return Err(Mistake::new(narrow(start), "text is not closed on its line"));
                }
                _ => self.at += 1,
            }
            if self.at >= self.bytes.len() {
                return Err(Mistake::new(narrow(start), "text is not closed"));
            }
        }
        self.at += 1;
        self.push(Kind::Quoted, start);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        self.digits();
        // In `xs.0.1` the numbers are two positions, not one fraction.
        let after_dot = self.tokens.last().is_some_and(|token| {
            matches!(token.kind, Kind::Mark("." | "?.")) && token.span.end == narrow(start)
        });
        if !after_dot {
            if self.byte(self.at) == b'.' && self.byte(self.at + 1).is_ascii_digit() {
                self.at += 1;
                self.digits();
            }
            let sign = usize::from(matches!(self.byte(self.at + 1), b'+' | b'-'));
            if matches!(self.byte(self.at), b'e' | b'E')
                && self.byte(self.at + 1 + sign).is_ascii_digit()
            {
                self.at += 1 + sign;
                self.digits();
            }
        }
        if is_name_byte(self.byte(self.at)) {
            return Err(Mistake::new(narrow(start), "a number ends in a letter"));
        }
        self.push(Kind::Number, start);
        Ok(())
    }

    fn digits(&mut self) {
        while self.byte(self.at).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn mark(&self, until: Until) -> Result<&'static str, Mistake> {
        let rest = &self.source[self.at..];
        if let Some(effect) = ["++", "--"].iter().find(|effect| rest.starts_with(**effect)) {
            return Err(Mistake::new(narrow(self.at), format!("`{effect}` is no operator here")));
        }
        let found = MARKS.iter().find(|mark| rest.starts_with(**mark));
        match found {
            Some(mark) => Ok(mark),
            None => {
                let c = rest.chars().next().unwrap_or(' ');
                let message = match (c, until) {
                    ('@', Until::LineEnd) => {
                        "the condition or list goes up to the end of its line; \
                         the body starts on the next one"
                            .to_owned()
                    }
                    ('`', _) => "text is written in single or double quotes".to_owned(),
                    _ => format!("unexpected {c:?}"),
                };
                Err(Mistake::new(narrow(self.at), message))
            }
        }
    }
}

pub(crate) fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

fn is_blank_char(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Skips at least one blank.
fn skip_blanks(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(is_blank_char);
    (rest.len() < text.len()).then_some(rest)
}

fn skip_name(text: &str) -> Option<&str> {
    let len = text.bytes().take_while(|&b| is_name_byte(b)).count();
    (len > 0 && !text.as_bytes()[0].is_ascii_digit()).then(|| &text[len..])
}

/// Longer marks stand before those that they begin with.
const MARKS: [&str; 30] = [
    "===", "!==", "...", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "(", ")", "[", "]", "{",
    "}", ",", ":", ".", "?", "+", "-", "*", "/", "%", "<", ">", "!", "=",
];
