//! What holds for every reply, errors and unknown paths included. Only a body whose announced length
//! is over the limit never gets as far: the server refuses it before all middleware.

use shikra::prelude::*;
use std::time::Instant;

/// What browsers may do with a page: load from here alone, and stand in nobody's frame.
pub(crate) async fn security_headers(req: Request, next: Next) -> Response {
    let mut res = next.run(req).await;
    for (name, value) in SECURITY_HEADERS {
        res.set_header(name, value);
    }
    res
}

/// Pages elsewhere may link to the board, not change it.
pub(crate) async fn refuse_cross_site(req: Request) -> Result<()> {
    let is_foreign = req.header("sec-fetch-site").is_some_and(|site| !OWN_SITES.contains(&site));
    if is_foreign && !req.method().is_safe() {
        bail!(403, "Notes are changed from the board itself.");
    }
    Ok(())
}

/// Tells browsers how long the answer took; they show it beside the request.
pub(crate) async fn server_timing(req: Request, next: Next) -> Response {
    let start = Instant::now();
    let mut res = next.run(req).await;
    res.set_header("server-timing", format!("app;dur={}", millis(start)));
    res
}

/// Writes a line for each request to standard error.
pub async fn log_requests(req: Request, next: Next) -> Response {
    let start = Instant::now();
    let peer = req.peer_addr().map_or_else(|| "-".to_owned(), |peer| peer.ip().to_string());
    let line = format!("{peer} {} {}", req.method(), req.path());
    let res = next.run(req).await;
    eprintln!("{line} {} {} ms", res.status().as_u16(), millis(start));
    res
}

fn millis(start: Instant) -> String {
    format!("{:.3}", start.elapsed().as_secs_f64() * 1000.0)
}

const OWN_SITES: [&str; 2] = ["same-origin", "none"];

const SECURITY_HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];
