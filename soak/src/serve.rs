//! The server: the routes of `conformance`, a few for rude clients, and `/state`, which counts what
//! there is.

use crate::random::{HASH_START, hash};
use conformance::{Command, app};
use shikra::AppHandle;
use shikra::prelude::*;
use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::runtime::Handle;

/// Serves until the process is killed. The first line of output is the port.
pub(crate) fn run(options: &[&str]) -> std::result::Result<(), String> {
    let words = options.iter().map(ToString::to_string);
    let Command::Serve(options) = Command::parse(words)? else {
        return Err(conformance::help());
    };
    let counts = Arc::new(Counts::default());
    install_hook(&counts);
    let mut app = app(&options);
    register(&mut app, &counts);
    let handle = app.start((options.host.as_str(), options.port)).map_err(|e| e.to_string())?;
    let port = handle.addr().port();
    let handle = counts.handle.get_or_init(|| handle);
    println!("{port}");
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    handle.wait();
    Ok(())
}

/// What has to be the same again when nobody is left.
#[derive(Default)]
struct Counts {
    handle: OnceLock<AppHandle>,
    /// The runtime of each worker.
    workers: Mutex<Vec<Handle>>,
    /// Exchanges that have begun and not ended, streams of replies included.
    exchanges: AtomicUsize,
    /// Panics of all but the handler that is asked to.
    panics: AtomicU64,
}

fn register(app: &mut App, counts: &Arc<Counts>) {
    let workers = Arc::clone(counts);
    app.state_per_worker(async move || {
        lock(&workers).push(Handle::current());
        Ok(Worker)
    });
    app.state(Arc::clone(counts)).use_(counted);
    app.get("/state", state).post("/hash", hashed).get("/flood", flood);
}

struct Worker;

/// Counts an exchange in, and out when it has ended, whatever its end.
async fn counted(req: Request, next: Next) -> Response {
    let counts = Arc::clone(req.state::<Arc<Counts>>());
    counts.exchanges.fetch_add(1, Ordering::Relaxed);
    req.on_close(move || {
        counts.exchanges.fetch_sub(1, Ordering::Relaxed);
    });
    next.run(req).await
}

/// Connections, exchanges, tasks, requests and panics, in this order.
async fn state(req: Request) -> String {
    let counts = req.state::<Arc<Counts>>();
    let (connections, requests) =
        counts.handle.get().map_or((0, 0), |handle| (handle.connections(), handle.requests()));
    let tasks: usize = lock(counts).iter().map(|worker| worker.metrics().num_alive_tasks()).sum();
    let exchanges = counts.exchanges.load(Ordering::Relaxed);
    let panics = counts.panics.load(Ordering::Relaxed);
    format!("{connections} {exchanges} {tasks} {requests} {panics}")
}

fn lock(counts: &Counts) -> std::sync::MutexGuard<'_, Vec<Handle>> {
    counts.workers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Length and hash of the body, which is never kept.
async fn hashed(req: Request) -> Result<String> {
    let mut body = req.body();
    let (mut len, mut sum) = (0, HASH_START);
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        len += chunk.len();
        sum = hash(&chunk, sum);
    }
    Ok(format!("{len} {sum:x}"))
}

/// A reply without an end.
async fn flood(_: Request) -> Response {
    stream(async |out| {
        loop {
            out.write(vec![b'x'; FLOOD_BYTES]).await?;
        }
    })
}

/// Panics that the clients ask for stay silent; any other is counted and shown.
fn install_hook(counts: &Arc<Counts>) {
    let show = std::panic::take_hook();
    let counts = Arc::clone(counts);
    std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        if info.payload().downcast_ref::<&str>() != Some(&"asked for") {
            counts.panics.fetch_add(1, Ordering::Relaxed);
            show(info);
        }
    }));
}

const FLOOD_BYTES: usize = 4 * 1024;
