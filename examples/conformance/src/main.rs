//! Starts the server with the options of the command line.

use conformance::{Command, app, help};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Serve(options)) => options,
        Ok(Command::Help) => {
            print!("{}", help());
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("conformance: {message}; --help lists all options");
            return ExitCode::from(WRONG_USE);
        }
    };
    match app(&options).listen((options.host.as_str(), options.port)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

const WRONG_USE: u8 = 2;
