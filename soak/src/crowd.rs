//! `soak slow`, second part: what 5,000 clients that send or read a byte a second cost in memory.

use crate::child::Server;
use crate::client::{Client, socket};
use socket2::SockAddr;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Clients that are slow in the same way.
struct Group {
    name: &'static str,
    count: u64,
    request: &'static [u8],
    /// Bytes of the body that are sent at once.
    start: usize,
    does: Does,
    /// What one of them may cost, in bytes of the server's memory.
    bytes_max: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Send,
    Read,
}

const GROUPS: [Group; 4] = [
    Group {
        name: "send a head",
        count: 1_700,
        request: b"GET / HTTP/1.1\r\nhost: soak\r\nx-slow: ",
        start: 0,
        does: Does::Send,
        bytes_max: 4 * 1024,
    },
    Group {
        name: "send a body",
        count: 850,
        request: b"POST /count HTTP/1.1\r\nhost: soak\r\ncontent-length: 1000\r\n\r\n",
        start: 0,
        does: Does::Send,
        // A handler that waits, and what is known of the body.
        bytes_max: 8 * 1024,
    },
    Group {
        name: "send a large body, after a window of it,",
        count: 850,
        request: b"POST /count HTTP/1.1\r\nhost: soak\r\ncontent-length: 1048576\r\n\r\n",
        start: 70_000,
        does: Does::Send,
        // The same: the window is no client's while nothing comes.
        bytes_max: 8 * 1024,
    },
    Group {
        name: "read a stream",
        count: 1_600,
        request: b"GET /flood HTTP/1.1\r\nhost: soak\r\n\r\n",
        start: 0,
        does: Does::Read,
        // `waiting_reply_bytes_max`, one write of the handler, and what a sender costs.
        bytes_max: (64 + 4 + 4) * 1024,
    },
];

/// Lets the groups come one after the other, and all of them stay.
pub(crate) fn run() -> Result<(), String> {
    let mut server = Server::start(&OPTIONS)?;
    let (mut crowd, mut before) = (Vec::new(), server.memory_kib()?);
    for (index, group) in GROUPS.iter().enumerate() {
        let [.., own] = (index + 1).to_le_bytes();
        let own = Ipv4Addr::new(127, 2, 0, own.max(1));
        for _ in 0..group.count {
            crowd.push((open(server.at, own, group)?, group.does));
        }
        for _ in 0..TURNS {
            turn(&mut crowd)?;
        }
        let after = server.memory_kib()?;
        let each = after.saturating_sub(before) * 1024 / group.count;
        let (count, name, most) = (group.count, group.name, group.bytes_max);
        println!("slow: {count} clients that {name} a byte a second: {each} bytes each");
        if each > most {
            return Err(format!("slow: clients that {name} cost {each} bytes each, over {most}"));
        }
        before = after;
    }
    server.check_alive()?;
    let state = server.state()?;
    if state.connections != crowd.len() as u64 + 1 {
        return Err(format!("slow: {} clients, and the server has {state:?}", crowd.len()));
    }
    let start = Instant::now();
    Client::connect(server.at, Ipv4Addr::LOCALHOST)?.get("/plaintext")?;
    println!("slow: one more client is answered in {:.1} ms", start.elapsed().as_secs_f32() * 1e3);
    drop(crowd);
    server.settle(SETTLE_MAX).map(drop).map_err(|why| format!("slow: {why}"))
}

/// Small segments and a small window keep the system from buffering much of a reply.
fn open(at: SocketAddr, own: Ipv4Addr, group: &Group) -> Result<TcpStream, String> {
    let opened = || {
        let socket = socket(own)?;
        socket.set_recv_buffer_size(2 * 1024)?;
        socket.set_tcp_mss(SEGMENT_BYTES)?;
        socket.connect(&SockAddr::from(at))?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.write_all(group.request)?;
        stream.write_all(&vec![b'x'; group.start])?;
        stream.set_nonblocking(true)?;
        Ok::<_, std::io::Error>(stream)
    };
    opened().map_err(|error| format!("slow: a client that would {}: {error}", group.name))
}

/// A byte from or to each, and the rest of the second.
fn turn(crowd: &mut [(TcpStream, Does)]) -> Result<(), String> {
    let start = Instant::now();
    for (stream, does) in crowd {
        let done = match does {
            Does::Send => stream.write(b"x"),
            Does::Read => stream.read(&mut [0]),
        };
        match done {
            Ok(1..) => {}
            Ok(_) => return Err("slow: a client was closed before its time".to_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(format!("slow: a client was cut: {error}")),
        }
    }
    sleep(Duration::from_secs(1).saturating_sub(start.elapsed()));
    Ok(())
}

/// They are to stay for as long as they are looked at.
const OPTIONS: [&str; 10] = [
    "--head-ms",
    "60000",
    "--body-speed-grace-ms",
    "60000",
    "--write-stall-ms",
    "60000",
    "--body-idle-ms",
    "60000",
    "--workers",
    "2",
];
const TURNS: usize = 4;
const SEGMENT_BYTES: u32 = 536;
const SETTLE_MAX: Duration = Duration::from_secs(10);
