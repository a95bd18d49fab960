//! Work that would hold its worker: computing, or calls that block.

use crate::error::{Error, Result};

/// Runs `work` on a thread for such work and waits for it, while the worker goes on.
///
/// A handler that is dropped meanwhile does not stop `work`; its result is then thrown away.
///
/// ```
/// use shikra::{App, blocking, testing::TestClient};
///
/// let mut app = App::new();
/// app.get("/sum", async |_| Ok(blocking(|| (1..=1000_u64).sum::<u64>()).await?.to_string()));
/// assert_eq!(TestClient::new(app).get("/sum").send().text(), "500500");
/// ```
///
/// # Errors
/// When `work` panics.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => Error::panicked(shikra_engine::service::panic_message(&*panic)),
        Err(error) => Error::from(error),
    })
}
