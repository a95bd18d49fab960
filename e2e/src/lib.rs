//! A real Chromium for tests, driven through chromedriver with the WebDriver protocol.
//!
//! [`Browser::start`] starts both on free ports with a fresh profile, and dropping it ends them. The tests
//! are in `tests/it`; `cargo xtask test` installs what they need where apt is at hand. With `E2E_PICTURES` set to a folder, they leave pictures of the
//! pages there.
//!
//! | file | what it knows |
//! |---|---|
//! | `browser.rs` | what a test does with a page |
//! | `driver.rs` | the two programs: finding, starting and ending them |
//! | `wire.rs` | one JSON command over HTTP |

mod browser;
mod driver;
mod wire;

pub use browser::{Browser, Element, Scheme};
