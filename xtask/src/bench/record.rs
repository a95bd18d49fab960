//! One result as one line of JSON: a flat object of numbers and text.

/// Names and values, in the order of the line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record(Vec<(String, Value)>);

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Number(f64),
}

impl Record {
    pub(crate) fn new(kind: &str) -> Self {
        Self::default().with_text("kind", kind)
    }

    pub(crate) fn with_text(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), Value::Text(value.to_owned())));
        self
    }

    pub(crate) fn with(mut self, name: &str, value: f64) -> Self {
        self.0.push((name.to_owned(), Value::Number(value)));
        self
    }

    /// Empty if there is no text of this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.find(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        match self.find(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// All names with text, but `kind`.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| match value {
            Value::Text(text) if name != "kind" => Some((name.as_str(), text.as_str())),
            _ => None,
        })
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    pub(crate) fn to_json(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| match value {
            Value::Text(text) => format!("{}:{}", quoted(name), quoted(text)),
            // JSON has no word for what is no number.
            Value::Number(number) if !number.is_finite() => format!("{}:null", quoted(name)),
            Value::Number(number) => {
                // A millionth of a unit is below what anything here can tell.
                format!("{}:{}", quoted(name), (number * 1e6).round() / 1e6)
            }
        });
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
    }

    /// Reads a line that `to_json` wrote; a value that is neither text nor number is left out.
    pub(crate) fn from_json(line: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: line.trim() };
        let mut record = Self::default();
        reader.expect('{')?;
        loop {
            let name = reader.quoted()?;
            reader.expect(':')?;
            if reader.rest.starts_with('"') {
                record.0.push((name, Value::Text(reader.quoted()?)));
            } else {
                let end = reader.rest.find([',', '}']).unwrap_or(reader.rest.len());
                let (word, rest) = reader.rest.split_at(end);
                reader.rest = rest;
                match word.trim() {
                    "null" => {}
                    word => {
                        let number = word.parse().map_err(|_| format!("`{word}` is no value"))?;
                        record.0.push((name, Value::Number(number)));
                    }
                }
            }
            if reader.expect(',').is_err() {
                reader.expect('}')?;
                return if reader.rest.is_empty() { Ok(record) } else { Err(reader.fault("end")) };
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn expect(&mut self, sign: char) -> Result<(), String> {
        self.rest = self.rest.trim_start();
        self.rest = self.rest.strip_prefix(sign).ok_or_else(|| self.fault(&sign.to_string()))?;
        self.rest = self.rest.trim_start();
        Ok(())
    }

    fn quoted(&mut self) -> Result<String, String> {
        let inside = self.rest.strip_prefix('"').ok_or_else(|| self.fault("\""))?;
        let mut text = String::new();
        let mut signs = inside.char_indices();
        while let Some((index, sign)) = signs.next() {
            match sign {
                '"' => {
                    self.rest = &inside[index + 1..];
                    return Ok(text);
                }
                '\\' => match signs.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, sign @ ('"' | '\\'))) => text.push(sign),
                    _ => return Err(self.fault("\\n, \\\" or \\\\")),
                },
                sign => text.push(sign),
            }
        }
        Err(self.fault("the end of a text"))
    }

    fn fault(&self, wanted: &str) -> String {
        format!("{wanted} expected at `{}`", self.rest)
    }
}

/// Control signs other than the end of a line become spaces: they come from servers' messages only.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for sign in text.chars() {
        match sign {
            '\n' => quoted.push_str("\\n"),
            '"' | '\\' => quoted.extend(['\\', sign]),
            sign if sign.is_control() => quoted.push(' '),
            sign => quoted.push(sign),
        }
    }
    quoted + "\""
}
