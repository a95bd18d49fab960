//! One JSON command over HTTP/1.1, as WebDriver wants it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends a command to the driver on `port` and returns the `value` of its answer.
///
/// # Errors
/// When the driver cannot be reached, or says that the command failed.
pub(crate) fn send(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let (status, body) = read_reply(BufReader::new(stream))?;
    let mut answer: Value = serde_json::from_slice(&body)?;
    let value = answer["value"].take();
    if status == 200 {
        return Ok(value);
    }
    let message = value["message"].as_str().unwrap_or("no message");
    Err(Error::other(format!("{method} {path}: {status} {message}")))
}

fn read_reply(mut stream: impl BufRead) -> Result<(u16, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, line.clone()))?;
    let mut len = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            len = value.trim().parse().map_err(Error::other)?;
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok((status, body))
}

/// A command waits for elements up to five seconds; starting a browser takes longest.
const PATIENCE: Duration = Duration::from_secs(60);
