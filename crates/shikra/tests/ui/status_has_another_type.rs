//! A status as a number of another type than `u16`, and one as text.

use shikra::prelude::*;

async fn gone(_: Request) -> (i32, &'static str) {
    let status: i32 = 410;
    (status, "gone")
}

fn main() {
    App::new().get("/gone", gone).get("/text", async |_| "text".with_status("404"));
}
