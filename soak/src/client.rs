//! A client over a blocking socket that takes a reply apart by the letter.

use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

/// A reply, whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether another request may follow.
    pub(crate) keeps: bool,
}

/// Whether a reply has a body of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Expected,
    /// The reply to a HEAD: its length is of the body that is not there.
    Absent,
}

impl Client {
    /// Connects from `own`: each address of the loopback network has ports of its own, which matters as
    /// closed connections keep theirs for a minute.
    pub(crate) fn connect(at: SocketAddr, own: Ipv4Addr) -> Result<Self, String> {
        let stream = socket(own)
            .and_then(|socket| socket.connect(&SockAddr::from(at)).map(|()| socket))
            .map_err(|error| format!("connect: {error}"))?;
        Self::over(stream.into())
    }

    fn over(stream: TcpStream) -> Result<Self, String> {
        let set = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        set.map_err(|error| format!("socket option: {error}"))?;
        Ok(Self { reader: BufReader::with_capacity(4 * 1024, stream) })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.reader.get_mut().write_all(bytes).map_err(|error| format!("send: {error}"))
    }

    /// The text of a page that must be there.
    pub(crate) fn get(&mut self, path: &str) -> Result<String, String> {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: soak\r\n\r\n").as_bytes())?;
        let reply = self.reply(Body::Expected)?;
        match reply.status {
            200 => String::from_utf8(reply.body).map_err(|error| error.to_string()),
            status => Err(format!("GET {path}: {status}")),
        }
    }

    /// Ends this side of the connection.
    pub(crate) fn finish(&self) -> Result<(), String> {
        let done = self.stream().shutdown(std::net::Shutdown::Write);
        done.map_err(|error| format!("shutdown: {error}"))
    }

    /// Closes with a reset instead of a farewell.
    pub(crate) fn reset(self) -> Result<(), String> {
        let socket = socket2::SockRef::from(self.reader.get_ref());
        socket.set_linger(Some(Duration::ZERO)).map_err(|error| format!("linger: {error}"))
    }

    /// Whether the peer has closed and nothing is left to read.
    pub(crate) fn is_over(&mut self) -> Result<bool, String> {
        let rest = self.reader.fill_buf().map_err(|error| format!("end: {error}"))?;
        Ok(rest.is_empty())
    }

    /// Some bytes, as they come; none at the end.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, String> {
        self.reader.read(into).map_err(|error| format!("read: {error}"))
    }

    /// The next reply.
    pub(crate) fn reply(&mut self, body: Body) -> Result<Reply, String> {
        reply(&mut self.reader, body)
    }
}

/// A socket on one address of this machine, not connected yet.
pub(crate) fn socket(own: Ipv4Addr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SockAddr::from(SocketAddr::from((own, 0))))?;
    Ok(socket)
}

/// Reads a reply as RFC 9112 frames it; what is not of its grammar is an error.
fn reply(reader: &mut impl BufRead, expected: Body) -> Result<Reply, String> {
    let status_line = line(reader)?;
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse::<u16>().ok())
        .ok_or_else(|| format!("no status line: {status_line:?}"))?;
    let (mut len, mut is_chunked, mut keeps, mut has_date) = (None, false, true, false);
    loop {
        let field = line(reader)?;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':').ok_or_else(|| format!("no field: {field:?}"))?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" if len.is_some() => return Err("two lengths".to_owned()),
            "content-length" => {
                len = Some(value.parse::<usize>().map_err(|_| format!("length {value:?}"))?);
            }
            "transfer-encoding" if value == "chunked" => is_chunked = true,
            "transfer-encoding" => return Err(format!("transfer-encoding {value:?}")),
            "connection" if value.eq_ignore_ascii_case("close") => keeps = false,
            "date" => has_date = true,
            _ => {}
        }
    }
    if !has_date && status >= 200 {
        return Err(format!("{status} without a date"));
    }
    if is_chunked && len.is_some() {
        return Err("a length and chunks".to_owned());
    }
    let mut body = Vec::new();
    if expected == Body::Absent || matches!(status, 100..=199 | 204 | 304) {
        return Ok(Reply { status, body, keeps });
    }
    match len {
        Some(len) => {
            body.resize(len, 0);
            reader.read_exact(&mut body).map_err(|error| format!("body: {error}"))?;
        }
        None if is_chunked => chunks(reader, &mut body)?,
        None => {
            keeps = false;
            reader.read_to_end(&mut body).map_err(|error| format!("body: {error}"))?;
        }
    }
    Ok(Reply { status, body, keeps })
}

fn chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Result<(), String> {
    loop {
        let size = line(reader)?;
        let len = usize::from_str_radix(&size, 16).map_err(|_| format!("chunk size {size:?}"))?;
        let start = body.len();
        body.resize(start + len, 0);
        let chunk = body.get_mut(start..).unwrap_or_default();
        reader.read_exact(chunk).map_err(|error| format!("chunk: {error}"))?;
        if !line(reader)?.is_empty() {
            return Err("a chunk is longer than its size".to_owned());
        }
        if len == 0 {
            return Ok(());
        }
    }
}

/// A line without its end, which is CRLF.
fn line(reader: &mut impl BufRead) -> Result<String, String> {
    let mut bytes = Vec::new();
    let limited = &mut reader.take(LINE_BYTES_MAX);
    limited.read_until(b'\n', &mut bytes).map_err(|error| format!("line: {error}"))?;
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if bytes.is_empty() => Err("the connection is closed".to_owned()),
        None => Err(format!("no line: {:?}", String::from_utf8_lossy(&bytes))),
    }
}

/// Longer than any good exchange takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const LINE_BYTES_MAX: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::{Body, Reply, reply};

    fn read(text: &str) -> Result<Reply, String> {
        reply(&mut text.as_bytes(), Body::Expected)
    }

    #[test]
    fn reads_both_framings() {
        let head = "HTTP/1.1 200 OK\r\ndate: now\r\n";
        let whole = Ok(Reply { status: 200, body: b"hello".to_vec(), keeps: true });
        assert_eq!(read(&format!("{head}content-length: 5\r\n\r\nhello")), whole);
        let chunked = "transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        assert_eq!(read(&format!("{head}{chunked}")), whole);
    }

    #[test]
    fn refuses_what_is_framed_wrongly() {
        let head = "HTTP/1.1 200 OK\r\ndate: now\r\n";
        for rest in [
            "content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "content-length: 5\r\n\r\nhell",
            "transfer-encoding: chunked\r\n\r\n2\r\nhel\r\n0\r\n\r\n",
            "transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n",
            "no field\r\n\r\n",
        ] {
            assert!(read(&format!("{head}{rest}")).is_err(), "{rest}");
        }
        assert!(read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(read("hello").is_err());
    }
}
