//! The command line, in process and as the program that is started.

use conformance::{Command, Options, help};
use std::process;
use std::time::Duration;

fn parse(line: &str) -> Result<Options, String> {
    match Command::parse(line.split_whitespace().map(str::to_owned))? {
        Command::Serve(options) => Ok(*options),
        Command::Help => Err("help".to_owned()),
    }
}

#[test]
fn has_defaults() {
    let options = parse("").unwrap();
    assert_eq!((options.host.as_str(), options.port, options.workers), ("0.0.0.0", 8080, 0));
    assert_eq!(options.body_bytes_max, 16 * 1024 * 1024);
    assert_eq!(options.limits.keep_alive_timeout, Duration::from_secs(60));
}

#[test]
fn takes_values_in_both_forms() {
    let options = parse("--port 0 --host=::1 --workers 3 --head-ms=250 --fields-max 5").unwrap();
    assert_eq!((options.host.as_str(), options.port, options.workers), ("::1", 0, 3));
    assert_eq!(options.limits.head_timeout, Duration::from_millis(250));
    assert_eq!(options.limits.head.fields_max, 5);
}

#[test]
fn names_what_it_does_not_understand() {
    assert_eq!(parse("--prot 1").unwrap_err(), "there is no option `--prot`");
    assert_eq!(parse("port").unwrap_err(), "there is no option `port`");
    assert_eq!(parse("--port").unwrap_err(), "`--port` needs a value");
    assert_eq!(parse("--port 65536").unwrap_err(), "`--port`: `65536` is no number in its range");
    assert_eq!(parse("--head-ms -1").unwrap_err(), "`--head-ms`: `-1` is no number in its range");
}

#[test]
fn help_lists_options_with_their_defaults() {
    let text = help();
    let line = text.lines().find(|line| line.contains("--body-bytes-max")).unwrap();
    assert!(line.ends_with("[16777216]"), "{line}");
    let line = text.lines().find(|line| line.contains("--write-stall-ms")).unwrap();
    assert!(line.ends_with("[30000]"), "{line}");
}

#[test]
fn the_program_ends_with_2_after_a_bad_option_and_with_0_after_help() {
    let run = |option| {
        let output = process::Command::new(env!("CARGO_BIN_EXE_conformance")).arg(option).output();
        let output = output.unwrap();
        (output.status.code(), output.stdout.is_empty(), output.stderr.is_empty())
    };
    assert_eq!(run("--nonsense"), (Some(2), true, false));
    assert_eq!(run("--help"), (Some(0), false, true));
}
