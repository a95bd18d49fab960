//! `?` on what may be absent: `or_status(401)?` says what the client gets.

use shikra::prelude::*;

async fn show(req: Request) -> Result<String> {
    let user = req.header("x-user")?;
    Ok(user.to_owned())
}

fn main() {
    App::new().get("/", show);
}
