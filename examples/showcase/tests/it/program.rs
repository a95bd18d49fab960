//! The program itself: how it starts, what it writes, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Ends with the test, whatever becomes of it.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str], addr: Option<&str>) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_showcase"));
    command.args(arguments).stderr(Stdio::piped()).env_remove("SHIKRA_ADDR");
    if let Some(addr) = addr {
        command.env("SHIKRA_ADDR", addr);
    }
    Program(command.spawn().unwrap())
}

/// Starts it, asks for a page, and stops it as Ctrl-C does; returns what it wrote.
fn run(arguments: &[&str], addr: Option<&str>) -> String {
    let mut program = start(arguments, addr);
    let mut stderr = BufReader::new(program.0.stderr.take().unwrap());
    let mut text = String::new();
    let addr = loop {
        let mut line = String::new();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended early: {text}");
        text.push_str(&line);
        if let Some((_, rest)) = line.split_once("listening on http://") {
            break rest.split(',').next().unwrap().to_owned();
        }
    };
    let mut stream = TcpStream::connect(&addr).unwrap();
    stream.write_all(b"GET /api/notes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("[]"), "{reply}");

    let interrupt = format!("kill -INT {}", program.0.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(program.0.wait().unwrap().code(), Some(0), "{text}");
    text
}

#[test]
fn says_what_it_serves_logs_requests_and_ends_cleanly() {
    let text = run(&["--addr", "127.0.0.1:0"], None);
    assert!(text.contains("GET     /api/notes/:id  One note\n"), "{text}");
    assert!(text.contains("Workers"), "{text}");
    assert!(text.contains("127.0.0.1 GET /api/notes 200 "), "{text}");
    assert!(text.contains("shikra: stopped in "), "{text}");
}

#[test]
fn takes_its_address_from_the_environment() {
    let text = run(&[], Some("127.0.0.1:0"));
    assert!(!text.contains("127.0.0.1:3000"), "{text}");
}

#[test]
fn refuses_other_options() {
    for arguments in [&["--port", "1"][..], &["--addr"], &["--addr", "a", "b"]] {
        let mut program = start(arguments, None);
        let mut text = String::new();
        program.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(program.0.wait().unwrap().code(), Some(2));
        assert!(text.contains("Usage: showcase"), "{text}");
    }
}
