//! The team board, in process and as the program that is started.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod api;
mod pages;
mod program;
mod replies;

use shikra::App;
use shikra::testing::TestClient;

fn client() -> TestClient {
    let mut app = App::new();
    showcase::register(&mut app).unwrap();
    TestClient::new(app)
}
