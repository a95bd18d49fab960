//! A team board: notes that everyone sees, adds to and tidies up, in the browser and as a JSON API.
//!
//! | file | what it knows |
//! |---|---|
//! | `board.rs` | notes and their rules, nothing of HTTP |
//! | `api.rs` | the board as JSON |
//! | `pages.rs`, `about.rs` | the board as pages, and what they show of the server |
//! | `templates/` | how the pages are made: a layout, a component, and a view for each |
//! | `middleware.rs` | what holds for every reply |
//! | `app.rs` | how these make one application |
//! | `main.rs` | the command line |

mod about;
mod api;
mod app;
mod board;
mod middleware;
mod pages;

pub use about::About;
pub use app::register;
pub use middleware::log_requests;
