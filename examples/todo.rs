//! To-do lists for several people, with a login, JSON, and an application for admins inside:
//! `cargo run -p examples --bin todo`, then
//! `curl -H 'authorization: Bearer ada' 127.0.0.1:3000/todos -d '{"title": "Buy tea"}'`.

use serde::{Deserialize, Serialize};
use shikra::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

fn main() -> std::io::Result<()> {
    todo().listen("127.0.0.1:3000")
}

fn todo() -> App {
    let mut app = App::new();
    app.state(Todos::default()).use_(log_in);
    app.get("/todos", list).post("/todos", create);
    app.put("/todos/:id", with(replace)).delete("/todos/:id", remove);
    app.mount("/admin", admin());
    app
}

fn admin() -> App {
    let mut app = App::new();
    app.use_(require_admin).get("/counts", counts);
    app
}

/// Who asks. A real one comes out of a database, and has a better token.
struct User {
    name: &'static str,
    is_admin: bool,
}

static USERS: [(&str, User); 2] =
    [("ada", User { name: "Ada", is_admin: true }), ("bob", User { name: "Bob", is_admin: false })];

/// Finds out who asks, and leaves it beside the request.
async fn log_in(req: Request, next: Next) -> Result {
    let token = req.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let Some((_, user)) = USERS.iter().find(|(known, _)| token == Some(known)) else {
        return Err(Error::new(401, "log in first").with_header("www-authenticate", "Bearer"));
    };
    req.meta().insert(user);
    Ok(next.run(req).await)
}

async fn require_admin(req: Request, next: Next) -> Result {
    if !user_of(&req)?.is_admin {
        bail!(403, "this is for admins");
    }
    Ok(next.run(req).await)
}

fn user_of(req: &Request) -> Result<&'static User> {
    Ok(*req.meta().get::<&'static User>().or_status(401)?)
}

#[derive(Clone, Serialize)]
struct Todo {
    #[serde(skip)]
    owner: &'static str,
    title: Title,
    done: bool,
}

/// What a client sends. A mistake in it is a 422 that names the field.
#[derive(Deserialize)]
struct Draft {
    title: Title,
    #[serde(default)]
    done: bool,
}

/// Text that says something: whoever has one need not check it again.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Title(String);

impl TryFrom<String> for Title {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() { Err("a title may not be empty") } else { Ok(Self(text)) }
    }
}

#[derive(Default)]
struct Todos(Mutex<BTreeMap<u32, Todo>>);

impl Todos {
    fn of(req: &Request) -> MutexGuard<'_, BTreeMap<u32, Todo>> {
        req.state::<Self>().0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn list(req: Request) -> Result<Json<BTreeMap<u32, Todo>>> {
    let owner = user_of(&req)?.name;
    let todos = Todos::of(&req);
    Ok(Json(todos.iter().filter(|(_, t)| t.owner == owner).map(|(i, t)| (*i, t.clone())).collect()))
}

async fn create(req: Request) -> Result {
    let Draft { title, done } = req.json().await?;
    let todo = Todo { owner: user_of(&req)?.name, title, done };
    let mut todos = Todos::of(&req);
    let id = todos.last_key_value().map_or(1, |(last, _)| last + 1);
    todos.insert(id, todo.clone());
    Ok((201, [("location", format!("/todos/{id}"))], Json(todo)).into_response())
}

async fn replace(
    req: Request,
    (Path(id), Json(draft)): (Path<u32>, Json<Draft>),
) -> Result<Json<Todo>> {
    let owner = user_of(&req)?.name;
    let mut todos = Todos::of(&req);
    let todo = todos.get_mut(&id).filter(|todo| todo.owner == owner).or_status(404)?;
    *todo = Todo { owner, title: draft.title, done: draft.done };
    Ok(Json(todo.clone()))
}

async fn remove(req: Request) -> Result<u16> {
    let (id, owner) = (req.param("id")?, user_of(&req)?.name);
    let mut todos = Todos::of(&req);
    todos.get(&id).filter(|todo| todo.owner == owner).or_status(404)?;
    todos.remove(&id);
    Ok(204)
}

async fn counts(req: Request) -> Json<BTreeMap<&'static str, usize>> {
    let mut counts = BTreeMap::new();
    for todo in Todos::of(&req).values() {
        *counts.entry(todo.owner).or_default() += 1;
    }
    Json(counts)
}

#[cfg(test)]
#[path = "todo/tests.rs"]
mod tests;
