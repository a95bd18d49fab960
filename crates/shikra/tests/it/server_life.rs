//! A server's life: start, counts, readiness, the ways to stop, and what is left afterwards.

use super::sockets::{ask, connect, read_reply, read_rest, send, wait_for};
use shikra::{App, Readiness, Signals};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn app() -> App {
    let mut app = App::new();
    app.get("/", async |_| "hello");
    app.get("/slow", async |_| {
        shikra::sleep(Duration::from_millis(400)).await;
        "slow"
    });
    app.get("/hold", async |req| {
        req.closed().await;
        204
    });
    app.get("/ready", async |req| if req.state::<Readiness>().is_ready() { 200 } else { 503 });
    app
}

#[test]
fn servers_of_one_process_share_nothing() {
    // HA-002, HX-014, HX-041
    let with = |name: &'static str| {
        let mut app = app();
        app.state(name).get("/name", async |req| *req.state::<&str>());
        app.workers(1).start("127.0.0.1:0").unwrap()
    };
    let (one, other) = (with("one"), with("other"));
    let (mut to_one, mut to_other) = (connect(one.addr()), connect(other.addr()));
    assert!(ask(&mut to_one, "/name").ends_with("one"));
    assert!(ask(&mut to_other, "/name").ends_with("other"));
    assert_eq!((one.requests(), other.requests()), (1, 1));
    one.stop();
    one.wait();
    assert_eq!((one.is_ready(), other.is_ready()), (false, true));
    assert!(ask(&mut to_other, "/ready").starts_with("HTTP/1.1 200"));
    other.stop();
    other.wait();
    // An empty one has nothing at all.
    let empty = App::new();
    assert!(empty.routes().unwrap().is_empty());
}

#[test]
fn an_application_is_started_once_and_its_clones_again() {
    // HX-031, HX-046, HX-071
    let mut app = app();
    let again = app.clone();
    let line = line!() + 1;
    let server = app.workers(1).start("127.0.0.1:0").unwrap();
    let error = app.start("127.0.0.1:0").unwrap_err().to_string();
    assert!(
        error.contains(&format!("server_life.rs:{line}:")) && error.contains("clone"),
        "{error}"
    );
    // What is registered later reaches nobody.
    app.get("/later", async |_| "later");
    assert!(ask(&mut connect(server.addr()), "/later").starts_with("HTTP/1.1 404"));
    server.stop();
    server.wait();
    // The same address, once more.
    let second = again.clone().workers(1).start(server.addr()).unwrap();
    assert!(ask(&mut connect(second.addr()), "/").ends_with("hello"));
    second.stop();
    second.wait();
}

#[test]
fn a_handle_shows_what_goes_on() {
    // HA-016, HX-037, HX-039, HX-056, PO-013, PO-050
    let server = app().workers(2).start("127.0.0.1:0").unwrap();
    assert_ne!(server.addr().port(), 0);
    assert_eq!((server.workers(), server.connections(), server.requests()), (2, 0, 0));
    assert!(server.is_listening() && server.is_ready() && !server.is_stopped());
    let mut streams: Vec<_> = (0..20).map(|_| connect(server.addr())).collect();
    for stream in &mut streams {
        assert!(ask(stream, "/").ends_with("hello"));
        assert!(ask(stream, "/").ends_with("hello"));
    }
    assert_eq!((server.connections(), server.requests()), (20, 40));
    let (connections, requests) = (server.connections_by_worker(), server.requests_by_worker());
    assert!(connections.iter().all(|&n| n >= 9), "{connections:?}");
    assert!(requests.iter().all(|&n| n >= 18) && requests.len() == 2, "{requests:?}");
    // What is malformed is no request.
    let mut broken = connect(server.addr());
    send(&mut broken, "GET\r\n\r\n");
    assert!(read_rest(&mut broken).starts_with("HTTP/1.1 400"));
    assert_eq!(server.requests(), 40);
    let line = server.start_line();
    let wanted = format!("listening on http://{}, workers: 2, routes: 4", server.addr());
    assert!(line.ends_with(&wanted), "{line}");
    server.stop();
    server.wait();
    assert!(!server.is_listening() && !server.is_ready() && server.is_stopped());
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_start_line_names_the_mode() {
    let server = app().development().start("127.0.0.1:0").unwrap();
    assert!(server.start_line().contains("development mode"), "{}", server.start_line());
    server.stop_now();
    server.wait();
}

#[test]
fn stop_accepting_leaves_open_connections_alone() {
    // HX-047. The address is this test's own, so that no other one takes the port when it is free.
    for workers in [1, 2] {
        let server = app().workers(workers).start("127.0.47.1:0").unwrap();
        let mut kept = connect(server.addr());
        assert!(ask(&mut kept, "/").ends_with("hello"));
        send(&mut kept, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(server.stop_accepting());
        assert!(!server.is_listening() && server.is_ready());
        assert!(TcpStream::connect(server.addr()).is_err());
        // Nothing to close any more; and the other server of that address is not touched.
        let next = app().workers(1).start(server.addr()).unwrap();
        assert!(!server.stop_accepting() && !server.clone().stop_accepting());
        assert!(ask(&mut connect(next.addr()), "/").ends_with("hello"));
        assert!(read_reply(&mut kept).ends_with("slow"));
        assert!(!ask(&mut kept, "/").contains("connection: close"));
        server.stop();
        server.wait();
        assert!(!server.stop_accepting());
        next.stop();
        next.wait();
    }
}

#[test]
fn a_stop_that_is_asked_for_twice_is_one_stop() {
    // HA-015, HX-048
    let server = app().workers(2).start("127.0.0.1:0").unwrap();
    let mut slow = connect(server.addr());
    send(&mut slow, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    let idle = connect(server.addr());
    wait_for(|| server.requests() == 1 && server.connections() == 2);
    server.stop();
    server.stop();
    server.clone().stop();
    let reply = read_reply(&mut slow);
    assert!(reply.ends_with("slow") && reply.contains("connection: close"), "{reply}");
    let report = server.wait();
    assert_eq!((report.connections, report.cut_connections), (2, 0), "{report}");
    drop(idle);
    // All who wait get the same, and a server that has stopped takes no notice.
    server.stop();
    server.stop_now();
    assert_eq!(server.wait(), report);
}

#[test]
fn stop_now_cuts_everything_and_ends_a_stop_that_waits() {
    // HX-049
    for first in ["stop", ""] {
        let server = app().workers(2).start("127.0.0.1:0").unwrap();
        let mut held: Vec<_> = (0..4).map(|_| connect(server.addr())).collect();
        for stream in &mut held {
            send(stream, "GET /hold HTTP/1.1\r\nhost: x\r\n\r\n");
        }
        wait_for(|| server.requests() == 4);
        if first == "stop" {
            server.stop();
        }
        server.stop_now();
        server.stop_now();
        let report = server.wait();
        assert_eq!((report.cut_connections, report.stuck_workers), (4, 0), "{first}: {report}");
        // The shutdown timeout of 10 s has not been waited for.
        assert!(report.took < Duration::from_secs(5), "{first}: {report}");
        for stream in &mut held {
            assert_eq!(read_rest(stream), "");
        }
        assert!(TcpStream::connect(server.addr()).is_err());
    }
}

#[test]
fn a_stopping_server_is_first_not_ready_and_goes_on_for_the_delay() {
    // HX-048
    for workers in [1, 2] {
        let mut app = app();
        app.workers(workers).shutdown_delay(Duration::from_secs(3600));
        let server = app.start("127.0.0.1:0").unwrap();
        let mut kept = connect(server.addr());
        assert!(ask(&mut kept, "/ready").starts_with("HTTP/1.1 200"));
        server.stop();
        assert!(!server.is_ready());
        assert!(ask(&mut kept, "/ready").starts_with("HTTP/1.1 503"));
        assert!(ask(&mut connect(server.addr()), "/").ends_with("hello"));
        assert!(server.is_listening());
        server.stop_now();
        assert!(server.wait().took < Duration::from_secs(5));
    }
    let mut app = app();
    app.workers(1).shutdown_delay(Duration::from_millis(50));
    let server = app.start("127.0.0.1:0").unwrap();
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
    assert!(TcpStream::connect(server.addr()).is_err());
}

#[test]
fn thousands_of_pipelining_clients_are_all_answered_in_order() {
    // HX-003
    const CLIENTS: usize = 2_500;
    let (mut child, addr) = start_child("pipelined");
    // Half of them a thread, so that requests and replies overlap.
    let threads = (0..2).map(|half| {
        thread::spawn(move || {
            let mut streams: Vec<_> = (0..CLIENTS / 2).map(|_| connect(addr)).collect();
            for round in 0..3 {
                for (client, stream) in streams.iter_mut().enumerate() {
                    let four = (0..4).map(|n| {
                        format!(
                            "GET /{half}/{client}/{} HTTP/1.1\r\nhost: x\r\n\r\n",
                            round * 4 + n
                        )
                    });
                    send(stream, &four.collect::<String>());
                }
                for (client, stream) in streams.iter_mut().enumerate() {
                    for n in 0..4 {
                        let wanted = format!("\r\n\r\n{half}-{client}-{}", round * 4 + n);
                        let reply = read_reply(stream);
                        assert!(reply.ends_with(&wanted), "{reply} {wanted}");
                    }
                }
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    assert!(ask(&mut connect(addr), "/1/2/3").ends_with("1-2-3"));
    kill(&child, "-TERM");
    assert_eq!(ended(&mut child).code(), Some(0));
}

// Processes of their own.

#[test]
fn signals_do_again_what_they_did_once_no_server_minds_them() {
    // HX-026
    let (mut child, addr) = start_child("twice");
    assert!(ask(&mut connect(addr), "/").ends_with("hello"));
    kill(&child, "-TERM");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("stopped in"));
    // The second server of the process minds them as the first did.
    let line = lines.next().unwrap();
    assert!(ask(&mut connect(addr_in(&line)), "/").ends_with("hello"));
    kill(&child, "-INT");
    assert!(lines.next().unwrap().contains("stopped in"));
    assert_eq!(lines.next().unwrap(), "after both");
    // Nobody does now: the process ends as it would have before.
    kill(&child, "-TERM");
    assert_eq!(ended(&mut child).signal(), Some(15));
}

#[test]
fn a_server_minds_signals_only_if_it_is_to() {
    // HX-026
    let (mut child, addr) = start_child("ignoring");
    assert!(ask(&mut connect(addr), "/").ends_with("hello"));
    kill(&child, "-TERM");
    assert_eq!(ended(&mut child).signal(), Some(15));
    let (mut child, addr) = start_child("minding");
    assert!(ask(&mut connect(addr), "/").ends_with("hello"));
    kill(&child, "-INT");
    assert_eq!(ended(&mut child).code(), Some(7));
}

#[test]
fn a_start_contacts_nobody() {
    // HA-013
    let (mut child, addr) = start_child("minding");
    let pid = child.id();
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let links: Vec<_> = links.map(|link| link.display().to_string()).collect();
    let mut listening = 0;
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for row in table.lines().skip(1) {
            let cells: Vec<_> = row.split_whitespace().collect();
            if links.contains(&format!("socket:[{}]", cells[9])) {
                // 0A: it listens. Anything else would be on its way to somebody.
                assert_eq!(cells[3], "0A", "{row}");
                listening += 1;
            }
        }
    }
    assert_eq!(listening, 1, "{links:?}");
    assert!(ask(&mut connect(addr), "/").ends_with("hello"));
    kill(&child, "-TERM");
    assert_eq!(ended(&mut child).code(), Some(7));
}

/// What the child processes run; in the tests' own run there is nothing to do.
#[test]
fn child() {
    let Some(what) = std::env::var_os(CHILD) else { return };
    let mut app = app();
    app.workers(1);
    match what.to_str().unwrap() {
        "twice" => {
            app.clone().listen("127.0.0.1:0").unwrap();
            app.listen("127.0.0.1:0").unwrap();
            eprintln!("after both");
            forever();
        }
        "ignoring" => {
            let server = app.start("127.0.0.1:0").unwrap();
            eprintln!("{}", server.start_line());
            forever();
        }
        "minding" => {
            let server = app.signals(Signals::Stop).start("127.0.0.1:0").unwrap();
            eprintln!("{}", server.start_line());
            server.wait();
            std::process::exit(7);
        }
        _ => {
            app.workers(2).get("/:half/:client/:n", async |req| {
                let n: usize = req.param("n")?;
                if n % 4 == 1 {
                    shikra::sleep(Duration::from_millis(1)).await;
                }
                let (half, client): (u8, usize) = (req.param("half")?, req.param("client")?);
                Ok(format!("{half}-{client}-{n}"))
            });
            app.listen("127.0.0.1:0").unwrap();
            std::process::exit(0);
        }
    }
}

fn forever() {
    let (_held, ends) = mpsc::channel::<()>();
    // Nobody sends: only a signal ends this.
    let _ = ends.recv();
}

const CHILD: &str = "SHIKRA_TEST_LIFECYCLE";

/// A process that ends with its test, whatever becomes of that.
struct Guarded(Child);

impl std::ops::Deref for Guarded {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_child(what: &str) -> (Guarded, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["server_life::child", "--exact", "--nocapture"])
        .env(CHILD, what)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map(Guarded)
        .unwrap();
    let mut line = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    // Byte by byte, so that nothing of what follows is read ahead and lost.
    while !line.ends_with('\n') {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        line.push(char::from(byte[0]));
    }
    (child, addr_in(&line))
}

fn addr_in(line: &str) -> SocketAddr {
    line.split("http://").nth(1).unwrap().split(',').next().unwrap().parse().unwrap()
}

/// How the process ends, which it has to do soon.
fn ended(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < until, "the process goes on");
        thread::yield_now();
    }
}

fn kill(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
