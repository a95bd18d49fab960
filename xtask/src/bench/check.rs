//! The reply must be right before it is measured: read a reply off a socket, compare it with the wanted one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::workloads::{Body, Exchange};

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Bytes on the wire, head and body.
    pub(crate) wire_bytes: u64,
}

/// Writes `depth` requests at once, and once more on the same connection, and compares all replies. Returns
/// the bytes of one reply.
pub(crate) fn check(port: u16, exchange: Exchange, depth: usize) -> Result<u64, String> {
    let mut connection = Connection::open(port)?;
    let mut wire_bytes = 0;
    for _ in 0..2 {
        connection.write(&exchange.request().repeat(depth))?;
        for _ in 0..depth {
            let reply = connection.read()?;
            compare(&reply, exchange)?;
            wire_bytes = reply.wire_bytes;
        }
    }
    Ok(wire_bytes)
}

/// A client with one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(port: u16) -> Result<Self, String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let open = || {
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            // Small: there may be 10,000 of them.
            Ok(Self { stream: BufReader::with_capacity(512, stream) })
        };
        open().map_err(|error: std::io::Error| format!("connecting: {error}"))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.get_mut().write_all(bytes).map_err(|error| format!("sending: {error}"))
    }

    pub(crate) fn read(&mut self) -> Result<Reply, String> {
        read_reply(&mut self.stream)
    }

    /// Whether the server has neither closed the connection nor sent anything.
    pub(crate) fn is_waiting(&self) -> bool {
        let stream = self.stream.get_ref();
        let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
        peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// Reads one reply. Its body must have a content length: that is one of the things that are equal.
pub(crate) fn read_reply(stream: &mut impl BufRead) -> Result<Reply, String> {
    let mut wire_bytes = 0;
    let mut line = || {
        let mut line = String::new();
        let count = stream.take(LINE_BYTES_MAX).read_line(&mut line);
        wire_bytes += count.map_err(|error| format!("no whole reply: {error}"))? as u64;
        let line = line.strip_suffix("\r\n").ok_or("the connection ended within a reply")?;
        Ok::<String, String>(line.to_owned())
    };
    let start = line()?;
    let status = start.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| format!("no status line: `{start}`"))?;
    let mut fields = Vec::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no field: `{line}`"))?;
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = fields.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse::<u64>().ok());
    let length = length.ok_or_else(|| format!("status {status} without a content length"))?;
    let mut body = Vec::new();
    let count = stream.take(length).read_to_end(&mut body);
    if count.map_err(|error| format!("no whole body: {error}"))? as u64 != length {
        return Err("the connection ended within a body".to_owned());
    }
    Ok(Reply { status, fields, body, wire_bytes: wire_bytes + length })
}

/// Compares status, content type, body and date; the content length is right if the body is.
pub(crate) fn compare(reply: &Reply, exchange: Exchange) -> Result<(), String> {
    if reply.status != 200 {
        return Err(format!("status {}", reply.status));
    }
    let content_type = reply.field("content-type").unwrap_or("");
    // JSON is UTF-8 by definition; some say so again.
    let said_twice = content_type == "application/json; charset=utf-8";
    let given = if said_twice { "application/json" } else { content_type };
    if !given.eq_ignore_ascii_case(exchange.content_type()) {
        return Err(format!("content type `{content_type}`"));
    }
    if reply.field("date").is_none() {
        return Err("no date".to_owned());
    }
    if reply.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
        return Err("the connection is not kept".to_owned());
    }
    let is_right = match exchange.body() {
        Body::Exactly(body) => reply.body == body,
        Body::Page(start, end) => {
            let body = str::from_utf8(&reply.body).unwrap_or("");
            let time = body.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            time.is_some_and(|time| time.len() == 13 && time.bytes().all(|b| b.is_ascii_digit()))
        }
    };
    if is_right {
        return Ok(());
    }
    let shown = &reply.body[..reply.body.len().min(80)];
    Err(format!("{} bytes: `{}`", reply.body.len(), String::from_utf8_lossy(shown)))
}

impl Reply {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

const LINE_BYTES_MAX: u64 = 8192;
const PATIENCE: Duration = Duration::from_secs(10);
