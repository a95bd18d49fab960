//! One source file, reduced to what the rules ask about.

use super::lexer::{Kind, Lexed, Token, lex};

/// Whether something is part of the program or of its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Code,
    Test,
}

/// A path as it is written, in a `use` line or anywhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The segments; a leading `::` is an empty first segment, a glob ends with `*`.
    pub(crate) segments: Vec<String>,
    /// The last segment, or what `as` makes of it.
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) role: Role,
    /// The inline modules around it, outermost first.
    pub(crate) inside: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Source<'t> {
    /// From the root of the repository, with `/`.
    pub(crate) path: &'t str,
    pub(crate) role: Role,
    pub(crate) references: Vec<Reference>,
    /// `pub use` lines, with what they name.
    pub(crate) exports: Vec<Reference>,
    /// `mod name;` and `mod name { … }`.
    pub(crate) modules: Vec<String>,
    /// Macros that `#[macro_export]` puts into the root of the crate.
    pub(crate) macros: Vec<String>,
    pub(crate) unsafe_lines: Vec<usize>,
    pub(crate) ignored_tests: Vec<usize>,
    /// Lines outside `#[cfg(test)]` items.
    pub(crate) code_lines: usize,
    /// Where something stands that is neither `mod` nor `pub use`.
    pub(crate) beyond_exports: Option<usize>,
    /// Comment lines that promise work without an issue to find it by.
    pub(crate) loose_ends: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(crate) fn parse(path: &'t str, text: &'t str) -> Self {
        let Lexed { tokens, comments } = lex(text);
        let loose = comments.iter().filter(|comment| is_loose_end(comment.text));
        let role = if super::is_test(path) { Role::Test } else { Role::Code };
        let source = Self {
            path,
            role,
            references: Vec::new(),
            exports: Vec::new(),
            modules: Vec::new(),
            macros: Vec::new(),
            unsafe_lines: Vec::new(),
            ignored_tests: Vec::new(),
            code_lines: text.lines().count(),
            beyond_exports: None,
            loose_ends: loose.map(|comment| comment.line).collect(),
        };
        let mut reader = Reader { tokens: &tokens, at: 0, depth: 0, inside: Vec::new(), source };
        reader.read();
        reader.source
    }

    /// The module that the file is, from the root of its crate; `None` outside `crates/*/src`.
    pub(crate) fn module(&self) -> Option<Vec<&'t str>> {
        let (_, inner) = self.path.strip_prefix("crates/")?.split_once("/src/")?;
        let mut parts: Vec<&str> = inner.strip_suffix(".rs")?.split('/').collect();
        if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
            parts.pop();
        }
        Some(parts)
    }

    /// The folder of the crate below `crates/`.
    pub(crate) fn folder(&self) -> Option<&'t str> {
        Some(self.path.strip_prefix("crates/")?.split_once('/')?.0)
    }
}

struct Reader<'s, 't> {
    tokens: &'s [Token<'t>],
    at: usize,
    depth: usize,
    /// Inline modules, with the depth at which each ends.
    inside: Vec<(String, usize)>,
    source: Source<'t>,
}

impl<'t> Reader<'_, 't> {
    fn read(&mut self) {
        // The first token after the test item that is being read, and the line it began on.
        let mut test_until = 0;
        let mut exported = false;
        while let Some(token) = self.tokens.get(self.at).copied() {
            let in_test = self.source.role == Role::Test || self.at < test_until;
            let role = if in_test { Role::Test } else { Role::Code };
            let top = self.depth == 0;
            match token.kind {
                Kind::Mark('#') => {
                    let attribute = self.attribute();
                    if is_ignore(&attribute) {
                        self.source.ignored_tests.push(token.line);
                    }
                    self.unsafe_words(&attribute);
                    exported |= attribute.iter().any(|word| word.is_word("macro_export"));
                    if is_test_only(&attribute) && self.at > test_until {
                        test_until = self.item_end();
                        let last = self.tokens.get(test_until - 1).map_or(token.line, |t| t.line);
                        self.source.code_lines -= last + 1 - token.line;
                    }
                    continue;
                }
                Kind::Mark('{') => self.depth += 1,
                Kind::Mark('}') => {
                    self.depth = self.depth.saturating_sub(1);
                    self.inside.pop_if(|(_, depth)| *depth == self.depth);
                }
                Kind::Path => {
                    let before = self.at;
                    self.path(role);
                    if self.at > before {
                        continue;
                    }
                }
                Kind::Word => match token.text {
                    "unsafe" => self.source.unsafe_lines.push(token.line),
                    // `impl Trait + use<'a>` imports nothing.
                    "use" if self.peek(1).is_none_or(|next| next.kind != Kind::Mark('<')) => {
                        let public =
                            self.tokens[..self.at].last().is_some_and(|t| t.is_word("pub"));
                        if top && !public {
                            self.beyond(token.line);
                        }
                        self.use_line(role, public);
                        continue;
                    }
                    "mod" => {
                        if let Some(name) = self.peek(1).filter(|next| next.kind == Kind::Word) {
                            self.source.modules.push(name.text.to_owned());
                            if self.peek(2).is_some_and(|next| next.kind == Kind::Mark('{')) {
                                if top {
                                    self.beyond(token.line);
                                }
                                self.inside.push((name.text.to_owned(), self.depth));
                            }
                            self.at += 2;
                            continue;
                        }
                    }
                    "macro_rules" => {
                        if let Some(name) = self.peek(2).filter(|_| exported) {
                            self.source.macros.push(name.text.to_owned());
                        }
                        exported = false;
                        if top {
                            self.beyond(token.line);
                        }
                    }
                    "pub" => {}
                    "crate" | "super" | "in" | "self" if top && self.in_visibility() => {}
                    _ => {
                        if top {
                            self.beyond(token.line);
                        }
                        self.path(role);
                        continue;
                    }
                },
                Kind::Mark(_) | Kind::Literal => {}
            }
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<Token<'t>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn beyond(&mut self, line: usize) {
        self.source.beyond_exports.get_or_insert(line);
    }

    /// Whether the word is the one in `pub(crate)`.
    fn in_visibility(&self) -> bool {
        let before = &self.tokens[..self.at];
        before.iter().rev().nth(1).is_some_and(|token| token.is_word("pub"))
    }

    fn unsafe_words(&mut self, tokens: &[Token<'_>]) {
        let lines = tokens.iter().filter(|token| token.is_word("unsafe")).map(|token| token.line);
        self.source.unsafe_lines.extend(lines);
    }

    /// The tokens between the brackets of an attribute; stands behind it afterwards.
    fn attribute(&mut self) -> Vec<Token<'t>> {
        let mut open = 0_usize;
        let mut inner = Vec::new();
        self.at += 1;
        while let Some(token) = self.peek(0) {
            self.at += 1;
            match token.kind {
                Kind::Mark('!') if open == 0 => {}
                Kind::Mark('[') => open += 1,
                Kind::Mark(']') if open <= 1 => break,
                Kind::Mark(']') => open -= 1,
                _ if open == 0 => break,
                _ => inner.push(token),
            }
        }
        inner
    }

    /// The first token behind the item that begins here: behind its `;` or its closing brace.
    fn item_end(&self) -> usize {
        let mut open = 0_usize;
        for (offset, token) in self.tokens[self.at..].iter().enumerate() {
            match token.kind {
                Kind::Mark('{' | '(' | '[') => open += 1,
                Kind::Mark(')' | ']') => open = open.saturating_sub(1),
                Kind::Mark('}') => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        return self.at + offset + 1;
                    }
                }
                Kind::Mark(';') if open == 0 => return self.at + offset + 1,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// A path outside `use`: words joined by `::`. Stands behind it afterwards.
    fn path(&mut self, role: Role) {
        let Some(first) = self.peek(0) else { return };
        let mut segments = Vec::new();
        if first.kind == Kind::Path {
            // `::http::Method` names a crate, `Vec::<u8>::new` and `<T as Trait>::NAME` do not.
            let before = self.tokens[..self.at].last();
            if before.is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Mark('>'))) {
                return;
            }
            segments.push(String::new());
        } else {
            segments.push(first.text.to_owned());
            self.at += 1;
        }
        while let (Some(colons), Some(next)) = (self.peek(0), self.peek(1)) {
            if colons.kind != Kind::Path || next.kind != Kind::Word {
                break;
            }
            segments.push(next.text.to_owned());
            self.at += 2;
        }
        if segments.len() > 1 {
            let name = segments.last().cloned().unwrap_or_default();
            let reference = self.reference(segments, name, first.line, role);
            self.source.references.push(reference);
        }
    }

    /// A whole `use …;`. Stands behind it afterwards.
    fn use_line(&mut self, role: Role, public: bool) {
        self.at += 1;
        let from = self.source.references.len();
        self.use_tree(&[], role);
        if public {
            let named = self.source.references[from..].to_vec();
            self.source.exports.extend(named);
        }
    }

    fn use_tree(&mut self, prefix: &[String], role: Role) {
        let mut segments = prefix.to_vec();
        while let Some(token) = self.peek(0) {
            self.at += 1;
            match token.kind {
                Kind::Path if segments.is_empty() => segments.push(String::new()),
                Kind::Path => {}
                Kind::Mark('{') => {
                    while self.peek(0).is_some_and(|next| next.kind != Kind::Mark('}')) {
                        self.use_tree(&segments, role);
                        if self.peek(0).is_some_and(|next| next.kind == Kind::Mark(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                Kind::Mark('*') => segments.push("*".to_owned()),
                Kind::Word if token.text == "as" => {
                    let name = self.peek(0).map_or(String::new(), |next| next.text.to_owned());
                    self.at += 1;
                    self.named(segments, name, token.line, role);
                    return;
                }
                // `{self, …}` names what stands before the brace.
                Kind::Word if token.text == "self" && !segments.is_empty() => {}
                Kind::Word => segments.push(token.text.to_owned()),
                Kind::Mark(_) | Kind::Literal => {
                    // `,`, `}` or `;`: the caller's.
                    self.at -= 1;
                    let name = segments.last().cloned().unwrap_or_default();
                    self.named(segments, name, token.line, role);
                    if token.kind == Kind::Mark(';') {
                        self.at += 1;
                    }
                    return;
                }
            }
        }
    }

    fn named(&mut self, segments: Vec<String>, name: String, line: usize, role: Role) {
        if !segments.is_empty() {
            let reference = self.reference(segments, name, line, role);
            self.source.references.push(reference);
        }
    }

    fn reference(&self, segments: Vec<String>, name: String, line: usize, role: Role) -> Reference {
        let inside = self.inside.iter().map(|(name, _)| name.clone()).collect();
        Reference { segments, name, line, role, inside }
    }
}

/// `#[ignore]`, `#[ignore = "…"]` and `#[cfg_attr(…, ignore)]`.
fn is_ignore(attribute: &[Token<'_>]) -> bool {
    let Some(first) = attribute.first() else { return false };
    let conditional = first.is_word("cfg_attr");
    first.is_word("ignore") || conditional && attribute.iter().any(|token| token.is_word("ignore"))
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]` and `#[cfg(all(test, …))]`, but not a `cfg` that
/// also holds elsewhere.
fn is_test_only(attribute: &[Token<'_>]) -> bool {
    let Some(first) = attribute.first() else { return false };
    let has = |word| attribute.iter().any(|token| token.is_word(word));
    if first.is_word("cfg") {
        return has("test") && !has("not") && !has("any");
    }
    let path = attribute.iter().take_while(|t| matches!(t.kind, Kind::Word | Kind::Path));
    path.last().is_some_and(|token| token.is_word("test"))
}

/// A mark for later work that names no issue.
fn is_loose_end(comment: &str) -> bool {
    let mut words = comment.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let marked = words.any(|word| matches!(word, "TODO" | "FIXME"));
    let mut numbers = comment.split('#').skip(1);
    marked && !numbers.any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}
