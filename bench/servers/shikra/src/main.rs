//! The framework, as its users write it.

use server_common::{HELLO, Options, Order, block, page};
use shikra::prelude::*;
use shikra::{Bytes, stream};

fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let block = Bytes::from(block());
    let mut app = App::new();
    app.workers(options.workers);
    register_others(&mut app, options.routes_before());
    app.get("/plaintext", async |_| HELLO)
        .get("/html", async |_| Html(page()))
        .get("/users/:id", async |req| Ok(format!("User: {}", req.param::<String>("id")?)))
        .get("/users/:id/books/:title", async |req| {
            let id: u64 = req.param("id")?;
            Ok(format!("user {id} book {}", req.param::<String>("title")?))
        })
        .post("/json", async |req| Ok(Json(req.json::<Order>().await?)))
        .post("/upload", upload)
        .get("/stream", {
            let block = block.clone();
            async move |_| stream_of(block.clone())
        })
        .get("/block", async move |_| block.clone());
    let mut plugins = app.route("/late");
    for _ in 0..10 {
        plugins = plugins.use_(late(|_| |_| ()));
    }
    plugins.get(async |_| HELLO);
    app.route("/middleware").use_(pass).use_(pass).use_(pass).get(async |_| HELLO);
    register_others(&mut app, options.routes_after());
    app.listen(("127.0.0.1", options.port))
}

async fn pass(req: Request, next: Next) -> Response {
    next.run(req).await
}

/// 1 MiB, chunk by chunk, with its length in the head.
fn stream_of(block: Bytes) -> Response {
    let len = block.len();
    let chunks = stream(async move |out| {
        for start in (0..len).step_by(CHUNK) {
            out.write(block.slice(start..len.min(start + CHUNK))).await?;
        }
        Ok(())
    });
    chunks.with_stream_len(len as u64)
}

const CHUNK: usize = 16 << 10;

async fn upload(req: Request) -> Result<String> {
    let mut body = req.body();
    let mut count = 0;
    while let Some(chunk) = body.next().await {
        count += chunk?.len();
    }
    Ok(count.to_string())
}

fn register_others(app: &mut App, routes: impl Iterator<Item = String>) {
    for route in routes {
        let pattern = route.replace("{id}", ":id");
        app.get(&pattern, async |_| "another");
    }
}
