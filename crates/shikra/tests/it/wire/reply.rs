//! A strict reader of answers, apart from the one of the test client.

/// One answer.
pub(super) struct Reply {
    status: String,
    fields: Vec<(String, String)>,
    body: Option<String>,
}

/// Takes apart what came back: the final answers, and how many interim ones there were.
///
/// `words` say which answers have no body whatever their heads declare.
pub(super) fn replies(mut bytes: &[u8], words: &[&str]) -> Result<(Vec<Reply>, usize), String> {
    let (mut finals, mut interims) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let has_body = !words.get(finals.len()).is_some_and(|word| word.ends_with('-'));
        let (reply, rest) = reply(bytes, has_body)?;
        bytes = rest;
        match reply.status.as_str() {
            "100" if reply.fields.is_empty() => interims += 1,
            status if status.starts_with('1') => return Err(format!("{status} has fields")),
            _ => finals.push(reply),
        }
    }
    for reply in &finals {
        reply.check()?;
    }
    Ok((finals, interims))
}

impl Reply {
    /// The answer as a word of an outcome.
    pub(super) fn text(&self) -> String {
        match &self.body {
            Some(body) => format!("{}={body}", self.status),
            None => format!("{}-", self.status),
        }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.status == word || self.text() == word
    }

    pub(super) fn says_close(&self) -> bool {
        self.all("connection").any(|value| value == "close")
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.fields.iter().filter(move |(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// R12, R26: what holds for every final answer.
    fn check(&self) -> Result<(), String> {
        let lengths = self.all("content-length").count();
        let codings = self.all("transfer-encoding").count();
        if lengths + codings > 1 || self.all("connection").count() > 1 {
            return Err("more than one length or connection field".into());
        }
        if self.all("date").count() != 1 {
            return Err("an answer without one date".into());
        }
        if self.status == "204" && lengths + codings > 0 {
            return Err("204 with a length".into());
        }
        if self.status == "405" && self.all("allow").count() != 1 {
            return Err("405 without allow".into());
        }
        Ok(())
    }
}

fn reply(bytes: &[u8], has_body: bool) -> Result<(Reply, &[u8]), String> {
    let head_len = find(bytes, b"\r\n\r\n").ok_or("a head is not whole")?;
    let head = text(&bytes[..head_len])?;
    let mut rest = &bytes[head_len + 4..];
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let status = line.strip_prefix("HTTP/1.1 ").ok_or(format!("status line {line:?}"))?;
    let status = status.get(..3).unwrap_or_default().to_owned();
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or(format!("field line {line:?}"))?;
        if value.contains(['\r', '\n', '\0']) || name.contains(|c: char| c.is_whitespace()) {
            return Err(format!("field line {line:?}"));
        }
        fields.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut reply = Reply { status, fields, body: None };
    if has_body && !matches!(reply.status.as_str(), "100" | "204" | "304") {
        let body;
        (body, rest) = reply_body(&reply, rest)?;
        reply.body = Some(body);
    }
    Ok((reply, rest))
}

fn reply_body<'a>(reply: &Reply, rest: &'a [u8]) -> Result<(String, &'a [u8]), String> {
    if let Some(len) = reply.all("content-length").next() {
        let len: usize = len.parse().map_err(|_| format!("length {len:?}"))?;
        let (body, rest) = rest.split_at_checked(len).ok_or("a body is not whole")?;
        return Ok((text(body)?, rest));
    }
    match reply.all("transfer-encoding").next() {
        None => Ok((text(rest)?, &[])),
        Some("chunked") => chunked(rest),
        Some(coding) => Err(format!("coding {coding:?}")),
    }
}

fn chunked(mut rest: &[u8]) -> Result<(String, &[u8]), String> {
    let mut body = Vec::new();
    loop {
        let size_len = find(rest, b"\r\n").ok_or("a chunk size is not whole")?;
        let size = text(&rest[..size_len])?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| format!("size {size:?}"))?;
        rest = &rest[size_len + 2..];
        let (data, after) = rest.split_at_checked(size).ok_or("a chunk is not whole")?;
        body.extend_from_slice(data);
        rest = after.strip_prefix(b"\r\n").ok_or("a chunk has no end")?;
        if size == 0 {
            return Ok((text(&body)?, rest));
        }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())
}
