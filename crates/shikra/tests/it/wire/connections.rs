//! What keeps a connection, what ends it, what asks for another protocol, and many requests on one.

use super::{Bench, Row, check};

pub(super) fn tables() -> Vec<&'static [Row]> {
    vec![OPTIONS, EXPECTATIONS, UPGRADES, PIPELINES]
}

#[test]
fn a_connection_lives_as_its_version_and_its_options_say() {
    // R31, R26, HX-304
    check(OPTIONS, |text| format!("GET {text}\r\n\r\n"));
}

#[test]
fn a_client_is_told_to_continue_once_and_before_the_answer() {
    // R23, R20, HX-309
    check(EXPECTATIONS, |text| format!("POST {text}"));
}

#[test]
fn no_request_changes_the_protocol() {
    // R24
    check(UPGRADES, |text| format!("{text}\r\n\r\n"));
}

#[test]
fn requests_behind_one_another_are_answered_up_to_the_first_that_is_wrong() {
    // R28, R21, HX-308, VA-234
    check(PIPELINES, |text| {
        text.replace("{get}", "GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .replace("{hidden}", "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n")
            .replace("{late}", "POST /late HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi")
    });
}

#[test]
fn every_refused_row_is_refused_behind_an_answered_request_too() {
    // R28, R21
    let bench = Bench::new();
    let first = "POST /late HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi";
    for (_, text, outcome) in PIPELINES.iter().filter(|(_, text, _)| !text.contains('{')) {
        let bytes = super::latin1(&format!("{first}{text}"));
        let wanted = format!("200=hi {outcome}");
        bench.check_cuts(&bytes, &wanted, &[]);
    }
}

const OPTIONS: &[Row] = &[
    ("9112 §9.3", "/ HTTP/1.1\r\nhost: a", "200=ok stay"),
    ("9112 §9.3", "/ HTTP/1.1\r\nhost: a\r\nconnection: keep-alive", "200=ok stay"),
    ("9112 §9.3", "/ HTTP/1.1\r\nhost: a\r\nconnection:", "200=ok stay"),
    ("9112 §9.3", "/ HTTP/1.1\r\nhost: a\r\nconnection: x", "200=ok stay"),
    ("9112 §9.3", "/ HTTP/1.1\r\nhost: a\r\nconnection: closed", "200=ok stay"),
    ("9112 §9.3", "/ HTTP/1.1\r\nhost: a\r\nproxy-connection: close", "200=ok stay"),
    ("9112 §9.6", "/ HTTP/1.1\r\nhost: a\r\nconnection: close", "200=ok close"),
    ("9112 §9.6", "/ HTTP/1.1\r\nhost: a\r\nConnection: CLOSE", "200=ok close"),
    ("9112 §9.6", "/ HTTP/1.1\r\nhost: a\r\nconnection: x,close , y", "200=ok close"),
    ("9112 §9.6", "/ HTTP/1.1\r\nhost: a\r\nconnection: ,,close", "200=ok close"),
    ("9112 §9.6", "/ HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, close", "200=ok close"),
    ("9112 §9.6", "/ HTTP/1.1\r\nhost: a\r\nconnection: close, keep-alive", "200=ok close"),
    (
        "9112 §9.6",
        "/ HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\nx: y\r\nconnection: close",
        "200=ok close",
    ),
    // What `connection` names is dropped by proxies; framing and host stay as they are.
    ("9110 §7.6.1", "/ HTTP/1.1\r\nhost: a\r\nconnection: host", "200=ok stay"),
    ("9110 §7.6.1", "/ HTTP/1.1\r\nhost: a\r\nconnection: content-length", "200=ok stay"),
    ("9112 §9.3", "/nowhere HTTP/1.1\r\nhost: a\r\nconnection: close", "404 close"),
    ("9112 §9.3", "/panic HTTP/1.1\r\nhost: a\r\nconnection: close", "500 close"),
    ("9112 §9.3", "/panic HTTP/1.1\r\nhost: a", "500 stay"),
    ("9112 §9.3", "/ HTTP/1.0", "200=ok close"),
    ("9112 §9.3", "/ HTTP/1.0\r\nconnection: close", "200=ok close"),
    ("9112 §9.3", "/ HTTP/1.0\r\nconnection: keep-alive", "200=ok stay"),
    ("9112 §9.3", "/ HTTP/1.0\r\nconnection: Keep-Alive, x", "200=ok stay"),
    ("9112 §9.3", "/ HTTP/1.0\r\nconnection: keep-alive, close", "200=ok close"),
    ("9112 §9.3", "/ HTTP/1.0\r\nproxy-connection: keep-alive", "200=ok close"),
    ("9112 §9.3", "/ HTTP/1.0\r\nkeep-alive: timeout=5", "200=ok close"),
    ("9112 §9.3", "/nowhere HTTP/1.0", "404 close"),
    ("9112 §9.3", "/none HTTP/1.0", "204 close"),
    ("9110 §15.3.5", "/none HTTP/1.1\r\nhost: a", "204 stay"),
    ("9110 §15.4.5", "/same HTTP/1.1\r\nhost: a", "304 stay"),
    ("9112 §9.3", "/none HTTP/1.0\r\nconnection: keep-alive", "204 stay"),
    ("9112 §9.3", "/same HTTP/1.0\r\nconnection: keep-alive", "304 stay"),
];

const EXPECTATIONS: &[Row] = &[
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi",
        "100? 200=hi stay",
    ),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nExpect: 100-Continue\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "100? 200=hi stay",
    ),
    (
        "9110 §10.1.1",
        "/late HTTP/1.1\r\nhost: a\r\nexpect: 100-continue, 100-CONTINUE\r\ncontent-length: 2\r\n\r\nhi",
        "100? 200=hi stay",
    ),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n",
        "200= stay",
    ),
    ("9110 §10.1.1", "/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n", "200= stay"),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi",
        "200=hi close",
    ),
    ("9110 §10.1.1", "/ HTTP/1.0\r\nexpect: something\r\n\r\n", "200=ok close"),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nexpect: 101-continue\r\ncontent-length: 2\r\n\r\nhi",
        "417 close",
    ),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue, x\r\ncontent-length: 2\r\n\r\nhi",
        "417 close",
    ),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue=1\r\ncontent-length: 2\r\n\r\nhi",
        "417 close",
    ),
    ("9110 §10.1.1", "/ HTTP/1.1\r\nhost: a\r\nexpect: 200-ok\r\n\r\n", "417 close"),
    // The body was announced and may not come, so what comes is no request. One that is there is read over.
    (
        "9110 §10.1.1",
        "/ HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 900\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "200=ok cut",
    ),
    (
        "9110 §10.1.1",
        "/refuse HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 900\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "403=no cut",
    ),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 900000\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "413 end",
    ),
    (
        "9110 §10.1.1",
        "/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "400 close",
    ),
];

const UPGRADES: &[Row] = &[
    (
        "9110 §7.8",
        "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade",
        "200=ok stay",
    ),
    ("9110 §7.8", "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket", "200=ok stay"),
    ("9110 §7.8", "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade", "200=ok stay"),
    (
        "9110 §7.8",
        "GET / HTTP/1.1\r\nhost: a\r\nupgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA",
        "200=ok stay",
    ),
    (
        "9110 §7.8",
        "GET / HTTP/1.1\r\nhost: a\r\nupgrade: TLS/1.2, HTTP/9\r\nconnection: upgrade",
        "200=ok stay",
    ),
    (
        "9110 §7.8",
        "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade, close",
        "200=ok close",
    ),
    ("9110 §7.8", "GET / HTTP/1.0\r\nupgrade: websocket\r\nconnection: upgrade", "200=ok close"),
    (
        "9110 §7.8",
        "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n",
        "200=ok stay",
    ),
    (
        "9110 §7.8",
        "POST /echo HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0",
        "200=hi stay",
    ),
    (
        "9110 §7.8",
        "GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\u{81}\u{80}\u{1}\u{2}\u{3}\u{4}",
        "200=ok 400 close",
    ),
];

const PIPELINES: &[Row] = &[
    ("9112 §9.3.2", "{get}{get}{get}", "200=ok 200=ok 200=ok stay"),
    ("9112 §9.3.2", "{late}{get}{late}", "200=hi 200=ok 200=hi stay"),
    ("9112 §2.2", "{get}\r\n{late}\r\n\r\n{get}", "200=ok 200=hi 200=ok stay"),
    ("9112 §9.3.2", "{late}HEAD / HTTP/1.1\r\nhost: a\r\n\r\n{get}", "200=hi 200- 200=ok stay"),
    ("9112 §9.3.2", "GET /none HTTP/1.1\r\nhost: a\r\n\r\n{get}", "204 200=ok stay"),
    ("9112 §9.3.2", "GET /same HTTP/1.1\r\nhost: a\r\n\r\n{late}", "304 200=hi stay"),
    ("9112 §9.3.2", "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n{get}", "404 200=ok stay"),
    ("9112 §9.3.2", "GET /panic HTTP/1.1\r\nhost: a\r\n\r\n{get}", "500 200=ok stay"),
    (
        "9112 §9.6",
        "{late}GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n{hidden}",
        "200=hi 200=ok close",
    ),
    ("9112 §9.3", "{late}GET / HTTP/1.0\r\n\r\n{hidden}", "200=hi 200=ok close"),
    ("9112 §2.2", "{late}\0{hidden}", "200=hi 400 close"),
    ("9112 §3", "{late} {hidden}", "200=hi 400 close"),
    ("9112 §2.2", "{late}\n{hidden}", "200=hi 400 close"),
    // A body that is longer than it says: the rest is no request line.
    ("9112 §6.3", "{late}(({hidden}", "200=hi 400 close"),
    ("9112 §6.3", "{late}hi\r\n\r\n{hidden}", "200=hi 400 close"),
    ("9112 §3.2", "GET / HTTP/1.1\r\n\r\n", "400 close"),
    ("9112 §2.2", "GET / HTTP/1.1\nhost: a\n\n", "400 close"),
    ("9110 §15.6.6", "GET / HTTP/2.0\r\nhost: a\r\n\r\n", "505 close"),
    ("9110 §10.1.1", "GET / HTTP/1.1\r\nhost: a\r\nexpect: x\r\n\r\n", "417 close"),
    ("9112 §6.3", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: x\r\n\r\n", "400 close"),
    (
        "9112 §6.1",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "400 close",
    ),
    (
        "9112 §7.1",
        "POST /late HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "400 close",
    ),
];
