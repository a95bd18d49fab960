//! The board as pages, which work without JavaScript too.

use crate::about::About;
use crate::board::{Board, Draft, Note};
use serde::Serialize;
use shikra::prelude::*;
use shikra::templates::Templates;
use std::io;
use std::sync::Arc;

/// The pages, the form and the files that the pages load.
///
/// # Errors
/// When a template is wrong.
pub(crate) fn register(app: &mut App) -> io::Result<()> {
    let templates = Templates::new("views")
        .with_layouts("layouts")
        .with_components("components")
        .with_embedded(TEMPLATES)
        .with_plugin("when", when);
    for warning in templates.precompile()? {
        eprintln!("{warning}");
    }
    app.set_engine(templates);
    app.get("/", board)
        .post("/notes", add)
        .get("/about", about)
        .get("/style.css", async |_| asset("text/css; charset=utf-8", STYLE))
        .get("/board.js", async |_| asset("text/javascript; charset=utf-8", SCRIPT))
        .not_found(not_found);
    Ok(())
}

#[derive(Serialize)]
struct Wall {
    notes: Vec<Note>,
}

async fn board(req: Request) -> Result {
    let notes = req.state::<Board>().newest_first();
    req.render("board", &Wall { notes }).await
}

/// The time as people read it; the script shows their own zone.
fn when(created: Option<String>) -> String {
    let Some(created) = created else { return String::new() };
    let minutes = created.rsplit_once(':').map_or(&*created, |(minutes, _)| minutes);
    format!("{} UTC", minutes.replace('T', " "))
}

/// The form without JavaScript: back to the board, so that reloading does not send it again.
async fn add(req: Request) -> Result {
    let content = req.form::<Draft>().await?.check()?;
    req.state::<Board>().add(content)?;
    Ok(redirect_with(StatusCode::SEE_OTHER, "/"))
}

async fn about(req: Request) -> Result {
    let about = Arc::clone(req.state::<Arc<About>>());
    req.render("about", &*about).await
}

/// A page for browsers, a line or a problem detail for others.
async fn not_found(req: Request) -> Result {
    if req.header("accept").is_some_and(|accept| accept.contains("text/html")) {
        return Ok(req.render("not_found", &()).await?.with_status(404));
    }
    bail!(404)
}

fn asset(content_type: &str, text: &'static str) -> Response {
    // Fresh after every start of the server; the files are small.
    text.with_header("content-type", content_type).with_header("cache-control", "no-cache")
}

/// The templates, in the program itself: it runs from anywhere.
const TEMPLATES: [(&str, &str); 5] = [
    ("layouts/page.html", include_str!("../templates/layouts/page.html")),
    ("components/note.html", include_str!("../templates/components/note.html")),
    ("views/board.html", include_str!("../templates/views/board.html")),
    ("views/about.html", include_str!("../templates/views/about.html")),
    ("views/not_found.html", include_str!("../templates/views/not_found.html")),
];
const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/board.js");
