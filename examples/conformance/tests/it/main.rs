//! Every route of the conformance server, and its command line.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod measured;
mod options;
mod routes;

use conformance::{Options, app};
use shikra::testing::TestClient;

fn client() -> TestClient {
    TestClient::new(app(&Options::default()))
}
