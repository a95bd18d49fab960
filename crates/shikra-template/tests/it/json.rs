//! A small reader of JSON that keeps the order of objects, for the data of test cases.

use shikra_template::{Object, Value};

/// Reads one JSON value; test data is written by hand, so mistakes in it panic.
pub(crate) fn parse(text: &str) -> Value {
    let mut reader = Reader { rest: text.trim() };
    let value = reader.value();
    assert!(reader.rest.trim().is_empty(), "left over after JSON: {:?}", reader.rest);
    value
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let found = self.rest.strip_prefix(token);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn value(&mut self) -> Value {
        if self.eat("null") {
            Value::Null
        } else if self.eat("true") {
            true.into()
        } else if self.eat("false") {
            false.into()
        } else if self.eat("[") {
            let mut items = Vec::new();
            while !self.eat("]") {
                items.push(self.value());
                self.eat(",");
            }
            items.into()
        } else if self.eat("{") {
            let mut object = Object::new();
            while !self.eat("}") {
                let name = self.value();
                assert!(self.eat(":"), "no `:` in JSON before {:?}", self.rest);
                let value = self.value();
                object.insert(name.as_str().expect("names are text"), value);
                self.eat(",");
            }
            object.into()
        } else if self.rest.starts_with('"') {
            self.text().into()
        } else {
            self.number()
        }
    }

    fn number(&mut self) -> Value {
        let len = self.rest.find(|c: char| !"+-.0123456789eE".contains(c));
        let (number, rest) = self.rest.split_at(len.unwrap_or(self.rest.len()));
        self.rest = rest;
        match number.parse::<i64>() {
            Ok(whole) => whole.into(),
            Err(_) => number.parse::<f64>().expect("a JSON number").into(),
        }
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        loop {
            let (at, c) = chars.next().expect("JSON text is closed");
            match c {
                '"' => {
                    self.rest = &self.rest[at + 2..];
                    return text;
                }
                '\\' => {
                    let (at, c) = chars.next().expect("JSON text is closed");
                    text.push(match c {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'u' => {
                            let digits = &self.rest[at + 2..at + 6];
                            let code = u32::from_str_radix(digits, 16).expect("hex digits");
                            chars.nth(3);
                            char::from_u32(code).expect("no surrogates in test data")
                        }
                        other => other,
                    });
                }
                c => text.push(c),
            }
        }
    }
}
