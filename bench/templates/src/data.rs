//! What the pages show.

use serde::Serialize;

/// A thousand rows of eight numbers.
#[derive(Serialize, askama::Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    table: Vec<Vec<u32>>,
}

/// A small page: a year and four teams.
#[derive(Serialize, askama::Template)]
#[template(path = "teams.html")]
pub(crate) struct Teams {
    year: u32,
    teams: Vec<Team>,
}

#[derive(Serialize)]
struct Team {
    name: String,
    score: u32,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            table: (0..1000).map(|row| (0..8).map(|cell| row * 8 + cell + 1).collect()).collect(),
        }
    }
}

impl Teams {
    pub(crate) fn new() -> Self {
        let team = |name: &str, score| Team { name: name.to_owned(), score };
        let teams = vec![
            team("Jiangsu", 43),
            team("Beijing", 27),
            team("Guangzhou", 22),
            team("Shandong", 12),
        ];
        Self { year: 2015, teams }
    }
}
