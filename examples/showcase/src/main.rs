//! Starts the board: `cargo run --release`, then http://127.0.0.1:3000. `--addr` or `SHIKRA_ADDR` move it.

use shikra::App;
use std::process::ExitCode;

fn main() -> ExitCode {
    let addr = match addr(std::env::args().skip(1)) {
        Ok(addr) => addr,
        Err(message) => {
            eprintln!("showcase: {message}\n{USAGE}");
            return ExitCode::from(WRONG_USE);
        }
    };
    match serve(&addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("showcase: {addr}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(addr: &str) -> std::io::Result<()> {
    let mut app = App::new();
    app.use_(showcase::log_requests);
    let about = showcase::register(&mut app)?;
    eprintln!("Team board, the showcase of Shikra. Ctrl-C stops it.\n");
    for (method, pattern, text) in &about.routes {
        eprintln!("  {method:<6}  {pattern:<14}  {text}");
    }
    eprintln!();
    for (name, value) in &about.facts {
        eprintln!("  {name:<17}  {value}");
    }
    eprintln!();
    // Returns when a signal has stopped the server and all requests are finished.
    app.listen(addr)
}

fn addr(mut arguments: impl Iterator<Item = String>) -> Result<String, String> {
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => Ok(std::env::var("SHIKRA_ADDR").unwrap_or_else(|_| ADDR.to_owned())),
        (Some("--addr"), Some(addr), None) => Ok(addr),
        _ => Err("the only option is --addr".to_owned()),
    }
}

const ADDR: &str = "127.0.0.1:3000";
const USAGE: &str = "Usage: showcase [--addr HOST:PORT]";
const WRONG_USE: u8 = 2;
