//! Replacing the application of a running server (CF-19).

use shikra::{App, AppHandle, Error, blocking, stream};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// What happened, in order.
type Events = Arc<Mutex<Vec<&'static str>>>;

struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    fn ask(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
    }

    fn read_head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).unwrap() > 0, "closed after {head:?}");
        }
        head
    }

    fn read(&mut self) -> String {
        let head = self.read_head();
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; len.map_or(0, |len| len.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    fn get(&mut self, path: &str) -> String {
        self.ask(path);
        self.read()
    }
}

fn version(text: &'static str, events: &Events) -> App {
    let mut app = App::new();
    app.workers(2).get("/", async move |_| text);
    let noted = Arc::clone(events);
    app.on_stop(async move || {
        noted.lock().unwrap().push(text);
        Ok(())
    });
    app
}

fn end(server: &AppHandle) {
    server.stop();
    assert_eq!(server.wait().cut_connections, 0);
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < until, "{what} does not come");
        thread::yield_now();
    }
}

// CF-19, PO-051: the whole application is replaced, and connections stay.
#[test]
fn replaces_the_application_and_keeps_connections() {
    let events = Events::default();
    let server = version("old", &events).start("127.0.0.1:0").unwrap();
    let mut clients: Vec<_> = (0..8).map(|_| Client::connect(server.addr())).collect();
    assert!(clients.iter_mut().all(|client| client.get("/") == "old"));
    server.swap(version("new", &events).get("/more", async |_| "more")).unwrap();
    assert!(clients.iter_mut().all(|client| client.get("/") == "new"));
    assert!(clients.iter_mut().all(|client| client.get("/more") == "more"));
    assert_eq!(server.routes(), 2);
    wait_until("the old stop hook", || events.lock().unwrap().len() == 1);
    drop(clients);
    end(&server);
    assert_eq!(*events.lock().unwrap(), ["old", "new"]);
}

// CF-19: what has begun ends with the application that it began with, whose stop hooks wait.
#[test]
fn a_request_ends_with_the_application_that_it_began_with() {
    let (events, gate) = (Events::default(), Arc::new(Notify::new()));
    let (entered, opens) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&gate));
    let mut old = version("old", &events);
    let counts = Arc::clone(&entered);
    old.state("old state").on_error(async |_, _| "old error");
    old.get("/wait", async move |req| {
        counts.fetch_add(1, Ordering::SeqCst);
        opens.notified().await;
        assert_eq!(*req.state::<&str>(), "old state");
        Err::<u16, _>(Error::new(500, "for the error handler"))
    });
    let (counts, opens) = (Arc::clone(&entered), Arc::clone(&gate));
    old.get("/stream", async move |_| {
        let (counts, opens) = (Arc::clone(&counts), Arc::clone(&opens));
        stream(async move |out| {
            out.write("begun ").await?;
            counts.fetch_add(1, Ordering::SeqCst);
            opens.notified().await;
            out.write("over").await
        })
    });
    let server = old.start("127.0.0.1:0").unwrap();
    let (mut waiting, mut streaming) =
        (Client::connect(server.addr()), Client::connect(server.addr()));
    waiting.ask("/wait");
    streaming.ask("/stream");
    wait_until("both requests", || entered.load(Ordering::SeqCst) == 2);

    server.swap(version("new", &events)).unwrap();
    assert_eq!(Client::connect(server.addr()).get("/"), "new");
    assert!(events.lock().unwrap().is_empty(), "two requests of the old application still run");
    gate.notify_waiters();
    assert_eq!(waiting.read(), "old error");
    assert!(streaming.read_head().contains("chunked"));
    let mut text = String::new();
    while !text.ends_with("0\r\n\r\n") {
        assert!(streaming.stream.read_line(&mut text).unwrap() > 0, "cut: {text}");
    }
    assert!(text.contains("begun ") && text.contains("over"), "{text}");
    assert_eq!(waiting.get("/"), "new", "the same connection, the next request");
    wait_until("the old stop hook", || *events.lock().unwrap() == ["old"]);
    drop((waiting, streaming));
    end(&server);
    assert_eq!(*events.lock().unwrap(), ["old", "new"]);
}

// CF-19: on all workers or on none.
#[test]
fn what_cannot_start_replaces_nothing() {
    let events = Events::default();
    let server = version("old", &events).start("127.0.0.1:0").unwrap();
    let mut client = Client::connect(server.addr());

    let mut twice = App::new();
    let error = server.swap(twice.workers(2).get("/a", async |_| 1).get("/a", async |_| 2));
    assert!(error.unwrap_err().to_string().contains("swap.rs"), "the lines are named");

    let error = server.swap(App::new().workers(3).get("/", async |_| "other")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    let mut hook = version("hook", &events);
    hook.on_start(async || Err(Error::new(500, "no database")));
    assert!(server.swap(hook).unwrap_err().to_string().contains("no database"));

    let mut panics = version("panics", &events);
    panics.on_start(async || panic!("no database"));
    assert!(server.swap(panics).unwrap_err().to_string().contains("panicked"));

    // The second worker fails when the first has made its state already.
    let made = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&made);
    let mut state = version("state", &events);
    state.state_per_worker(async move || match counts.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(1_u8),
        _ => Err(Error::new(500, "no second one")),
    });
    assert!(server.swap(state).unwrap_err().to_string().contains("no second one"));
    assert_eq!(made.load(Ordering::SeqCst), 2);
    // Its start hooks had run, so its stop hooks do.
    wait_until("the stop hook", || *events.lock().unwrap() == ["state"]);

    assert_eq!(client.get("/"), "old");
    assert_eq!(server.routes(), 1);
    drop(client);
    end(&server);
    assert_eq!(*events.lock().unwrap(), ["state", "old"]);
}

#[test]
fn a_worker_that_would_wait_for_itself_is_told() {
    let server: Arc<OnceLock<AppHandle>> = Arc::default();
    let (direct, apart) = (Arc::clone(&server), Arc::clone(&server));
    let mut app = App::new();
    app.get("/direct", async move |_| match direct.wait().swap(App::new()) {
        Ok(()) => "swapped".to_owned(),
        Err(error) => error.kind().to_string(),
    });
    app.get("/apart", async move |_| {
        let server = apart.wait().clone();
        blocking(move || server.swap(App::new().get("/", async |_| "new"))).await??;
        Ok("swapped")
    });
    server.set(app.start("127.0.0.1:0").unwrap()).unwrap();
    let server = server.wait();
    let mut client = Client::connect(server.addr());
    assert_eq!(client.get("/direct"), ErrorKind::Deadlock.to_string());
    assert_eq!(client.get("/apart"), "swapped");
    assert_eq!(client.get("/"), "new");
    drop(client);
    end(server);
}

#[test]
fn a_server_that_stops_swaps_nothing() {
    let events = Events::default();
    let server = version("old", &events).start("127.0.0.1:0").unwrap();
    let mut endless = version("endless", &events);
    let entered = Arc::new(AtomicBool::new(false));
    let enters = Arc::clone(&entered);
    endless.on_start(async move || {
        enters.store(true, Ordering::SeqCst);
        std::future::pending().await
    });
    thread::scope(|scope| {
        let swap = scope.spawn(|| server.swap(endless));
        wait_until("the start hook", || entered.load(Ordering::SeqCst));
        server.stop();
        assert!(swap.join().unwrap().unwrap_err().to_string().contains("stop"));
    });
    server.wait();
    assert!(server.swap(App::new()).is_err());
    assert_eq!(*events.lock().unwrap(), ["old"]);
}

// CF-19: under load no request fails, and no connection goes back to an older application.
#[test]
fn no_request_is_lost_while_applications_change() {
    let app = |number: u32| {
        let mut app = App::new();
        app.workers(2).get("/", async move |_| number.to_string());
        app
    };
    let server = app(0).start("127.0.0.1:0").unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(server.addr());
                    let (mut last, mut asked) = (0, 0_u32);
                    while !is_over.load(Ordering::Relaxed) {
                        let number: u32 = client.get("/").parse().unwrap();
                        assert!(number >= last, "{number} came after {last}");
                        (last, asked) = (number, asked + 1);
                    }
                    (last, asked)
                })
            })
            .collect();
        for number in 1..=50 {
            server.swap(app(number)).unwrap();
            assert_eq!(Client::connect(server.addr()).get("/"), number.to_string());
        }
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            let (last, asked) = client.join().unwrap();
            assert!(last > 0 && asked > 0, "a client saw {last} after {asked} requests");
        }
    });
    end(&server);
}

#[test]
fn a_panicking_start_hook_fails_the_start() {
    let mut app = App::new();
    app.get("/", async |_| "never").on_start(async || panic!("no database"));
    let error = app.start("127.0.0.1:0").unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
}
