//! What protocol testers need: bodies both ways, streams, delays, every status, header values, a panic.

use crate::measured;
use crate::options::Options;
use shikra::prelude::*;
use std::time::Duration;

/// The server's application.
#[must_use]
pub fn app(options: &Options) -> App {
    let mut app = App::new();
    app.workers(options.workers)
        .body_bytes_max(options.body_bytes_max)
        .limits(|limits| *limits = options.limits.clone());
    app.get("/", async |_| "hello")
        .get("/users/:id", async |req| req.param::<String>("id"))
        .post("/echo", echo)
        .post("/count", count)
        .get("/stream", ten_chunks)
        .get("/slow", slow)
        .get("/status/:code", status)
        .get("/header", header)
        .get("/panic", panics);
    measured::register(&mut app);
    app
}

/// The body, sent back while it comes.
async fn echo(req: Request) -> Response {
    let mut body = req.body();
    stream(async move |out| {
        while let Some(chunk) = body.next().await {
            out.write(chunk?).await?;
        }
        Ok(())
    })
}

/// The length of the body, which is never kept.
pub(crate) async fn count(req: Request) -> Result<String> {
    let mut body = req.body();
    let mut len = 0;
    while let Some(chunk) = body.next().await {
        len += chunk?.len();
    }
    Ok(len.to_string())
}

/// Ten chunks, one a second or every `?ms=`.
async fn ten_chunks(req: Request) -> Result<Response> {
    let pause = pause(&req, STREAM_MS)?;
    let lines = stream(async move |out| {
        for n in 0..10 {
            if n > 0 {
                sleep(pause).await;
            }
            out.write(format!("chunk {n}\n")).await?;
        }
        Ok(())
    });
    Ok(lines.with_header("content-type", "text/plain; charset=utf-8"))
}

/// An answer after 150 ms, or `?ms=`.
async fn slow(req: Request) -> Result<String> {
    let pause = pause(&req, SLOW_MS)?;
    sleep(pause).await;
    Ok(format!("after {} ms", pause.as_millis()))
}

/// The pause that the query asks for, at most a minute.
fn pause(req: &Request, default_ms: u64) -> Result<Duration> {
    let ms = req.query().parse("ms")?.unwrap_or(default_ms);
    if ms > PAUSE_MS_MAX {
        bail!(400, "query `ms`: at most {PAUSE_MS_MAX}");
    }
    Ok(Duration::from_millis(ms))
}

/// An empty reply with the status of the path, 200 to 999.
async fn status(req: Request) -> Result<StatusCode> {
    let status: StatusCode = req.param("code")?;
    if status.is_informational() {
        bail!(400, "parameter `code`: {} is no status of a final reply", status.as_u16());
    }
    Ok(status)
}

/// The value of `?v=`, decoded, in the field `x-value`; 400 where a field cannot hold it.
async fn header(req: Request) -> Result<Response> {
    let value = req.query().get("v").or_status(400)?;
    let mut res = "see x-value".into_response();
    res.try_set_header("x-value", value.as_bytes())
        .map_err(|_| Error::new(400, "query `v`: no value of a header field"))?;
    Ok(res)
}

async fn panics(_: Request) -> u16 {
    panic!("asked for")
}

const STREAM_MS: u64 = 1_000;
const SLOW_MS: u64 = 150;
const PAUSE_MS_MAX: u64 = 60_000;
