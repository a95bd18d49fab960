//! Whoever works on a stream takes it, so that no second one gets a part. VA-147

use futures_util::TryStreamExt;
use shikra::prelude::*;

async fn twice(req: Request) -> Result<String> {
    let body = req.body();
    let all: Vec<Bytes> = body.try_collect().await?;
    let again: Vec<Bytes> = body.try_collect().await?;
    Ok(format!("{all:?} {again:?}"))
}

fn main() {
    App::new().post("/", twice);
}
