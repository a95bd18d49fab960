//! The same two pages by several template engines, so that they can be compared.
//!
//! `data` says what the pages show; each module of `engines` renders them with one engine, the way
//! its documentation does. The programs in `bin` and `main.rs` print, time and count.

mod data;
mod engines;

use data::{Table, Teams};

/// Renders a page once.
pub type Render = Box<dyn FnMut() -> String>;

/// A page by an engine, from one form of the data.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub engine: &'static str,
    pub page: &'static str,
    /// `struct`: the program's own types, converted for every page where the engine wants that.
    /// `value`: what the engine makes of them, ready before the first page.
    pub data: &'static str,
    make: fn() -> Render,
}

impl Case {
    /// Prepares everything that is prepared once: compiled templates, and the data.
    pub fn prepare(&self) -> Render {
        (self.make)()
    }
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |engine, data, table: fn() -> Render, teams: fn() -> Render| {
        cases.push(Case { engine, page: "table", data, make: table });
        cases.push(Case { engine, page: "teams", data, make: teams });
    };
    use engines::{askama, handlebars, minijinja, shikra, tera};
    add("askama", "struct", || askama::render(Table::new()), || askama::render(Teams::new()));
    add("shikra", "value", || shikra::from_value("table"), || shikra::from_value("teams"));
    add(
        "shikra",
        "struct",
        || shikra::from_struct("table", Table::new()),
        || shikra::from_struct("teams", Teams::new()),
    );
    add("minijinja", "value", || minijinja::from_value("table"), || minijinja::from_value("teams"));
    add(
        "minijinja",
        "struct",
        || minijinja::from_struct("table", Table::new()),
        || minijinja::from_struct("teams", Teams::new()),
    );
    add("tera", "value", || tera::from_value("table"), || tera::from_value("teams"));
    add(
        "tera",
        "struct",
        || tera::from_struct("table", Table::new()),
        || tera::from_struct("teams", Teams::new()),
    );
    add(
        "handlebars",
        "value",
        || handlebars::from_value("table"),
        || handlebars::from_value("teams"),
    );
    add(
        "handlebars",
        "struct",
        || handlebars::from_struct("table", Table::new()),
        || handlebars::from_struct("teams", Teams::new()),
    );
    cases
}

/// The case of these names.
pub fn case(engine: &str, page: &str, data: &str) -> Option<Case> {
    cases().into_iter().find(|case| (case.engine, case.page, case.data) == (engine, page, data))
}
