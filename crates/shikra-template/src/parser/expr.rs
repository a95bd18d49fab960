//! Expressions: JavaScript's operators and precedence, without its effects.

use super::{Parser, literal, quoted};
use crate::ast::{Entry, Expr, Form, Item, Logic};
use crate::lexer::Kind;
use crate::span::{Mistake, Span};
use crate::text::Text;
use crate::value::Value;
use crate::value::method::Method;
use crate::value::number::{EXACT_INT_MAX, is_space};
use crate::value::ops::{Binary, Unary};

/// An operator between two expressions.
#[derive(Clone, Copy)]
enum Operator {
    Binary(Binary),
    Logic(Logic),
}

impl Parser<'_> {
    /// Parses a whole expression.
    pub(super) fn expr(&mut self) -> Result<Expr, Mistake> {
        self.enter(self.peek().span.start)?;
        let expr = self.choice();
        self.leave();
        expr
    }

    fn choice(&mut self) -> Result<Expr, Mistake> {
        let condition = self.operation(0)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.expr()?;
        self.expect(":", "between the two values of `?`")?;
        let no = self.expr()?;
        let span = condition.span.to(no.span);
        let depth = condition.depth.max(yes.depth).max(no.depth);
        let form =
            Form::Choice { condition: Box::new(condition), yes: Box::new(yes), no: Box::new(no) };
        self.made(form, span, depth)
    }

    /// Parses operators that bind at least as tightly as `binding_min`, from left to right.
    fn operation(&mut self, binding_min: u8) -> Result<Expr, Mistake> {
        let mut left = self.unary()?;
        while let Kind::Mark(mark) = self.peek().kind {
            let Some((operator, binding)) = operator(mark) else { break };
            if binding < binding_min {
                break;
            }
            self.next();
            let right = self.operation(binding + 1)?;
            let span = left.span.to(right.span);
            let depth = left.depth.max(right.depth);
            let (left_side, right) = (Box::new(left), Box::new(right));
            let form = match operator {
                Operator::Binary(op) => Form::Binary { op, left: left_side, right },
                Operator::Logic(op) => Form::Logic { op, left: left_side, right },
            };
            left = self.made(form, span, depth)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Mistake> {
        let token = self.peek();
        let op = match token.kind {
            Kind::Mark("!") => Unary::Not,
            Kind::Mark("-") => Unary::Minus,
            _ => return self.postfix(),
        };
        self.next();
        self.enter(token.span.start)?;
        let value = self.unary();
        self.leave();
        let value = value?;
        let (span, depth) = (token.span.to(value.span), value.depth);
        self.made(Form::Unary { op, value: Box::new(value) }, span, depth)
    }

    fn postfix(&mut self) -> Result<Expr, Mistake> {
        let mut base = self.primary()?;
        loop {
            let token = self.peek();
            base = match token.kind {
                Kind::Mark("[") => self.index(base, false)?,
                Kind::Mark(".") => {
                    self.next();
                    self.member(base, false)?
                }
                Kind::Mark("?.") => {
                    self.next();
                    if matches!(self.peek().kind, Kind::Mark("[")) {
                        self.index(base, true)?
                    } else {
                        self.member(base, true)?
                    }
                }
                _ => return Ok(base),
            };
        }
    }

    fn index(&mut self, base: Expr, optional: bool) -> Result<Expr, Mistake> {
        self.next();
        let key = self.expr()?;
        let close = self.expect("]", "after the index")?;
        let (span, depth) = (base.span.to(close.span), base.depth.max(key.depth));
        let base = Box::new(base);
        // A key that is written down is a member like any other.
        let form = match key.form {
            Form::Literal(Value::Text(key)) => Form::Member { base, key, optional },
            Form::Literal(Value::Int(at)) if at >= 0 => {
                Form::Member { base, key: Text::from(at.to_string()), optional }
            }
            _ => Form::Index { base, key: Box::new(key), optional },
        };
        self.made(form, span, depth)
    }

    fn member(&mut self, base: Expr, optional: bool) -> Result<Expr, Mistake> {
        let token = self.peek();
        if !matches!(token.kind, Kind::Name | Kind::Number) {
            return Err(self.unexpected("expected a member after `.`"));
        }
        self.next();
        let key = self.text_of(token);
        if token.kind == Kind::Number && !key.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Mistake::new(token.span.start, "a position is a whole number"));
        }
        let called = matches!(self.peek().kind, Kind::Mark("("));
        if !called || token.kind == Kind::Number {
            let (key, span, depth) = (Text::from(key), base.span.to(token.span), base.depth);
            return self.made(Form::Member { base: Box::new(base), key, optional }, span, depth);
        }
        let Some(method) = Method::of(key) else {
            let message = format!("values have no method `{key}`; a plugin can do it: `{key}(…)`");
            return Err(Mistake::new(token.span.start, message));
        };
        let (args, end, depth) = self.arguments()?;
        let (span, depth) = (base.span.to(end), base.depth.max(depth));
        self.made(Form::Method { base: Box::new(base), method, args, optional }, span, depth)
    }

    fn arguments(&mut self) -> Result<(Vec<Expr>, Span, usize), Mistake> {
        self.next();
        let mut args = Vec::new();
        let mut depth = 0;
        loop {
            if let Kind::Mark(")") = self.peek().kind {
                return Ok((args, self.next().span, depth));
            }
            let arg = self.expr()?;
            depth = depth.max(arg.depth);
            args.push(arg);
            if args.len() > ARGS_MAX {
                let at = self.peek().span.start;
                return Err(Mistake::new(at, format!("more than {ARGS_MAX} arguments")));
            }
            if !self.eat(",") && !matches!(self.peek().kind, Kind::Mark(")")) {
                return Err(self.unexpected("expected `,` or `)` after an argument"));
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Mistake> {
        let token = self.peek();
        match token.kind {
            Kind::Name => self.named(),
            Kind::Number => {
                self.next();
                let value = number(self.text_of(token));
                self.made(Form::Literal(value), token.span, 0)
            }
            Kind::Quoted => {
                self.next();
                let text = quoted::unquote(self.text_of(token), token.span.start)?;
                self.made(Form::Literal(Value::Text(text)), token.span, 0)
            }
            Kind::Mark("(") => {
                self.next();
                let mut inner = self.expr()?;
                let close = self.expect(")", "after the expression")?;
                inner.span = token.span.to(close.span);
                Ok(inner)
            }
            Kind::Mark("[") => self.list(),
            Kind::Mark("{") => self.object(),
            _ => Err(self.unexpected("expected a value")),
        }
    }

    fn named(&mut self) -> Result<Expr, Mistake> {
        let token = self.next();
        let name = Text::from(self.text_of(token));
        if !matches!(self.peek().kind, Kind::Mark("(")) {
            let form = literal(&name).map_or(Form::Name(name), Form::Literal);
            return self.made(form, token.span, 0);
        }
        let (args, end, depth) = self.arguments()?;
        let span = token.span.to(end);
        if name.as_str() == "raw" && args.len() != 1 {
            return Err(Mistake::new(token.span.start, "`raw` takes one argument"));
        }
        self.made(Form::Plugin { name, args }, span, depth)
    }

    fn list(&mut self) -> Result<Expr, Mistake> {
        let start = self.next().span;
        let mut items = Vec::new();
        let mut depth = 0;
        loop {
            if let Kind::Mark("]") = self.peek().kind {
                let span = start.to(self.next().span);
                return self.made(Form::List(items), span, depth);
            }
            let spread = self.eat("...");
            let item = self.expr()?;
            depth = depth.max(item.depth);
            items.push(if spread { Item::Spread(item) } else { Item::One(item) });
            if !self.eat(",") && !matches!(self.peek().kind, Kind::Mark("]")) {
                return Err(self.unexpected("expected `,` or `]` after an item"));
            }
        }
    }

    fn object(&mut self) -> Result<Expr, Mistake> {
        let start = self.next().span;
        let mut entries = Vec::new();
        let mut depth = 0;
        loop {
            if let Kind::Mark("}") = self.peek().kind {
                let span = start.to(self.next().span);
                return self.made(Form::Object(entries), span, depth);
            }
            let entry = self.entry()?;
            let (Entry::Named(_, value) | Entry::Spread(value)) = &entry;
            depth = depth.max(value.depth);
            entries.push(entry);
            if !self.eat(",") && !matches!(self.peek().kind, Kind::Mark("}")) {
                return Err(self.unexpected("expected `,` or `}` after an entry"));
            }
        }
    }

    fn entry(&mut self) -> Result<Entry, Mistake> {
        if self.eat("...") {
            return Ok(Entry::Spread(self.expr()?));
        }
        let token = self.peek();
        let key = match token.kind {
            Kind::Name => Text::from(self.text_of(token)),
            Kind::Quoted => quoted::unquote(self.text_of(token), token.span.start)?,
            Kind::Number => Text::from(number(self.text_of(token)).to_string()),
            _ => return Err(self.unexpected("expected a key")),
        };
        self.next();
        if token.kind == Kind::Name && !matches!(self.peek().kind, Kind::Mark(":")) {
            let form = literal(&key).map_or_else(|| Form::Name(key.clone()), Form::Literal);
            return Ok(Entry::Named(key, self.made(form, token.span, 0)?));
        }
        self.expect(":", "after the key")?;
        Ok(Entry::Named(key, self.expr()?))
    }

    fn made(&self, form: Form, span: Span, depth_below: usize) -> Result<Expr, Mistake> {
        let depth = depth_below + 1;
        // Chains such as `a + b + c` grow downwards to the left without being nested in the text.
        if depth > EXPR_DEPTH_MAX {
            let message = format!("an expression of more than {EXPR_DEPTH_MAX} levels");
            return Err(Mistake::new(span.start, message));
        }
        Ok(Expr { form, span, depth })
    }
}

fn operator(mark: &str) -> Option<(Operator, u8)> {
    let binary = |op, binding| Some((Operator::Binary(op), binding));
    match mark {
        "||" => Some((Operator::Logic(Logic::Or), 1)),
        "??" => Some((Operator::Logic(Logic::Else), 1)),
        "&&" => Some((Operator::Logic(Logic::And), 2)),
        "===" => binary(Binary::Same, 3),
        "!==" => binary(Binary::NotSame, 3),
        "==" => binary(Binary::Equal, 3),
        "!=" => binary(Binary::NotEqual, 3),
        "<" => binary(Binary::Less, 4),
        "<=" => binary(Binary::LessOrEqual, 4),
        ">" => binary(Binary::Greater, 4),
        ">=" => binary(Binary::GreaterOrEqual, 4),
        "+" => binary(Binary::Add, 5),
        "-" => binary(Binary::Subtract, 5),
        "*" => binary(Binary::Multiply, 6),
        "/" => binary(Binary::Divide, 6),
        "%" => binary(Binary::Remainder, 6),
        _ => None,
    }
}

/// A number as written: whole where a double can hold it exactly.
fn number(text: &str) -> Value {
    debug_assert!(!text.contains(is_space));
    match text.parse::<i64>() {
        Ok(whole) if whole <= EXACT_INT_MAX => Value::Int(whole),
        _ => crate::value::number::from_float(text.parse().unwrap_or(f64::NAN)),
    }
}

/// Levels of one expression.
const EXPR_DEPTH_MAX: usize = 200;

const ARGS_MAX: usize = 255;
