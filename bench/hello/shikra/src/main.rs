use shikra::prelude::*;

fn main() -> std::io::Result<()> {
    let at = std::env::args().nth(1).expect("an address");
    App::new().get("/", async |_| "Hello, World!").listen(at.as_str())
}
