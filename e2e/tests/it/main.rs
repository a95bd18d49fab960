//! The showcase in a real browser.

mod board;
mod looks;
mod site;

use site::Site;
