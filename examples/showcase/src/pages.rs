//! The board as pages, which work without JavaScript too.

use crate::about::About;
use crate::board::{Board, Draft, Note};
use crate::html::{escape, fill};
use shikra::prelude::*;
use std::sync::Arc;

/// The pages, the form and the files that the pages load.
pub(crate) fn register(app: &mut App) {
    app.get("/", board)
        .post("/notes", add)
        .get("/about", about)
        .get("/style.css", async |_| asset("text/css; charset=utf-8", STYLE))
        .get("/board.js", async |_| asset("text/javascript; charset=utf-8", SCRIPT))
        .not_found(not_found);
}

async fn board(req: Request) -> Html<String> {
    let notes = req.state::<Board>().newest_first();
    Html(fill(BOARD, COMMENT, |mark| {
        Some(match mark {
            "notes" => notes.iter().map(item).collect::<String>().into(),
            "count" => notes.len().to_string().into(),
            // The script makes new notes from the same markup.
            "note" => NOTE.into(),
            _ => return None,
        })
    }))
}

fn item(note: &Note) -> String {
    fill(NOTE, BRACES, |mark| {
        Some(match mark {
            "id" => note.id.to_string().into(),
            "text" => escape(note.content.text()),
            "author" => escape(note.content.author()),
            "color" => note.content.color().name().into(),
            "created" => escape(&note.created),
            "when" => when(&note.created).into(),
            _ => return None,
        })
    })
}

/// The time as people read it; the script shows their own zone.
fn when(created: &str) -> String {
    let minutes = created.rsplit_once(':').map_or(created, |(minutes, _)| minutes);
    format!("{} UTC", minutes.replace('T', " "))
}

/// The form without JavaScript: back to the board, so that reloading does not send it again.
async fn add(req: Request) -> Result {
    let content = req.form::<Draft>().await?.check()?;
    req.state::<Board>().add(content)?;
    Ok(redirect_with(StatusCode::SEE_OTHER, "/"))
}

async fn about(req: Request) -> Html<String> {
    let about = req.state::<Arc<About>>();
    Html(fill(ABOUT, COMMENT, |mark| {
        Some(match mark {
            "routes" => about.routes.iter().map(row).collect::<String>().into(),
            "facts" => about.facts.iter().map(fact).collect::<String>().into(),
            _ => return None,
        })
    }))
}

fn row((method, pattern, text): &(String, String, &str)) -> String {
    let (method, pattern, text) = (escape(method), escape(pattern), escape(text));
    format!("<tr><td>{method}</td><td>{pattern}</td><td>{text}</td></tr>")
}

fn fact((name, value): &(&str, String)) -> String {
    format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value))
}

/// A page for browsers, a line or a problem detail for others.
async fn not_found(req: Request) -> Result {
    if req.header("accept").is_some_and(|accept| accept.contains("text/html")) {
        return Ok(Html(NOT_FOUND).with_status(404));
    }
    bail!(404)
}

fn asset(content_type: &str, text: &'static str) -> Response {
    // Fresh after every start of the server; the files are small.
    text.with_header("content-type", content_type).with_header("cache-control", "no-cache")
}

const COMMENT: (&str, &str) = ("<!--", "-->");
const BRACES: (&str, &str) = ("{{", "}}");

const BOARD: &str = include_str!("../assets/board.html");
const NOTE: &str = include_str!("../assets/note.html");
const ABOUT: &str = include_str!("../assets/about.html");
const NOT_FOUND: &str = include_str!("../assets/not_found.html");
const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/board.js");
