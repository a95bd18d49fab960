//! Reads a template into a tree; expressions stay text.

pub(super) enum N {
    Text(String),
    Out(String),
    Set(String, String),
    If(Vec<(String, Vec<N>)>, Option<Vec<N>>),
    For(Vec<String>, String, Vec<N>),
    Layout(String, Option<String>),
    Yield(String),
    Block(String, Vec<N>),
    /// `component:name`, or the path of an import.
    Use(String, Option<String>),
}

pub(super) fn read(source: &str) -> Result<Vec<N>, String> {
    let mut reader = Reader { rest: source };
    let nodes = reader.nodes()?;
    if reader.rest.is_empty() { Ok(nodes) } else { Err(format!("stray: {}", reader.rest)) }
}

struct Reader<'s> {
    rest: &'s str,
}

const CLOSING: [&str; 6] = ["@elseif ", "@else", "@endif", "@endfor", "@endblock", "@endset"];

impl Reader<'_> {
    fn eat(&mut self, start: &str) -> bool {
        let found = self.rest.strip_prefix(start);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// Reads up to a closing directive or the end, one character at a time.
    fn nodes(&mut self) -> Result<Vec<N>, String> {
        let mut nodes = Vec::new();
        let mut text = String::new();
        loop {
            let closing = CLOSING.iter().any(|word| self.rest.starts_with(word));
            if closing || self.rest.is_empty() {
                nodes.push(N::Text(text));
                return Ok(nodes);
            }
            if self.rest.starts_with("##") {
                let line = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[line..];
            } else if let Some(node) = self.node()? {
                nodes.push(N::Text(std::mem::take(&mut text)));
                nodes.push(node);
            } else {
                let c = self.rest.chars().next().expect("not empty");
                text.push(c);
                self.rest = &self.rest[c.len_utf8()..];
            }
        }
    }

    fn node(&mut self) -> Result<Option<N>, String> {
        if self.rest.starts_with("{{{")
            || (self.rest.starts_with("{{") && !self.rest.contains("}}"))
        {
            return Ok(None);
        }
        if self.eat("{{") {
            return Ok(Some(N::Out(self.until("}}")?)));
        }
        if self.eat("@set ") {
            let (name, _) = self.rest.split_once('=').ok_or("set")?;
            self.rest = &self.rest[name.len() + 1..];
            return Ok(Some(N::Set(name.trim().into(), self.until("@endset")?)));
        }
        if self.eat("@if ") {
            return self.if_().map(Some);
        }
        if self.eat("@for ") {
            return self.for_().map(Some);
        }
        if self.eat("@block(") {
            let (name, _) = self.call()?;
            let mut body = self.nodes()?;
            trim_start(&mut body);
            return if self.eat("@endblock") {
                Ok(Some(N::Block(name, body)))
            } else {
                Err("block".into())
            };
        }
        if self.eat("@yield(") {
            return Ok(Some(N::Yield(self.call()?.0)));
        }
        if self.eat("@layout(") {
            let (name, values) = self.call()?;
            return Ok(Some(N::Layout(name, values)));
        }
        if self.eat("@import(") {
            let (name, values) = self.call()?;
            return Ok(Some(N::Use(name, values)));
        }
        if self.eat("@component(") {
            let (name, values) = self.call()?;
            return Ok(Some(N::Use(format!("component:{name}"), values)));
        }
        Ok(None)
    }

    fn if_(&mut self) -> Result<N, String> {
        let mut branches = vec![(self.until("\n")?, self.nodes()?)];
        while self.eat("@elseif ") {
            branches.push((self.until("\n")?, self.nodes()?));
        }
        let mut otherwise = None;
        if self.eat("@else") {
            let mut body = self.nodes()?;
            trim_start(&mut body);
            otherwise = Some(body);
        }
        if self.eat("@endif") { Ok(N::If(branches, otherwise)) } else { Err("if".into()) }
    }

    fn for_(&mut self) -> Result<N, String> {
        let (names, _) = self.rest.split_once(" in ").ok_or("for")?;
        self.rest = &self.rest[names.len() + 4..];
        let names = names.trim().trim_matches(['[', ']']).split(',').map(|name| name.trim().into());
        let names = names.collect();
        let list = self.until("\n")?;
        let mut body = self.nodes()?;
        trim_start(&mut body);
        if let Some(N::Text(text)) = body.last_mut() {
            *text = text.trim_end().into();
        }
        if self.eat("@endfor") { Ok(N::For(names, list, body)) } else { Err("for".into()) }
    }

    /// Reads the rest of `@word(` as a quoted name and perhaps values.
    fn call(&mut self) -> Result<(String, Option<String>), String> {
        let inner = self.until(")")?;
        let inner = inner.trim();
        let quote = inner.chars().next().ok_or("call")?;
        let (name, rest) = inner[1..].split_once(quote).ok_or("call")?;
        let values = rest.trim().strip_prefix(',').map(str::to_owned);
        Ok((name.into(), values))
    }

    /// Reads an expression up to `end`, which may not stand in quotes or brackets. The end of a
    /// line stays.
    fn until(&mut self, end: &str) -> Result<String, String> {
        let mut depth = 0_usize;
        let mut at = 0;
        let chars: Vec<(usize, char)> = self.rest.char_indices().collect();
        while at < chars.len() {
            let (offset, c) = chars[at];
            let rest = &self.rest[offset..];
            if rest.starts_with(end) && (depth == 0 || end == "\n") {
                let text = self.rest[..offset].to_owned();
                self.rest = if end == "\n" { rest } else { &rest[end.len()..] };
                return Ok(text);
            }
            match c {
                '"' | '\'' => {
                    at += 1;
                    while chars.get(at).ok_or("quote")?.1 != c {
                        at += if chars[at].1 == '\\' { 2 } else { 1 };
                    }
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        if end == "\n" {
            let text = self.rest.to_owned();
            self.rest = "";
            return Ok(text);
        }
        Err(format!("no {end}"))
    }
}

/// White space goes from the first text, across the places where comments stood.
fn trim_start(body: &mut [N]) {
    if let Some(N::Text(text)) = body.first_mut() {
        *text = text.trim_start().into();
    }
}
