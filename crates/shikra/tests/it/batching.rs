//! What leaves together leaves in one write.

use shikra::testing::DirectConnection;
use shikra::{App, stream};

fn app() -> App {
    let mut app = App::new();
    app.get("/", async |_| "hello").get("/large", async |_| vec![b'x'; 40_000]);
    app.get("/stream", async |_| {
        stream(async |out| {
            for _ in 0..10 {
                out.write("piece").await?;
            }
            Ok(())
        })
    });
    app.get("/flush", async |_| {
        stream(async |out| {
            out.write("one").await?;
            out.flush().await?;
            out.write("two").await
        })
    });
    app
}

// HX-169: batching is automatic. Head and body of an answer leave in one write, whether the body is
// copied behind the head or sent from where it is, and so do all answers to what came together.
// VA-236: handlers that wait for nothing cost no turn of the scheduler, or their answers would leave one by one.
#[test]
fn what_is_ready_together_leaves_in_one_write() {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    let rows = [
        (get("/"), 1),
        (get("/large"), 1),
        (get("/stream"), 1),
        (get("/").repeat(16), 1),
        (get("/") + &get("/stream") + &get("/none"), 1),
        // What the program flushes leaves at once.
        (get("/flush"), 2),
    ];
    for (bytes, writes) in rows {
        let mut connection = DirectConnection::new(app());
        connection.write(bytes.as_bytes());
        connection.run();
        assert!(connection.output().starts_with(b"HTTP/1.1 200 OK\r\n"));
        assert_eq!(connection.writes(), writes, "{bytes}");
    }
}
