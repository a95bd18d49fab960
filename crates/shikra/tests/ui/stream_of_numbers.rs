//! A streamed reply is made of bytes or text. VA-181

use futures_util::stream::iter;
use shikra::prelude::*;

fn main() {
    let numbers = iter([Ok::<u32, Error>(1), Ok(2)]);
    let _ = Response::from_chunks(numbers);
}
