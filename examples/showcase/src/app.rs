//! How the parts make one application.

use crate::about::{About, BODY_BYTES_MAX};
use crate::board::Board;
use crate::{api, middleware, pages};
use shikra::{App, Limits, before};
use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;

/// Makes `app` the board, empty as yet, and returns what it says about itself.
///
/// Middleware that `app` has already stands around all of it.
///
/// # Errors
/// When two routes clash, or a pattern or a template is wrong.
pub fn register(app: &mut App) -> io::Result<Arc<About>> {
    let workers = available_parallelism().map_or(1, usize::from);
    app.workers(workers).body_bytes_max(BODY_BYTES_MAX);
    app.use_(middleware::server_timing)
        .use_(middleware::security_headers)
        .use_(before(middleware::refuse_cross_site));
    pages::register(app)?;
    app.mount("/api", api::api());
    app.state(Board::default());

    let mut limits = Limits::default();
    app.limits(|own| limits = own.clone());
    let about = Arc::new(About::new(app, workers, &limits)?);
    app.state(Arc::clone(&about));
    Ok(about)
}
