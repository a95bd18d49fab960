//! Rust text to tokens, as far as the rules need it: words, `::`, single marks, comments apart.
//!
//! Strings, characters and numbers become one token each without their contents, so that nothing
//! inside them is mistaken for code.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    /// `::`
    Path,
    Mark(char),
    Literal,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind,
    pub(crate) text: &'t str,
    pub(crate) line: usize,
}

impl Token<'_> {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

#[derive(Debug)]
pub(crate) struct Comment<'t> {
    pub(crate) text: &'t str,
    pub(crate) line: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Lexed<'t> {
    pub(crate) tokens: Vec<Token<'t>>,
    pub(crate) comments: Vec<Comment<'t>>,
}

pub(crate) fn lex(text: &str) -> Lexed<'_> {
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut lexed = Lexed::default();
    while let Some(first) = lexer.rest.chars().next() {
        let line = lexer.line;
        if let Some(length) = comment_length(lexer.rest) {
            // A line each, so that a rule can look at one line of a block.
            for (offset, text) in lexer.take(length).lines().enumerate() {
                lexed.comments.push(Comment { text, line: line + offset });
            }
        } else if let Some(length) = literal_length(lexer.rest) {
            let text = lexer.take(length);
            lexed.tokens.push(Token { kind: Kind::Literal, text, line });
        } else if first.is_whitespace() {
            lexer.take(first.len_utf8());
        } else if is_word(first) {
            let raw = if lexer.rest.starts_with("r#") { 2 } else { 0 };
            lexer.take(raw);
            let length = lexer.rest.find(|letter| !is_word(letter)).unwrap_or(lexer.rest.len());
            let text = lexer.take(length);
            lexed.tokens.push(Token { kind: Kind::Word, text, line });
        } else if lexer.rest.starts_with("::") {
            lexed.tokens.push(Token { kind: Kind::Path, text: lexer.take(2), line });
        } else {
            let text = lexer.take(first.len_utf8());
            lexed.tokens.push(Token { kind: Kind::Mark(first), text, line });
        }
    }
    lexed
}

struct Lexer<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Lexer<'t> {
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    // Block comments nest.
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    Some(text.len())
}

/// The length of the string, character, byte or raw string, or number, that the text begins with.
fn literal_length(text: &str) -> Option<usize> {
    let letters = text.len() - text.trim_start_matches(['b', 'c', 'r']).len();
    let prefix = &text[..letters.min(2)];
    if matches!(prefix, "" | "b" | "c") && text[prefix.len()..].starts_with('"') {
        return Some(prefix.len() + quoted_length(&text[prefix.len()..], b'"'));
    }
    if matches!(prefix, "r" | "br" | "cr") {
        let marks = text[prefix.len()..].bytes().take_while(|byte| *byte == b'#').count();
        let start = prefix.len() + marks;
        if text[start..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(marks));
            let inside = &text[start + 1..];
            let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
            return Some(start + 1 + length);
        }
    }
    if prefix == "b" && text[1..].starts_with('\'') {
        return Some(1 + quoted_length(&text[1..], b'\''));
    }
    if let Some(inside) = text.strip_prefix('\'') {
        let mut letters = inside.chars();
        let (first, second) = (letters.next(), letters.next());
        // `'a'` and `'\n'` are characters, `'a` is a lifetime, whose mark stands alone.
        let is_character = first == Some('\\') || second == Some('\'');
        return is_character.then(|| quoted_length(text, b'\''));
    }
    text.starts_with(|first: char| first.is_ascii_digit())
        .then(|| text.find(|letter: char| !is_word(letter)).unwrap_or(text.len()))
}

/// The length up to the closing quote; a backslash hides the byte after it.
fn quoted_length(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}
