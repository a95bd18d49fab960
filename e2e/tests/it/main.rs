//! The showcase in a real browser.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod board;
mod looks;
mod site;

use site::Site;
