//! Builds the syntax tree from the tokens: text, directives and their nesting.
//!
//! White space is settled here, since it belongs to the directives: bodies of loops are trimmed at
//! both ends, and white space after `@else` and `@block("…")` goes. Expressions stand in `expr`.

mod expr;
mod quoted;

use crate::ast::{Branch, Expr, Form, Names, Node, Target};
use crate::lexer::{Kind, Token, Word};
use crate::span::{Mistake, Span};
use crate::text::Text;
use crate::value::Value;
use crate::value::number::is_space;

/// Parses the tokens of a template.
pub(crate) fn parse(source: &str, tokens: &[Token]) -> Result<Vec<Node>, Mistake> {
    let mut parser = Parser { source, tokens, at: 0, depth: 0, layout: None };
    let body = parser.body(Trim::None, false)?;
    match parser.peek().kind {
        Kind::End => Ok(body),
        _ => Err(parser.stray()),
    }
}

struct Parser<'s> {
    source: &'s str,
    tokens: &'s [Token],
    at: usize,
    // Levels of directives and of expressions around this point; both are limited.
    depth: usize,
    layout: Option<Span>,
}

/// The white space that a body loses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trim {
    None,
    Start,
    Both,
}

impl Parser<'_> {
    fn peek(&self) -> Token {
        self.tokens[self.at]
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at];
        // The last token is `End`, which is never passed.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn text_of(&self, token: Token) -> &str {
        token.span.of(self.source)
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Mark(other) if other == mark);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, mark: &'static str, after: &str) -> Result<Token, Mistake> {
        let token = self.peek();
        if self.eat(mark) {
            Ok(token)
        } else {
            Err(self.unexpected(&format!("expected `{mark}` {after}")))
        }
    }

    /// A mistake at the next token, which says what stands there.
    fn unexpected(&self, expected: &str) -> Mistake {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "the template ends".to_owned(),
            Kind::LineEnd => "the line ends".to_owned(),
            Kind::Close | Kind::Text | Kind::Open => {
                return Mistake::new(token.span.start, expected);
            }
            _ => {
                let text: String = self.text_of(token).chars().take(20).collect();
                format!("found `{text}`")
            }
        };
        Mistake::new(token.span.start, format!("{expected}, {found}"))
    }

    fn enter(&mut self, at: u32) -> Result<(), Mistake> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(Mistake::new(at, format!("nested deeper than {NESTING_MAX} levels")));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Parses up to a closing or dividing directive, which stays.
    fn body(&mut self, trim: Trim, inside: bool) -> Result<Vec<Node>, Mistake> {
        let mut nodes = Vec::new();
        // Text that comments divide is one text as far as white space is concerned.
        let mut text = String::new();
        let mut text_span: Option<Span> = None;
        let mut trim_start = trim != Trim::None;
        loop {
            let token = self.peek();
            if token.kind == Kind::Text {
                self.next();
                text.push_str(self.text_of(token));
                text_span = Some(text_span.map_or(token.span, |span| span.to(token.span)));
                continue;
            }
            let last = match token.kind {
                Kind::End => true,
                Kind::Directive(word) => is_closing(word),
                _ => false,
            };
            let mut rest = text.as_str();
            if trim_start {
                rest = rest.trim_start_matches(is_space);
            }
            if last && trim == Trim::Both {
                rest = rest.trim_end_matches(is_space);
            }
            if let (Some(span), false) = (text_span.take(), rest.is_empty()) {
                nodes.push(Node::Text { text: rest.to_owned(), span });
            }
            text.clear();
            trim_start = false;
            if last {
                return Ok(nodes);
            }
            nodes.push(self.node(inside)?);
        }
    }

    fn node(&mut self, inside: bool) -> Result<Node, Mistake> {
        let token = self.peek();
        match token.kind {
            Kind::Open => self.output(),
            Kind::Directive(Word::Set) => self.set(),
            Kind::Directive(Word::If) => self.nested(Self::if_),
            Kind::Directive(Word::For) => self.nested(Self::for_),
            Kind::Directive(Word::Block) => self.nested(Self::block),
            Kind::Directive(Word::Layout) => self.layout(inside),
            Kind::Directive(Word::Yield) => {
                self.next();
                let (name, end) = self.lone_name()?;
                Ok(Node::Yield { name, span: token.span.to(end) })
            }
            Kind::Directive(Word::Import) => self.call(Target::Import),
            Kind::Directive(Word::Component) => self.call(Target::Component),
            _ => Err(self.unexpected("expected text or a directive")),
        }
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Result<Node, Mistake>) -> Result<Node, Mistake> {
        self.enter(self.peek().span.start)?;
        let node = parse(self);
        self.leave();
        node
    }

    fn output(&mut self) -> Result<Node, Mistake> {
        let open = self.next();
        let starts_with_raw = self.peek().kind == Kind::Name && self.text_of(self.peek()) == "raw";
        let value = self.expr()?;
        let close = self.peek();
        if close.kind != Kind::Close {
            return Err(self.unexpected("expected `}}`"));
        }
        self.next();
        let span = open.span.to(close.span);
        match value {
            // Only a call that is the whole of the interpolation: `(raw(x))` is escaped.
            Expr { form: Form::Plugin { name, mut args }, .. }
                if starts_with_raw && name.as_str() == "raw" =>
            {
                let value = args.pop().expect("a call of `raw` is checked to have one argument");
                Ok(Node::Output { value, raw: true, span })
            }
            value => Ok(Node::Output { value, raw: false, span }),
        }
    }

    fn set(&mut self) -> Result<Node, Mistake> {
        let start = self.next().span;
        let name = self.name("after `@set`")?;
        self.expect("=", "after the name")?;
        let value = self.expr()?;
        let end = self.peek();
        if end.kind != Kind::Directive(Word::EndSet) {
            return Err(self.unexpected("expected `@endset`"));
        }
        self.next();
        Ok(Node::Set { name, value, span: start.to(end.span) })
    }

    fn if_(&mut self) -> Result<Node, Mistake> {
        let start = self.peek().span;
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let token = self.next();
            match token.kind {
                Kind::Directive(Word::If | Word::ElseIf) if otherwise.is_none() => {
                    let condition = self.expr()?;
                    self.line_end("the condition")?;
                    let body = self.body(Trim::None, true)?;
                    branches.push(Branch { condition, body });
                }
                Kind::Directive(Word::Else) if otherwise.is_none() => {
                    otherwise = Some(self.body(Trim::Start, true)?);
                }
                Kind::Directive(Word::ElseIf | Word::Else) => {
                    let message = "`@else` is the last branch of its `@if`";
                    return Err(Mistake::new(token.span.start, message));
                }
                Kind::Directive(Word::EndIf) => {
                    return Ok(Node::If { branches, otherwise, span: start.to(token.span) });
                }
                _ => return Err(self.not_closed(start, "@if", "@endif")),
            }
        }
    }

    fn for_(&mut self) -> Result<Node, Mistake> {
        let start = self.next().span;
        let names = if self.eat("[") {
            let key = self.name("for the key")?;
            self.expect(",", "between the names")?;
            let value = self.name("for the value")?;
            self.expect("]", "after the names")?;
            Names::Entry(key, value)
        } else {
            Names::Item(self.name("after `@for`")?)
        };
        // The lexer has seen that `in` follows.
        self.next();
        let list = self.expr()?;
        self.line_end("the list")?;
        let body = self.body(Trim::Both, true)?;
        let end = self.next();
        if end.kind != Kind::Directive(Word::EndFor) {
            return Err(self.not_closed(start, "@for", "@endfor"));
        }
        Ok(Node::For { names, list, body, span: start.to(end.span) })
    }

    fn block(&mut self) -> Result<Node, Mistake> {
        let start = self.next().span;
        let (name, _) = self.lone_name()?;
        let body = self.body(Trim::Start, true)?;
        let end = self.next();
        if end.kind != Kind::Directive(Word::EndBlock) {
            return Err(self.not_closed(start, "@block", "@endblock"));
        }
        Ok(Node::Block { name, body, span: start.to(end.span) })
    }

    fn layout(&mut self, inside: bool) -> Result<Node, Mistake> {
        let start = self.next().span;
        if inside {
            let message = "`@layout` stands outside of conditions, loops and blocks";
            return Err(Mistake::new(start.start, message));
        }
        if self.layout.replace(start).is_some() {
            return Err(Mistake::new(start.start, "a template has at most one `@layout`"));
        }
        let (name, values, end) = self.name_and_values()?;
        Ok(Node::Layout { name, values, span: start.to(end) })
    }

    fn call(&mut self, target: Target) -> Result<Node, Mistake> {
        let start = self.next().span;
        let (name, props, end) = self.name_and_values()?;
        Ok(Node::Call { target, name, props, span: start.to(end) })
    }

    fn name_and_values(&mut self) -> Result<(Text, Option<Expr>, Span), Mistake> {
        let name = self.quoted_name()?;
        let mut values = None;
        if self.eat(",") && !matches!(self.peek().kind, Kind::Mark(")")) {
            values = Some(self.expr()?);
            self.eat(",");
        }
        let end = self.expect(")", "after the name and its values")?;
        Ok((name, values, end.span))
    }

    fn lone_name(&mut self) -> Result<(Text, Span), Mistake> {
        let name = self.quoted_name()?;
        let end = self.expect(")", "after the name")?;
        Ok((name, end.span))
    }

    fn quoted_name(&mut self) -> Result<Text, Mistake> {
        self.expect("(", "before the name")?;
        let token = self.next();
        let name = quoted::unquote(self.text_of(token), token.span.start)?;
        if name.is_empty() {
            return Err(Mistake::new(token.span.start, "the name is empty"));
        }
        Ok(name)
    }

    fn name(&mut self, what: &str) -> Result<Text, Mistake> {
        let token = self.peek();
        if token.kind != Kind::Name {
            return Err(self.unexpected(&format!("expected a name {what}")));
        }
        let name = self.text_of(token);
        if literal(name).is_some() || name == "raw" && what == "after `@set`" {
            return Err(Mistake::new(token.span.start, format!("`{name}` is no free name")));
        }
        let name = Text::from(name);
        self.next();
        Ok(name)
    }

    fn line_end(&mut self, what: &str) -> Result<(), Mistake> {
        if self.peek().kind == Kind::LineEnd {
            self.next();
            return Ok(());
        }
        Err(self.unexpected(&format!("expected the end of the line after {what}")))
    }

    /// The body that began at `start` was ended by another directive or by the end of the source.
    fn not_closed(&self, start: Span, open: &str, close: &str) -> Mistake {
        Mistake::new(start.start, format!("`{open}` needs an `{close}`"))
    }

    fn stray(&self) -> Mistake {
        let token = self.peek();
        let word = self.text_of(token);
        let open = match token.kind {
            Kind::Directive(Word::EndFor) => "@for name in list",
            Kind::Directive(Word::EndSet) => "@set name =",
            Kind::Directive(Word::EndBlock) => "@block(\"name\")",
            _ => "@if",
        };
        Mistake::new(token.span.start, format!("`{word}` without an open `{open}`"))
    }
}

fn is_closing(word: Word) -> bool {
    matches!(
        word,
        Word::ElseIf | Word::Else | Word::EndIf | Word::EndFor | Word::EndSet | Word::EndBlock
    )
}

/// The names that are values of their own.
fn literal(name: &str) -> Option<Value> {
    match name {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        "undefined" => Some(Value::Undefined),
        _ => None,
    }
}

/// Directives and expressions may be nested this deep, which bounds the stack of every stage.
const NESTING_MAX: usize = 100;
