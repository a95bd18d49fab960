//! Compressed bodies of requests (RFC 9110 §8.4), inflated before the handler reads them.

use crate::error::{Error, Result};
use crate::middleware::Next;
use crate::request::Request;
use crate::response::Response;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::Bytes;
use std::io::{self, ErrorKind, Read};

/// A middleware that inflates bodies with `content-encoding: gzip`, `deflate` or `br`, and leaves others as
/// they are.
///
/// The body is collected first, and whoever reads it then gets the inflated bytes, as a stream too. The
/// limit of the route (250,000 bytes unless `body_bytes_max` says otherwise) holds before and after, and a
/// body may grow a hundredfold, or to 64 KiB if that is more. The header fields stay as they were sent, and
/// so does [`Request::content_length`].
///
/// # Errors
/// 415 for another coding, or more than one; 400 for a body that is broken, ends early, or has something
/// after its end; 413 for one that grows past a limit.
///
/// ```
/// use shikra::{App, inflate, testing::TestClient};
///
/// let mut app = App::new();
/// app.use_(inflate()).post("/", async |req| req.text().await);
/// // One block that holds "hi" as it is, and the checksum.
/// let body = [0x78, 0x01, 0x01, 2, 0, 0xfd, 0xff, b'h', b'i', 0x01, 0x3b, 0x00, 0xd2];
/// let client = TestClient::new(app);
/// let request = client.post("/").header("content-encoding", "deflate").body(body.to_vec());
/// assert_eq!(request.send().text(), "hi");
/// ```
pub fn inflate() -> impl AsyncFn(Request, Next) -> Result + Send + Sync + 'static {
    async |req: Request, next: Next| -> Result<Response> {
        inflate_body(&req).await?;
        Ok(next.run(req).await)
    }
}

/// Says that it has been done, to a second middleware of this kind.
struct Inflated;

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

async fn inflate_body(req: &Request) -> Result<()> {
    let Some(codings) = req.header_joined("content-encoding") else { return Ok(()) };
    let coding = match &*codings.trim().to_ascii_lowercase() {
        "" | "identity" => return Ok(()),
        // RFC 9110 §8.4.1.3: the old name is the same.
        "gzip" | "x-gzip" => Coding::Gzip,
        "deflate" => Coding::Deflate,
        "br" => Coding::Brotli,
        other => {
            let message = format!("the content coding `{}` is not known", other.escape_debug());
            // RFC 9110 §15.5.16: the reply says what would have been understood.
            return Err(
                Error::new(415, message).with_header("accept-encoding", "gzip, deflate, br")
            );
        }
    };
    if req.meta().insert(Inflated).is_some() {
        return Ok(());
    }
    let body = req.bytes().await?;
    if !body.is_empty() {
        req.replace_body(inflated(coding, &body, req.body_bytes_max())?);
    }
    Ok(())
}

fn inflated(coding: Coding, body: &[u8], body_bytes_max: u64) -> Result<Bytes> {
    let grown_max = (body.len() as u64).saturating_mul(GROWTH_MAX).max(GROWN_BYTES_FREE);
    let max = body_bytes_max.min(grown_max);
    let (mut out, mut rest) = (Vec::new(), body);
    // One byte more shows that there is more.
    let wanted = max.saturating_add(1);
    let result = match coding {
        Coding::Gzip => flate2::bufread::MultiGzDecoder::new(&mut rest)
            .take(wanted)
            .read_to_end(&mut out)
            .map(drop),
        Coding::Deflate => flate2::bufread::ZlibDecoder::new(&mut rest)
            .take(wanted)
            .read_to_end(&mut out)
            .map(drop),
        Coding::Brotli => read_brotli(&mut rest, max, &mut out),
    };
    if out.len() as u64 > max {
        return Err(Error::new(413, format!("the inflated body is larger than {max} bytes")));
    }
    let broken = || Error::new(400, "the compressed body is broken");
    result.map_err(|error| broken().with_cause(error))?;
    if !rest.is_empty() {
        return Err(broken());
    }
    Ok(out.into())
}

/// Reads until the end, or until there is more than `max`; takes what it has read from `rest`.
fn read_brotli(rest: &mut &[u8], max: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let alloc = StandardAlloc::default;
    // Strict means windows of 16 MiB at most (RFC 7932 §9.1); otherwise a body could ask for 1 GiB.
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let (mut input_len, mut input_at, mut total) = (rest.len(), 0, 0);
    let mut window = vec![0; WINDOW_BYTES];
    loop {
        let (mut room, mut len) = (window.len(), 0);
        let (input, window) = (*rest, &mut window);
        let result = BrotliDecompressStream(
            &mut input_len,
            &mut input_at,
            input,
            &mut room,
            &mut len,
            window,
            &mut total,
            &mut state,
        );
        out.extend_from_slice(window.get(..len).unwrap_or_default());
        match result {
            _ if out.len() as u64 > max => return Ok(()),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultSuccess => {
                *rest = rest.get(input_at..).unwrap_or_default();
                return Ok(());
            }
            BrotliResult::NeedsMoreInput => return Err(ErrorKind::UnexpectedEof.into()),
            BrotliResult::ResultFailure => return Err(ErrorKind::InvalidData.into()),
        }
    }
}

/// How many times its size a body may have, beyond `GROWN_BYTES_FREE`. Text seldom shrinks to a twentieth.
const GROWTH_MAX: u64 = 100;
const GROWN_BYTES_FREE: u64 = 64 * 1024;
const WINDOW_BYTES: usize = 16 * 1024;
