//! The server as a process sees it: workers, sockets, stopping.

use shikra::{App, stream};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long the handler of `/stuck` holds its worker: longer than any test waits for it.
const STUCK_FOR: Duration = Duration::from_secs(8);

fn app() -> App {
    let mut app = App::new();
    app.get("/", async |_| "hello");
    app.get("/slow", async |_| {
        shikra::sleep(Duration::from_millis(700)).await;
        "slow"
    });
    app.get("/stuck", async |_| {
        // What a program must not do: it holds its worker.
        let until = Instant::now() + STUCK_FOR;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        "never"
    });
    app.get("/hold", async |req| {
        req.closed().await;
        204
    });
    app.post("/refuse", async |_| (401, "log in first"));
    app.get("/flood", async |_| {
        stream(async |out| {
            loop {
                out.write(vec![7_u8; 10_000]).await?;
            }
        })
    });
    app
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn get(mut stream: &TcpStream, path: &str) {
    // In one write: several small ones would wait for one another's acknowledgements.
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
}

/// Reads one reply with a content length; its whole text.
fn read_reply(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut len) = (String::new(), 0);
    while !text.ends_with("\r\n\r\n") {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the reply ended: {text}");
        if let Some(value) = line.strip_prefix("content-length: ") {
            len = value.trim().parse().unwrap();
        }
        text.push_str(&line);
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    text + std::str::from_utf8(&body).unwrap()
}

#[test]
fn spreads_connections_evenly_over_the_workers() {
    let server = app().workers(3).start("127.0.0.1:0").unwrap();
    let streams: Vec<_> = (0..120).map(|_| connect(server.addr())).collect();
    for stream in &streams {
        get(stream, "/");
        assert!(read_reply(stream).ends_with("hello"));
    }
    for connections in server.connections_by_worker() {
        assert!((36..=44).contains(&connections), "{:?}", server.connections_by_worker());
    }
    drop(streams);
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
}

#[test]
fn passes_over_a_worker_that_a_handler_holds() {
    let server = app().workers(2).start("127.0.0.1:0").unwrap();
    let stuck = connect(server.addr());
    get(&stuck, "/stuck");
    // Whoever got the stuck one, the others have to be served once that shows: after 50 ms.
    let until = Instant::now() + STUCK_FOR / 2;
    let mut in_a_row = 0;
    while in_a_row < 20 {
        assert!(Instant::now() < until, "new connections go to the stuck worker");
        let stream = connect(server.addr());
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        get(&stream, "/");
        in_a_row = if (&stream).read(&mut [0; 512]).is_ok() { in_a_row + 1 } else { 0 };
    }
}

#[test]
fn accepting_pauses_at_the_most_connections_and_goes_on_after() {
    let server = app().workers(1).connections_max(5).start("127.0.0.1:0").unwrap();
    let mut streams: Vec<_> = (0..5).map(|_| connect(server.addr())).collect();
    for stream in &streams {
        get(stream, "/");
        read_reply(stream);
    }
    let waiting = connect(server.addr());
    get(&waiting, "/");
    assert_eq!(server.connections(), 5);
    streams.pop();
    assert!(read_reply(&waiting).ends_with("hello"));
    server.stop();
    let _ = server.wait();
}

#[test]
fn stop_closes_idle_connections_at_once_and_refuses_new_ones() {
    let server = app().workers(2).start("127.0.0.1:0").unwrap();
    let idle: Vec<_> = (0..10).map(|_| connect(server.addr())).collect();
    for stream in &idle {
        get(stream, "/");
        read_reply(stream);
    }
    server.stop();
    let report = server.wait();
    assert_eq!((report.cut_connections, report.stuck_workers), (0, 0));
    assert!(report.took < Duration::from_secs(2), "{report}");
    for mut stream in idle {
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    }
    assert!(TcpStream::connect(server.addr()).is_err());
}

#[test]
fn stop_waits_for_replies_and_says_that_the_connection_closes() {
    let server = app().workers(2).start("127.0.0.1:0").unwrap();
    let slow: Vec<_> = (0..20).map(|_| connect(server.addr())).collect();
    for stream in &slow {
        get(stream, "/slow");
    }
    wait_for(|| server.connections() == 20);
    // All are accepted; one more round trip, so that all are also read.
    let last = connect(server.addr());
    get(&last, "/");
    read_reply(&last);
    server.stop();
    for stream in &slow {
        let reply = read_reply(stream);
        assert!(reply.ends_with("slow") && reply.contains("connection: close"), "{reply}");
    }
    assert_eq!(server.wait().cut_connections, 0);
}

#[test]
fn stop_cuts_what_still_runs_at_the_deadline() {
    let mut app = app();
    app.workers(1).limits(|limits| limits.shutdown_timeout = Duration::from_millis(200));
    let server = app.start("127.0.0.1:0").unwrap();
    let held = connect(server.addr());
    get(&held, "/hold");
    let flooded = connect(server.addr());
    get(&flooded, "/flood");
    wait_for(|| server.connections() == 2);
    (&flooded).read_exact(&mut [0; 100]).unwrap();
    server.stop();
    let report = server.wait();
    assert_eq!((report.cut_connections, report.stuck_workers), (2, 0));
    assert!(report.took < Duration::from_secs(3), "{report}");
}

#[test]
fn hooks_run_once_around_everything_and_per_worker_state_is_made_on_each() {
    static STARTS: AtomicUsize = AtomicUsize::new(0);
    static STOPS: AtomicUsize = AtomicUsize::new(0);
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let mut app = app();
    app.on_start(async || {
        shikra::sleep(Duration::from_millis(1)).await;
        assert_eq!(MADE.load(Ordering::SeqCst), 0);
        STARTS.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    app.on_stop(async || {
        shikra::sleep(Duration::from_millis(1)).await;
        STOPS.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    app.state_per_worker(async || Ok(MADE.fetch_add(1, Ordering::SeqCst)));
    app.get("/state", async |req| req.state::<usize>().to_string());
    let server = app.workers(3).start("127.0.0.1:0").unwrap();
    assert_eq!((STARTS.load(Ordering::SeqCst), MADE.load(Ordering::SeqCst)), (1, 3));
    let stream = connect(server.addr());
    get(&stream, "/state");
    let reply = read_reply(&stream);
    assert!(["0", "1", "2"].contains(&reply.rsplit('\n').next().unwrap()), "{reply}");
    server.stop();
    let _ = server.wait();
    assert_eq!(STOPS.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failing_start_keeps_the_application_from_serving() {
    let mut failing = app();
    failing.on_start(async || Err(shikra::Error::new(500, "no database")));
    let error = failing.start("127.0.0.1:0").unwrap_err();
    assert!(error.to_string().contains("no database"), "{error}");
    let mut failing = app();
    failing.state_per_worker::<(), _>(async || Err(shikra::Error::new(500, "no socket")));
    let error = failing.workers(2).start("127.0.0.1:0").unwrap_err();
    assert!(error.to_string().contains("no socket"), "{error}");
}

// A process of its own, for signals.

#[test]
fn a_reset_over_tcp_ends_the_exchange_at_once_even_while_reading_is_paused() {
    static ABORTED: AtomicUsize = AtomicUsize::new(0);
    let mut app = app();
    app.get("/never", async |req| {
        req.on_abort(|| _ = ABORTED.fetch_add(1, Ordering::SeqCst));
        std::future::pending::<u16>().await
    });
    app.post("/unread", async |req| {
        req.on_abort(|| _ = ABORTED.fetch_add(1, Ordering::SeqCst));
        std::future::pending::<u16>().await
    });
    let server = app.workers(1).start("127.0.0.1:0").unwrap();
    let unread = "POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n";
    for (n, last) in ["GET /never HTTP/1.1\r\nhost: x\r\n\r\n", unread].iter().enumerate() {
        let stream = connect(server.addr());
        // The first reply is never read: closing with it unread is a reset.
        let both = format!("GET / HTTP/1.1\r\nhost: x\r\n\r\n{last}");
        (&stream).write_all(both.as_bytes()).unwrap();
        stream.peek(&mut [0; 8]).unwrap();
        drop(stream);
        wait_for(|| ABORTED.load(Ordering::SeqCst) == n + 1 && server.connections() == 0);
    }
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
}

#[test]
fn ten_thousand_clients_that_vanish_leave_no_descriptor_behind() {
    let (mut child, addr) = start_child();
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    let first = connect(addr);
    get(&first, "/");
    read_reply(&first);
    let before = descriptors();
    let ways = [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /hold HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /flood HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc",
        "garbage\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /hold HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    for _ in 0..25 {
        // Four hundred at a time, all gone at once.
        let streams: Vec<_> =
            ways.iter().cycle().take(400).map(|way| (connect(addr), way)).collect();
        for (stream, way) in &streams {
            (&*stream).write_all(way.as_bytes()).unwrap();
        }
    }
    drop(first);
    wait_for(|| descriptors() < before);
    let last = connect(addr);
    get(&last, "/");
    assert!(read_reply(&last).ends_with("hello"));
    terminate(&child);
    assert_eq!(finish(&mut child).0, Some(0));
}

#[test]
fn sigterm_finishes_a_hundred_slow_requests_and_exits_with_zero() {
    let (mut child, addr) = start_child();
    let slow: Vec<_> = (0..100).map(|_| connect(addr)).collect();
    for stream in &slow {
        get(stream, "/slow");
    }
    // All of them are accepted once a later one is answered, for one thread accepts in order.
    let last = connect(addr);
    get(&last, "/");
    read_reply(&last);
    terminate(&child);
    for stream in &slow {
        assert!(read_reply(stream).ends_with("slow"));
    }
    let (code, report) = finish(&mut child);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("all were finished"), "{report}");
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn sigterm_ends_the_process_though_a_handler_is_stuck() {
    let (mut child, addr) = start_child();
    let stuck = connect(addr);
    get(&stuck, "/stuck");
    let other = connect(addr);
    get(&other, "/");
    read_reply(&other);
    let start = Instant::now();
    terminate(&child);
    let (code, report) = finish(&mut child);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("1 workers were stuck"), "{report}");
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn a_hundred_megabytes_for_a_handler_that_refuses_are_neither_read_in_nor_kept() {
    let (mut child, addr) = start_child();
    for _ in 0..20 {
        assert!(upload(addr, 100_000).contains("401"));
    }
    let before = memory_kib(&child, "VmRSS");
    for _ in 0..3 {
        let reply = upload(addr, 100_000_000);
        assert!(reply.starts_with("HTTP/1.1 401") && reply.ends_with("log in first"), "{reply}");
    }
    let held = memory_kib(&child, "VmHWM").saturating_sub(before);
    assert!(held <= 256, "{held} KiB were held");
    terminate(&child);
    assert_eq!(finish(&mut child).0, Some(0));
}

/// Uploads a body and goes on sending whatever the server says meanwhile; returns the reply.
fn upload(addr: SocketAddr, len: usize) -> String {
    let stream = connect(addr);
    let sender = stream.try_clone().unwrap();
    let sending = thread::spawn(move || {
        let head = format!("POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: {len}\r\n\r\n");
        let (mut sender, mut left) = (&sender, len);
        // The server may close before it has all; the reply must come through even so.
        let mut is_open = sender.write_all(head.as_bytes()).is_ok();
        while is_open && left > 0 {
            let piece = left.min(64 * 1024);
            is_open = sender.write_all(&vec![b'x'; piece]).is_ok();
            left -= piece;
        }
    });
    let reply = read_reply(&stream);
    sending.join().unwrap();
    reply
}

/// A line of the child's `/proc/PID/status`, in KiB.
fn memory_kib(child: &Child, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let value = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    value.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What the child process runs; in the tests' own run it has nothing to do.
#[test]
fn child_server() {
    if std::env::var_os(CHILD).is_some() {
        let mut app = app();
        app.workers(2).limits(|limits| limits.shutdown_timeout = Duration::from_secs(2));
        app.listen("127.0.0.1:0").unwrap();
        std::process::exit(0);
    }
}

const CHILD: &str = "SHIKRA_TEST_CHILD";

fn start_child() -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["server::child_server", "--exact", "--nocapture"])
        .env(CHILD, "1")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    // Byte by byte, so that nothing of the report is read ahead and lost.
    while !line.ends_with('\n') {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        line.push(char::from(byte[0]));
    }
    let addr = line.split("http://").nth(1).unwrap().split(',').next().unwrap();
    (child, addr.parse().unwrap())
}

fn terminate(child: &Child) {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn finish(child: &mut Child) -> (Option<i32>, String) {
    let mut report = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut report).unwrap();
    (child.wait().unwrap().code(), report)
}

fn wait_for(condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < until, "waited in vain");
        thread::yield_now();
    }
}
