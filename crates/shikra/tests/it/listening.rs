//! Where a server listens: forms of addresses, Unix sockets, shared ports, listeners of the program's.

use super::sockets::{ask, connect, read_reply, read_rest, send, wait_for};
use shikra::{App, Listen, ListenAddr, Listener};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn app() -> App {
    let mut app = App::new();
    app.workers(1).get("/", async |req| format!("{:?} {:?}", req.peer_addr(), req.local_addr()));
    app
}

/// A listener of an address, for lists of different things.
fn at_addr(addr: SocketAddr) -> Listener {
    Listener::new(addr.to_string())
}

/// The address that a form leads to; it is asked for a page.
#[track_caller]
fn served(at: impl Listen) -> SocketAddr {
    let server = app().start(at).unwrap();
    let mut addr = server.addr();
    if addr.ip().is_unspecified() {
        addr.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    assert!(ask(&mut connect(addr), "/").starts_with("HTTP/1.1 200"));
    let bound = server.addr();
    server.stop();
    assert_eq!(server.wait().stuck_workers, 0);
    bound
}

#[test]
fn listens_on_every_form_of_an_address() {
    // HA-004, HA-005, HA-006, HX-037, HX-043, HX-045, PO-048, CF-60
    assert_eq!(served(0).ip(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    assert_eq!(served("0").ip(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    for addr in [served("127.0.0.1:0"), served(("127.0.0.1", 0)), served("localhost:0".to_owned())]
    {
        assert!(addr.ip().is_loopback() && addr.port() > 0, "{addr}");
    }
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    assert!(served(loopback).ip().is_loopback());
    assert!(served((loopback.ip(), 0)).ip().is_loopback());
    assert!(served([loopback]).ip().is_loopback());
    assert!(served(vec!["127.0.0.1:0"]).ip().is_loopback());
    // A port that is chosen can be asked for again.
    let port = served("127.0.0.1:0").port();
    assert_eq!(served(("127.0.0.1", port)).port(), port);
    if TcpListener::bind("[::1]:0").is_ok() {
        assert_eq!(served("[::1]:0").to_string().rsplit_once(':').unwrap().0, "[::1]");
        // Dual stack: `served` asks an unspecified address over IPv4.
        assert!(served("[::]:0").is_ipv6());
    }
}

#[test]
fn refuses_what_is_no_address_before_anything_is_bound() {
    // HA-005, HX-031, HX-045
    let texts = [
        "",
        "1.5",
        "1e3",
        "0x50",
        "65536",
        "-1",
        "+80",
        "example",
        ":80",
        "127.0.0.1:",
        "127.0.0.1:+80",
        "127.0.0.1:65536",
        "127.0.0.1:8o",
        "unix:",
        "[::1",
        "[::1]",
        "[1.2.3.4]:80",
        "::1:80",
        "a b:80",
        "http://127.0.0.1:80",
    ];
    for text in texts {
        let line = line!() + 1;
        let error = app().start(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        let place = format!("listening.rs:{line}:");
        assert!(error.to_string().contains(&place), "{text}: {error}");
        assert!(error.to_string().contains(&format!("`{text}`")), "{text}: {error}");
    }
    assert!(app().start(Vec::<u16>::new()).unwrap_err().to_string().contains("no address"));

    // All mistakes at once, and not one socket is opened for what is right.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut wrong = app();
    wrong.get("/a", async |_| 204).get("/a", async |_| 204).connections_max(0);
    let bad_proxies = Listener::new("127.0.0.1:0").proxy_protocol(["10.0.0.0/33"]);
    let at = [at_addr(free), Listener::new("nowhere"), bad_proxies];
    let error = wrong.start(at).unwrap_err().to_string();
    for what in ["GET /a", "connections_max is 0", "`nowhere`", "`10.0.0.0/33`"] {
        assert!(error.contains(what), "{what}: {error}");
    }
    assert_eq!(error.lines().count(), 5, "{error}");
    assert!(TcpStream::connect(free).is_err());
}

#[test]
fn names_the_address_that_is_taken_and_can_try_again() {
    // HA-003, HX-043, PO-049
    let starts = Arc::new(AtomicUsize::new(0));
    let mut app = app();
    let counter = Arc::clone(&starts);
    app.on_start(async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = app.clone().start(addr).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    assert_eq!(starts.load(Ordering::SeqCst), 0);
    drop(taken);
    let server = app.start(addr).unwrap();
    assert_eq!(starts.load(Ordering::SeqCst), 1);
    assert!(ask(&mut connect(addr), "/").starts_with("HTTP/1.1 200"));
    server.stop_now();
    server.wait();
}

#[test]
fn a_failing_start_hook_leaves_nothing_open() {
    // HX-045
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    for workers in [1, 2] {
        let mut app = app();
        app.workers(workers).on_start(async || Err(shikra::Error::new(500, "no database")));
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = [at_addr(addr), Listener::unix(&path)];
        assert!(app.start(at).unwrap_err().to_string().contains("no database"));
        assert!(TcpStream::connect(addr).is_err());
        assert!(!path.exists());
    }
}

#[test]
fn shares_a_port_only_where_all_say_so() {
    // HA-011, HX-027, HX-044
    let exclusive = app().start("127.0.0.1:0").unwrap();
    let shared = |addr: SocketAddr| Listener::new(addr.to_string()).shared_port();
    assert_eq!(app().start(exclusive.addr()).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(app().start(shared(exclusive.addr())).unwrap_err().kind(), ErrorKind::AddrInUse);
    let one = app().start(Listener::new("127.0.0.1:0").shared_port()).unwrap();
    let other = app().start(shared(one.addr())).unwrap();
    assert_eq!(one.addr(), other.addr());
    // The system spreads them by a hash of both addresses.
    let until = Instant::now() + Duration::from_secs(10);
    while one.requests() == 0 || other.requests() == 0 {
        assert!(Instant::now() < until, "{} and {}", one.requests(), other.requests());
        ask(&mut connect(one.addr()), "/");
    }
    for server in [exclusive, one, other] {
        server.stop();
        server.wait();
    }
}

#[test]
fn serves_a_unix_socket_and_looks_after_its_file() {
    // HA-007, PO-048
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let at = || Listener::unix(&path).unix_mode(0o600);
    let server = app().start(at()).unwrap();
    assert_eq!(server.addrs(), [ListenAddr::Unix(path.clone())]);
    assert!(server.start_line().contains(&format!("unix:{}", path.display())));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    // No peer address; and the connection is kept.
    assert!(ask(&mut stream, "/").ends_with("\r\n\r\nNone None"));
    assert!(ask(&mut stream, "/").ends_with("\r\n\r\nNone None"));
    // Somebody listens here.
    let error = app().start(at()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains("app.sock"), "{error}");
    assert!(ask(&mut stream, "/").ends_with("None None"));
    drop(stream);
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
    assert!(!path.exists());

    // What a dead process left is replaced; a file that is no socket is not.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = app().workers(2).start(format!("unix:{}", path.display())).unwrap();
    assert!(ask(&mut UnixStream::connect(&path).unwrap(), "/").ends_with("None None"));
    server.stop();
    server.wait();
    assert!(!path.exists());
    std::fs::write(&path, "notes").unwrap();
    assert!(app().start(at()).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
}

#[test]
fn prefers_a_unix_socket_where_settings_name_both() {
    // HA-008, CF-61
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = app().start(Listener::new(free.to_string()).prefer_unix(&path)).unwrap();
    assert_eq!(server.addrs(), [ListenAddr::Unix(path.clone())]);
    assert!(TcpStream::connect(free).is_err());
    assert!(ask(&mut UnixStream::connect(&path).unwrap(), "/").starts_with("HTTP/1.1 200"));
    server.stop();
    server.wait();
}

#[test]
fn serves_listeners_that_the_program_opened() {
    // HX-034, PO-012
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    tcp.set_ttl(77).unwrap();
    let own = tcp.try_clone().unwrap();
    let server = app().start(tcp).unwrap();
    assert_eq!(server.addr(), own.local_addr().unwrap());
    assert!(ask(&mut connect(server.addr()), "/").starts_with("HTTP/1.1 200"));
    // The very socket, with what the program has set.
    assert_eq!(own.ttl().unwrap(), 77);
    server.stop();
    server.wait();

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.sock");
    let server = app().start(UnixListener::bind(&path).unwrap()).unwrap();
    assert_eq!(server.addrs(), [ListenAddr::Unix(path.clone())]);
    assert!(ask(&mut UnixStream::connect(&path).unwrap(), "/").starts_with("HTTP/1.1 200"));
    server.stop();
    server.wait();
    assert!(path.exists(), "the file is the program's");
}

#[test]
fn serves_one_application_on_several_listeners() {
    // VA-007
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    for workers in [1, 3] {
        let two =
            [Listener::new("127.0.0.1:0"), Listener::new("127.0.0.1:0"), Listener::unix(&path)];
        let server = app().workers(workers).start(two).unwrap();
        let [ListenAddr::Tcp(first), ListenAddr::Tcp(second), ListenAddr::Unix(_)] = server.addrs()
        else {
            panic!("{:?}", server.addrs());
        };
        for addr in [first, second] {
            let mut stream = connect(*addr);
            let peer = stream.local_addr().unwrap();
            let reply = ask(&mut stream, "/");
            // What is known of a connection comes from its own listener.
            assert!(reply.ends_with(&format!("Some({peer}) Some({addr})")), "{reply}");
        }
        assert!(ask(&mut UnixStream::connect(&path).unwrap(), "/").ends_with("None None"));
        let line = server.start_line();
        assert!(line.contains(&format!("http://{first} and http://{second} and unix:")), "{line}");
        server.stop();
        server.wait();
        assert!(TcpStream::connect(first).is_err() && TcpStream::connect(second).is_err());
    }
}

// Behind a proxy.

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[test]
fn takes_addresses_from_a_proxy_that_is_trusted() {
    // HX-106, HX-310
    let server = app().start(Listener::new("127.0.0.1:0").proxy_protocol(["127.0.0.0/8"])).unwrap();
    let binary =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdb\xf4\x01\xbb";
    let lines = "PROXY TCP6 2001:db8::7 ::1 4000 443\r\n";
    let rows: [(&[u8], &str); 4] = [
        (binary, "Some(192.0.2.7:56308) Some(198.51.100.1:443)"),
        (lines.as_bytes(), "Some([2001:db8::7]:4000) Some([::1]:443)"),
        (b"PROXY UNKNOWN\r\n", &format!("None Some({})", server.addr())),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", &format!("{:?} Some({})", "own", server.addr())),
    ];
    for (preamble, wanted) in rows {
        let mut stream = connect(server.addr());
        let wanted = wanted.replace("\"own\"", &format!("Some({})", stream.local_addr().unwrap()));
        stream.write_all(&[preamble, GET.as_bytes(), GET.as_bytes()].concat()).unwrap();
        for _ in 0..2 {
            let reply = read_reply(&mut stream);
            assert!(reply.ends_with(&format!("\r\n\r\n{wanted}")), "{reply} {wanted}");
        }
    }
    // However it is cut.
    let mut stream = connect(server.addr());
    stream.set_nodelay(true).unwrap();
    for byte in lines.bytes().chain(GET.bytes()) {
        stream.write_all(&[byte]).unwrap();
    }
    assert!(read_reply(&mut stream).contains("2001:db8::7"));
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
}

#[test]
fn closes_without_a_word_what_is_not_from_a_trusted_proxy() {
    // HX-310
    let mut app = app();
    app.limits(|limits| limits.head_timeout = Duration::from_millis(200));
    let at = [
        Listener::new("127.0.0.1:0").proxy_protocol(["127.0.0.1"]),
        Listener::new("127.0.0.1:0").proxy_protocol(["10.0.0.0/8", "::1"]),
        Listener::new("127.0.0.1:0"),
    ];
    let server = app.start(at).unwrap();
    let addrs: Vec<_> = server.addrs().iter().map(ToString::to_string).collect();
    let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| addr[7..].parse().unwrap()).collect();
    let line = "PROXY TCP4 1.2.3.4 5.6.7.8 9 80\r\n";
    // No preamble, a broken one, one that never ends, none at all.
    for text in [GET, "PROXY TCP4 1.2.3.4\r\n\r\n", "PROXY TCP4 1.2", ""] {
        let mut stream = connect(addrs[0]);
        send(&mut stream, text);
        assert_eq!(read_rest(&mut stream), "", "{text:?}");
    }
    // From elsewhere than the proxies.
    let mut stream = connect(addrs[1]);
    let _ = stream.write_all(format!("{line}{GET}").as_bytes());
    assert_eq!(read_rest(&mut stream), "");
    // Off: a preamble is no HTTP, and is believed by nobody.
    let mut stream = connect(addrs[2]);
    send(&mut stream, &format!("{line}{GET}"));
    assert!(read_rest(&mut stream).starts_with("HTTP/1.1 400"));
    wait_for(|| server.connections() == 0);

    // A stop does not wait for a preamble.
    let mut half = connect(addrs[0]);
    send(&mut half, "PROXY TCP4 1.2");
    wait_for(|| server.connections() == 1);
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
    assert_eq!(half.read(&mut [0; 8]).unwrap_or(0), 0);
}

#[test]
fn the_proxy_protocol_needs_to_know_its_proxies() {
    // HX-310
    let listener = Listener::new("127.0.0.1:0");
    assert!(listener.problem().is_none());
    let unsafe_one = listener.proxy_protocol(Vec::<String>::new());
    assert!(unsafe_one.problem().unwrap().contains("networks"));
    for text in ["", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0/8", "host", "10.0.0.0/+8"] {
        let listener = Listener::new("127.0.0.1:0").proxy_protocol([text]);
        assert!(listener.problem().unwrap().contains(&format!("`{text}`")), "{text}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let server = app().start(Listener::unix(&path).proxy_protocol([""; 0])).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    send(&mut stream, &format!("PROXY TCP4 1.2.3.4 5.6.7.8 9 80\r\n{GET}"));
    assert!(read_reply(&mut stream).ends_with("Some(1.2.3.4:9) Some(5.6.7.8:80)"));
    server.stop_now();
    server.wait();
}
