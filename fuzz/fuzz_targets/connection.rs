//! A whole connection: any bytes, cut anywhere, through engine, router and handlers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shikra::testing::DirectConnection;
use shikra::{App, stream};

fuzz_target!(|input: &[u8]| {
    // The first byte says how many cuts follow; the rest is what the client sends.
    let Some((&count, rest)) = input.split_first() else { return };
    let (cuts, bytes) = rest.split_at(rest.len().min(usize::from(count)));
    if bytes.len() > 32 * 1024 {
        return;
    }
    let whole = statuses(&run(bytes, &[]));
    let parts = statuses(&run(bytes, cuts));
    // A client that waits for `100 Continue` is answered differently when its body is there already.
    let waits = bytes.windows(6).any(|word| word.eq_ignore_ascii_case(b"expect"));
    assert!(waits || whole == parts, "whole: {whole:?}, in parts: {parts:?}");
});

fn app() -> App {
    let mut app = App::new();
    app.get("/", async |_| "hello");
    app.get("/users/:id", async |req| req.param::<u32>("id").map(|id| id.to_string()));
    app.post("/length", async |req| Ok(req.bytes().await?.len().to_string()));
    app.post("/half", async |req| match req.body().next().await {
        Some(chunk) => Ok(chunk?.len().to_string()),
        None => Ok("nothing".to_owned()),
    });
    app.any("/stream", async |_| {
        stream(async |out| {
            for _ in 0..3 {
                out.write("some bytes").await?;
                out.flush().await?;
            }
            Ok(())
        })
    });
    app.get("/header", async |req| {
        let value = req.query().get("v").unwrap_or_default().into_owned();
        shikra::Response::new().try_with(&value)
    });
    app
}

trait TryWith {
    fn try_with(self, value: &str) -> shikra::Result;
}

impl TryWith for shikra::Response {
    fn try_with(mut self, value: &str) -> shikra::Result {
        self.try_set_header("x-value", value)?;
        Ok(self)
    }
}

/// All that the application sends for `bytes`, written in pieces of the lengths in `cuts`.
fn run(bytes: &[u8], cuts: &[u8]) -> Vec<u8> {
    let mut connection = DirectConnection::new(app());
    let mut rest = bytes;
    let mut output = Vec::new();
    for &cut in cuts {
        let (piece, after) = rest.split_at(rest.len().min(usize::from(cut)));
        connection.write(piece);
        rest = after;
        if !connection.run() {
            break;
        }
        output.extend_from_slice(connection.output());
        connection.clear_output();
    }
    connection.write(rest);
    // Before its half closes, for that ends a stream at once.
    connection.run();
    connection.finish();
    connection.run();
    output.extend_from_slice(connection.output());
    connection.clear_output();
    output
}

/// The statuses of the replies, in order; nothing may come that is none.
fn statuses(output: &[u8]) -> Vec<u16> {
    assert!(output.is_empty() || output.starts_with(b"HTTP/1.1 "), "{output:?}");
    let starts = output.windows(9).enumerate().filter(|(_, word)| *word == b"HTTP/1.1 ");
    let numbers = starts.map(|(at, _)| &output[at + 9..at + 12]);
    numbers.map(|digits| std::str::from_utf8(digits).unwrap().parse().unwrap()).collect()
}
