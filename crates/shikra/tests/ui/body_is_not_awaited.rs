//! A body that nobody waits for: `req.json().await?`.

use shikra::prelude::*;

async fn sum(req: Request) -> Result<String> {
    let list: Vec<u32> = req.json()?;
    Ok(list.iter().sum::<u32>().to_string())
}

fn main() {
    App::new().post("/", sum);
}
