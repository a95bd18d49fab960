//! Slow, silent and half-dead clients, in virtual time.

use shikra::testing::{RawConnection, TestClient};
use shikra::{App, Limits, stream};
use std::time::Duration;

fn client(change: impl FnOnce(&mut Limits)) -> TestClient {
    let mut app = App::new();
    app.limits(change);
    app.get("/", async |_| "hello");
    app.post("/read", async |req| Ok(req.bytes().await?.len().to_string()));
    app.get("/big", async |_| vec![7_u8; 1024 * 1024]);
    app.get("/endless", async |_| {
        stream(async |out| {
            loop {
                out.write(vec![7_u8; 4096]).await?;
            }
        })
    });
    TestClient::with_virtual_time(app)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Whether the application has closed the connection; it is not to have said anything.
fn is_closed_silently(connection: &RawConnection<'_>) -> bool {
    connection.read_to_end().unwrap_or_else(|bytes| bytes).is_empty()
}

fn reply_status(connection: &RawConnection<'_>) -> u16 {
    connection.read_reply().unwrap().status().as_u16()
}

#[test]
fn a_silent_client_is_closed_after_the_first_byte_timeout() {
    let client = client(|_| {});
    let connection = client.connect();
    client.advance(Duration::from_millis(9900));
    assert_eq!(client.connections(), 1);
    client.advance(Duration::from_millis(200));
    assert_eq!(client.connections(), 0);
    assert!(is_closed_silently(&connection));
}

#[test]
fn an_idle_connection_is_closed_after_the_keep_alive_timeout() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(reply_status(&connection), 200);
    client.advance(Duration::from_millis(59_900));
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(reply_status(&connection), 200);
    client.advance(Duration::from_millis(59_900));
    assert_eq!(client.connections(), 1);
    client.advance(Duration::from_millis(200));
    assert!(is_closed_silently(&connection));
}

#[test]
fn a_head_that_comes_byte_by_byte_in_time_is_answered() {
    let client = client(|_| {});
    let connection = client.connect();
    let head = "GET / HTTP/1.1\r\nhost: x\r\nuser-agent: quite-slow-it-is-19\r\n\r\n";
    assert_eq!(head.len(), 60);
    for byte in head.as_bytes() {
        connection.write([*byte]);
        client.advance(Duration::from_millis(100));
    }
    assert_eq!(reply_status(&connection), 200);
}

#[test]
fn a_head_that_never_ends_is_refused_on_time() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("GET / HTTP/1.1\r\n");
    for n in 0..98 {
        connection.write(format!("x-{n}: y\r\n"));
        client.advance(Duration::from_millis(100));
    }
    assert_eq!(client.connections(), 1);
    connection.write("x-last: y\r\n");
    client.advance(Duration::from_millis(400));
    assert_eq!(reply_status(&connection), 408);
    client.advance(seconds(3));
    assert_eq!(client.connections(), 0);
}

#[test]
fn a_body_without_a_byte_is_refused_after_the_speed_grace() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n");
    client.advance(Duration::from_millis(4900));
    assert_eq!(client.connections(), 1);
    client.advance(Duration::from_millis(200));
    assert_eq!(reply_status(&connection), 408);
}

#[test]
fn a_body_slower_than_the_least_speed_is_refused() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n");
    // 100 bytes a second: the grace and what they earn are used up after 5 s + 0.42 s a second.
    for _ in 0..9 {
        client.advance(seconds(1));
        connection.write(vec![7; 100]);
    }
    client.advance(seconds(1));
    assert_eq!(reply_status(&connection), 408);
}

#[test]
fn a_body_at_the_least_speed_is_read() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 7500\r\n\r\n");
    for _ in 0..30 {
        client.advance(seconds(1));
        connection.write(vec![7; 250]);
    }
    assert_eq!(connection.read_reply().unwrap().text(), "7500");
}

#[test]
fn without_a_least_speed_a_pause_of_a_minute_ends_a_body() {
    let client = client(|limits| limits.body_bytes_per_second_min = 0);
    let connection = client.connect();
    connection.write("POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345");
    client.advance(Duration::from_millis(59_900));
    assert_eq!(client.connections(), 1);
    client.advance(Duration::from_millis(200));
    assert_eq!(reply_status(&connection), 408);
}

#[test]
fn a_client_that_does_not_take_its_reply_is_given_up() {
    for path in ["/big", "/endless"] {
        let client = client(|_| {});
        let connection = client.connect();
        connection.write(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"));
        client.advance(Duration::from_millis(29_900));
        assert_eq!(client.connections(), 1, "{path}");
        client.advance(Duration::from_millis(200));
        assert_eq!(client.connections(), 0, "{path}");
    }
}

#[test]
fn a_client_that_takes_its_reply_slowly_is_served() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let mut len = 0;
    loop {
        client.advance(seconds(2));
        match connection.read_some().unwrap().len() {
            0 => break,
            n => len += n,
        }
    }
    assert!(len > 1024 * 1024);
}

#[test]
fn a_client_that_goes_on_sending_after_its_last_reply_is_cut_after_two_seconds() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n");
    assert_eq!(reply_status(&connection), 405);
    for _ in 0..19 {
        assert!(connection.write_some(vec![7; 10_000]) > 0);
        client.advance(Duration::from_millis(100));
    }
    assert_eq!(client.connections(), 1);
    client.advance(Duration::from_millis(200));
    assert_eq!(client.connections(), 0);
}

#[test]
fn a_short_unread_body_that_stops_is_not_waited_for_longer_than_two_seconds() {
    let client = client(|_| {});
    let connection = client.connect();
    connection.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc");
    assert_eq!(reply_status(&connection), 405);
    client.advance(Duration::from_millis(1900));
    assert_eq!(client.connections(), 1);
    client.advance(Duration::from_millis(200));
    assert_eq!(client.connections(), 0);
}

#[test]
fn the_date_follows_the_clock() {
    let client = client(|_| {});
    let before = client.get("/").send().header("date").unwrap().to_owned();
    client.advance(seconds(2));
    assert_ne!(client.get("/").send().header("date").unwrap(), before);
}
