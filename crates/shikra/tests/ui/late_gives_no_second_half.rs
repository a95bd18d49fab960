//! A late handler that does its work on the way in and returns nothing for the way back.

use shikra::prelude::*;

fn main() {
    App::new().use_(late(|req| println!("{}", req.path())));
}
