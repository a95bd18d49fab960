//! The board as JSON. Every error is a problem detail (RFC 9457).

use crate::board::{Board, Draft, Note, Refusal};
use serde::Serialize;
use shikra::prelude::*;

/// The routes below `/api`.
pub(crate) fn api() -> App {
    let mut api = App::new();
    api.get("/notes", list)
        .post("/notes", add)
        .get("/notes/:id", show)
        .put("/notes/:id", change)
        .delete("/notes/:id", remove)
        .not_found(async |_| Error::new(404, "The API has no such path."))
        .on_error(async |_, error| problem(error));
    api
}

async fn list(req: Request) -> Json<Vec<Note>> {
    Json(req.state::<Board>().newest_first())
}

async fn add(req: Request) -> Result<Response> {
    let content = req.json::<Draft>().await?.check()?;
    let note = req.state::<Board>().add(content)?;
    let location = format!("/api/notes/{}", note.id);
    Ok((StatusCode::CREATED, [("location", location)], Json(note)).into_response())
}

async fn show(req: Request) -> Result<Json<Note>> {
    Ok(Json(req.state::<Board>().find(req.param("id")?)?))
}

async fn change(req: Request) -> Result<Json<Note>> {
    let id = req.param("id")?;
    let content = req.json::<Draft>().await?.check()?;
    Ok(Json(req.state::<Board>().change(id, content)?))
}

async fn remove(req: Request) -> Result<StatusCode> {
    req.state::<Board>().remove(req.param("id")?)?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::NoText | Refusal::NoAuthor | Refusal::LongText | Refusal::LongAuthor => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            // The client can mend it, by deleting a note: no 507, which blames the server.
            Refusal::Full => StatusCode::CONFLICT,
            Refusal::Missing(_) => StatusCode::NOT_FOUND,
        };
        Self::new(status, refusal.to_string())
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
}

fn problem(error: &Error) -> Response {
    let status = error.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let problem = Problem { title, status: status.as_u16(), detail: error.message() };
    Json(problem).with_status(status).with_header("content-type", "application/problem+json")
}
