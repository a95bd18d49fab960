//! One connection of an application, polled by hand, that answers the same request N times:
//! `gate SCRIPT N`. Two runs of different N under an instruction counter give the instructions of
//! one request; what both have in common (start, routing table) falls out.

use serde::{Deserialize, Serialize};
use shikra::testing::DirectConnection;
use shikra::{App, Json, Next, Request, Response, late};
use std::process::ExitCode;

struct Script {
    name: &'static str,
    request: &'static str,
    /// What the reply ends with.
    reply: &'static str,
}

/// The header fields of a browser, without the connection's own.
macro_rules! browser {
    () => {
        "host: www.example.com\r\n\
         user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0\r\n\
         accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
         accept-language: en-GB,en;q=0.7,de;q=0.3\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\n\
         referer: https://www.example.com/books?sort=title\r\n\
         cookie: theme=dark; session_id=8d1f0a66b2c94f0e9d35\r\n\
         upgrade-insecure-requests: 1\r\n\
         cache-control: max-age=0\r\n\r\n"
    };
}

const SCRIPTS: &[Script] = &[
    Script {
        name: "plaintext",
        request: "GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n",
        reply: "Hello, World!",
    },
    Script {
        name: "browser",
        request: concat!("GET /plaintext HTTP/1.1\r\n", browser!()),
        reply: "Hello, World!",
    },
    Script {
        name: "params",
        request: concat!("GET /users/77/books/emma HTTP/1.1\r\n", browser!()),
        reply: "user 77 book emma",
    },
    Script {
        name: "middleware",
        request: "GET /mw HTTP/1.1\r\nhost: localhost\r\n\r\n",
        reply: "Hello, World!",
    },
    Script {
        name: "json",
        request: "POST /json HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                  content-length: 57\r\n\r\n\
                  {\"id\":7,\"name\":\"Ada Lovelace\",\"tags\":[\"one\",\"two\",\"six\"]}",
        reply: "{\"id\":7,\"name\":\"Ada Lovelace\",\"tags\":[\"one\",\"two\",\"six\"]}",
    },
];

#[derive(Deserialize, Serialize)]
struct Item {
    id: u32,
    name: String,
    tags: Vec<String>,
}

async fn pass(req: Request, next: Next) -> Response {
    next.run(req).await
}

fn app() -> App {
    let mut app = App::new();
    app.get("/plaintext", async |_| "Hello, World!");
    for number in 0..200 {
        app.get(&format!("/api/v1/resource{number}/:id"), async |_| "another");
    }
    app.get("/users/:id/books/:title", async |req| {
        let id: u32 = req.param("id")?;
        Ok(format!("user {id} book {}", req.param_str("title").unwrap_or_default()))
    });
    app.route("/mw").use_(pass).use_(pass).use_(late(|_| |_| ())).get(async |_| "Hello, World!");
    app.post("/json", async |req| Ok(Json(req.json::<Item>().await?)));
    app
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else {
        for script in SCRIPTS {
            println!("{}", script.name);
        }
        return ExitCode::SUCCESS;
    };
    let script = SCRIPTS.iter().find(|script| script.name == name);
    let (Some(script), Ok(count)) = (script, count.parse()) else {
        eprintln!("usage: gate [SCRIPT COUNT]; without words it lists the scripts");
        return ExitCode::FAILURE;
    };
    run(script, count)
}

fn run(script: &Script, count: u32) -> ExitCode {
    let mut connection = DirectConnection::new(app());
    // All replies are the same, until the second changes in their dates.
    let mut seen = Vec::new();
    for _ in 0..count {
        connection.write(script.request.as_bytes());
        connection.run();
        let reply = connection.output();
        if reply != seen {
            if !is_reply(script, reply) {
                eprintln!("{}: not the reply: {}", script.name, String::from_utf8_lossy(reply));
                return ExitCode::FAILURE;
            }
            seen = reply.to_vec();
        }
        connection.clear_output();
    }
    ExitCode::SUCCESS
}

fn is_reply(script: &Script, reply: &[u8]) -> bool {
    let length = format!("\r\ncontent-length: {}\r\n\r\n{}", script.reply.len(), script.reply);
    reply.starts_with(b"HTTP/1.1 200 OK\r\n") && reply.ends_with(length.as_bytes())
}
