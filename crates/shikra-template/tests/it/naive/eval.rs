//! Evaluates an expression while reading it. What is not to be evaluated is read all the same, and
//! its value thrown away: without effects nobody can tell, but for the cost.

use std::rc::Rc;

use super::Env;
use super::value::{V, count};

/// The text that `{{ expr }}` puts out.
pub(super) fn output(expr: &str, env: &Env) -> Result<String, String> {
    let value = eval(expr, env)?.print();
    // The generator writes `raw(…)` only around a whole expression.
    if expr.trim().starts_with("raw(") && closes_at_end(expr.trim()) {
        return Ok(value);
    }
    let mut escaped = String::new();
    for c in value.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#039;",
            '`' => escaped += "&#96;",
            '=' => escaped += "&#61;",
            '/' => escaped += "&#47;",
            c => escaped.push(c),
        }
    }
    Ok(escaped)
}

/// The first bracket of the text closes with its last character.
fn closes_at_end(text: &str) -> bool {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if std::mem::take(&mut escaped) => {}
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth -= 1;
                if depth == 0 {
                    return at + 1 == text.len();
                }
            }
            _ => {}
        }
    }
    false
}

pub(super) fn eval(expr: &str, env: &Env) -> Result<V, String> {
    let mut reader = Reader { rest: expr, env };
    let value = reader.choice()?;
    reader.space();
    if reader.rest.is_empty() { Ok(value) } else { Err(format!("left over: {}", reader.rest)) }
}

struct Reader<'e> {
    rest: &'e str,
    env: &'e Env,
}

impl<'e> Reader<'e> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, mark: &str) -> bool {
        self.space();
        let found = self.rest.strip_prefix(mark);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn need(&mut self, mark: &str) -> Result<(), String> {
        if self.eat(mark) { Ok(()) } else { Err(format!("no {mark} at {}", self.rest)) }
    }

    fn choice(&mut self) -> Result<V, String> {
        let condition = self.either()?;
        if self.rest.trim_start().starts_with("?.") || !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.choice()?;
        self.need(":")?;
        let no = self.choice()?;
        Ok(if condition.truth() { yes } else { no })
    }

    fn either(&mut self) -> Result<V, String> {
        let mut left = self.both()?;
        loop {
            if self.eat("||") {
                let right = self.both()?;
                left = if left.truth() { left } else { right };
            } else if self.eat("??") {
                let right = self.both()?;
                left = if matches!(left, V::Undef | V::Null) { right } else { left };
            } else {
                return Ok(left);
            }
        }
    }

    fn both(&mut self) -> Result<V, String> {
        let mut left = self.equality()?;
        while self.eat("&&") {
            let right = self.equality()?;
            left = if left.truth() { right } else { left };
        }
        Ok(left)
    }

    fn equality(&mut self) -> Result<V, String> {
        let mut left = self.relation()?;
        loop {
            let mark = ["===", "!==", "==", "!="].into_iter().find(|mark| self.eat(mark));
            let Some(mark) = mark else { return Ok(left) };
            let right = self.relation()?;
            left = V::Bool(match mark {
                "===" => left.same(&right),
                "!==" => !left.same(&right),
                "==" => left.loosely_same(&right),
                _ => !left.loosely_same(&right),
            });
        }
    }

    fn relation(&mut self) -> Result<V, String> {
        let mut left = self.sum()?;
        loop {
            let mark = ["<=", ">=", "<", ">"].into_iter().find(|mark| self.eat(mark));
            let Some(mark) = mark else { return Ok(left) };
            let right = self.sum()?;
            let order = match (&left, &right) {
                (V::Str(a), V::Str(b)) => Some(a.cmp(b)),
                (a, b) => a.number().partial_cmp(&b.number()),
            };
            left = V::Bool(order.is_some_and(|order| match mark {
                "<=" => order.is_le(),
                ">=" => order.is_ge(),
                "<" => order.is_lt(),
                _ => order.is_gt(),
            }));
        }
    }

    fn sum(&mut self) -> Result<V, String> {
        let mut left = self.product()?;
        loop {
            if self.eat("+") {
                let right = self.product()?;
                let joins = |v: &V| matches!(v, V::Str(_) | V::List(_) | V::Obj(_));
                left = if joins(&left) || joins(&right) {
                    V::Str(word(&left) + &word(&right))
                } else {
                    V::Num(left.number() + right.number())
                };
            } else if self.eat("-") {
                left = V::Num(left.number() - self.product()?.number());
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Result<V, String> {
        let mut left = self.sign()?;
        loop {
            let mark = ["*", "/", "%"].into_iter().find(|mark| self.eat(mark));
            let Some(mark) = mark else { return Ok(left) };
            let right = self.sign()?.number();
            left = V::Num(match mark {
                "*" => left.number() * right,
                "/" => left.number() / right,
                _ => left.number() % right,
            });
        }
    }

    fn sign(&mut self) -> Result<V, String> {
        self.space();
        if !self.rest.starts_with("!=") && self.eat("!") {
            return Ok(V::Bool(!self.sign()?.truth()));
        }
        if self.eat("-") {
            return Ok(V::Num(-self.sign()?.number()));
        }
        self.steps()
    }

    fn steps(&mut self) -> Result<V, String> {
        let mut value = self.atom()?;
        loop {
            if self.eat("?.[") || self.eat("[") {
                let key = self.choice()?;
                self.need("]")?;
                value = match key {
                    V::List(_) | V::Obj(_) => V::Undef,
                    key => value.member(&word(&key)),
                };
            } else if self.eat("?.") || self.eat(".") {
                let name = self.name();
                value = if self.rest.starts_with('(') {
                    let args = self.args()?;
                    method(&value, &name, &args)
                } else {
                    value.member(&name)
                };
            } else {
                return Ok(value);
            }
        }
    }

    fn name(&mut self) -> String {
        self.space();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        name.into()
    }

    fn args(&mut self) -> Result<Vec<V>, String> {
        self.need("(")?;
        let mut args = Vec::new();
        while !self.eat(")") {
            args.push(self.choice()?);
            self.eat(",");
        }
        Ok(args)
    }

    fn atom(&mut self) -> Result<V, String> {
        self.space();
        let first = self.rest.chars().next().ok_or("the end")?;
        match first {
            '"' | '\'' => self.quoted(first).map(V::Str),
            '0'..='9' => {
                let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.');
                let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                number.parse().map(V::Num).map_err(|_| "number".into())
            }
            '(' => {
                self.need("(")?;
                let value = self.choice()?;
                self.need(")")?;
                Ok(value)
            }
            '[' => self.list(),
            '{' => self.object(),
            _ => self.named(),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(text);
                }
                '\\' => text.push(match chars.next().ok_or("escape")?.1 {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                }),
                c => text.push(c),
            }
        }
        Err("quote".into())
    }

    fn list(&mut self) -> Result<V, String> {
        self.need("[")?;
        let mut items = Vec::new();
        while !self.eat("]") {
            if self.eat("...") {
                match self.choice()? {
                    V::List(more) => items.extend(more.iter().cloned()),
                    V::Str(text) => items.extend(text.chars().map(|c| V::Str(c.into()))),
                    _ => {}
                }
            } else {
                items.push(self.choice()?);
            }
            self.eat(",");
        }
        Ok(V::List(Rc::new(items)))
    }

    fn object(&mut self) -> Result<V, String> {
        self.need("{")?;
        let mut entries: Vec<(String, V)> = Vec::new();
        let mut put =
            |key: String, value: V| match entries.iter_mut().find(|(name, _)| *name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            };
        while !self.eat("}") {
            if self.eat("...") {
                match self.choice()? {
                    V::Obj(more) => more.iter().for_each(|(k, v)| put(k.clone(), v.clone())),
                    V::List(more) => {
                        more.iter().enumerate().for_each(|(at, v)| put(at.to_string(), v.clone()));
                    }
                    _ => {}
                }
            } else {
                self.space();
                let quote = self.rest.chars().next().filter(|c| "\"'".contains(*c));
                let key = match quote {
                    Some(quote) => self.quoted(quote)?,
                    None => self.name(),
                };
                let value = if self.eat(":") { self.choice()? } else { self.look_up(&key) };
                put(key, value);
            }
            self.eat(",");
        }
        Ok(V::Obj(Rc::new(entries)))
    }

    fn named(&mut self) -> Result<V, String> {
        let name = self.name();
        if name.is_empty() {
            return Err(format!("no value at {}", self.rest));
        }
        if self.rest.starts_with('(') {
            let args = self.args()?;
            return Ok(plugin(&name, &args));
        }
        Ok(self.look_up(&name))
    }

    fn look_up(&self, name: &str) -> V {
        match name {
            "true" => V::Bool(true),
            "false" => V::Bool(false),
            "null" => V::Null,
            "undefined" => V::Undef,
            name => {
                self.env.iter().rev().find_map(|scope| scope.get(name)).cloned().unwrap_or(V::Undef)
            }
        }
    }
}

/// How a value joins with text, or names a member.
fn word(value: &V) -> String {
    match value {
        V::Undef => "undefined".into(),
        V::Null => "null".into(),
        other => other.print(),
    }
}

fn plugin(name: &str, args: &[V]) -> V {
    match (name, args) {
        ("raw" | "identity", [value]) => value.clone(),
        ("sum", [V::Num(a), V::Num(b)]) => V::Num(a + b),
        ("uppercase", [V::Str(text)]) => V::Str(text.to_uppercase()),
        ("and", all) => V::Bool(all.iter().all(V::truth)),
        ("equals", [a, b]) => V::Bool(a.to_value() == b.to_value()),
        ("reverse", [V::List(items)]) => V::List(Rc::new(items.iter().rev().cloned().collect())),
        _ => V::Undef,
    }
}

fn method(base: &V, name: &str, args: &[V]) -> V {
    let arg = |at: usize| args.get(at).cloned().unwrap_or(V::Undef);
    match (base, name) {
        (V::Str(text), "toUpperCase") => V::Str(text.to_uppercase()),
        (V::Str(text), "toLowerCase") => V::Str(text.to_lowercase()),
        (V::Str(text), "trim") => V::Str(text.trim().into()),
        (V::Str(text), "includes") => V::Bool(text.contains(&word(&arg(0)))),
        (V::Str(text), "startsWith") => V::Bool(text.starts_with(&word(&arg(0)))),
        (V::Str(text), "endsWith") => V::Bool(text.ends_with(&word(&arg(0)))),
        (V::Str(text), "replace") => V::Str(text.replacen(&word(&arg(0)), &word(&arg(1)), 1)),
        (V::Str(text), "indexOf") => match text.find(&word(&arg(0))) {
            Some(at) => count(text[..at].chars().count()),
            None => V::Num(-1.0),
        },
        (V::Str(text), "slice") => {
            let chars: Vec<char> = text.chars().collect();
            V::Str(cut(&chars, args).iter().collect())
        }
        (V::Str(text), "split") => {
            let separator = match arg(0) {
                V::Undef => return V::List(Rc::new(vec![base.clone()])),
                separator => word(&separator),
            };
            let pieces: Vec<V> = if separator.is_empty() {
                text.chars().map(|c| V::Str(c.into())).collect()
            } else {
                text.split(&separator).map(|piece| V::Str(piece.into())).collect()
            };
            V::List(Rc::new(pieces))
        }
        (V::List(items), "slice") => V::List(Rc::new(cut(items, args).to_vec())),
        (V::List(items), "includes") => {
            let wanted = arg(0);
            let nan = |v: &V| matches!(v, V::Num(n) if n.is_nan());
            V::Bool(items.iter().any(|item| item.same(&wanted) || (nan(item) && nan(&wanted))))
        }
        (V::List(items), "indexOf") => {
            items.iter().position(|item| item.same(&arg(0))).map_or(V::Num(-1.0), count)
        }
        (V::List(items), "join") => {
            let separator = if args.is_empty() { ",".into() } else { word(&arg(0)) };
            let separator = if matches!(arg(0), V::Undef) { ",".into() } else { separator };
            V::Str(items.iter().map(V::print).collect::<Vec<_>>().join(&separator))
        }
        _ => V::Undef,
    }
}

/// What `slice` takes out.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn cut<'t, T>(items: &'t [T], args: &[V]) -> &'t [T] {
    let len = items.len() as i64;
    let place = |at: usize, default: i64| match args.get(at) {
        None | Some(V::Undef) => default,
        Some(value) => {
            let n = value.number();
            let n = if n.is_nan() { 0 } else { n.clamp(-1e9, 1e9).trunc() as i64 };
            if n < 0 { (len + n).max(0) } else { n.min(len) }
        }
    };
    let (start, end) = (place(0, 0), place(1, len));
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end.max(start)).unwrap_or(0);
    &items[range]
}
