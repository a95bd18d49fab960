//! What a sanitizer has to see of the system's calls, without a server around them.

use super::net::{Acceptor, PortSharing, Stream, listen};
use super::signal::StopSignals;
use super::sys::{processors, raise_descriptor_limit};
use super::{Io, SocketIo};
use bytes::{BufMut, BytesMut};
use std::future::poll_fn;
use std::io::{IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::task::{Context, Poll, Waker};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn tells_limits_and_processors() {
    let first = raise_descriptor_limit().unwrap();
    assert!(first > 0);
    assert_eq!(raise_descriptor_limit().unwrap(), first);
    assert!(processors() >= 1);
}

#[test]
fn an_acceptor_owns_its_descriptor_until_it_goes() {
    runtime().block_on(async {
        for _ in 0..3 {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let acceptor = Acceptor::register(listen(any, 16, PortSharing::Exclusive).unwrap());
            let acceptor = acceptor.unwrap();
            let at = acceptor.local_addr().unwrap();
            let mut client = TcpStream::connect(at).unwrap();
            let (Stream::Tcp(mut server), Some(peer)) = acceptor.accept().await.unwrap() else {
                panic!("TCP came as something else");
            };
            assert_eq!(peer, client.local_addr().unwrap());
            client.write_all(b"hi").unwrap();
            server.set_nonblocking(false).unwrap();
            let mut bytes = [0; 2];
            server.read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, b"hi");
            drop(acceptor);
            assert!(TcpStream::connect(at).is_err());
        }
    });
}

#[test]
fn signals_are_minded_again_and_again() {
    runtime().block_on(async {
        let first = StopSignals::watch().unwrap();
        let second = StopSignals::watch().unwrap();
        drop(first);
        drop(second);
        drop(StopSignals::watch().unwrap());
    });
}

/// Writes until nothing fits, to a peer that does not read; returns how much went.
async fn fill(limit: Option<u32>) -> usize {
    let (mut io, _peer) = pair();
    poll_fn(|cx| io.poll_writable(cx)).await.unwrap();
    if let Some(bytes) = limit {
        io.limit_unsent(bytes);
    }
    let (bytes, mut sum) = (vec![0; 16 * 1024], 0);
    while let Ok(written) = io.try_write(&[IoSlice::new(&bytes)]) {
        sum += written;
    }
    let again = io.poll_writable(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(again, Poll::Pending), "there was no room, and then there was");
    sum
}

#[test]
fn the_system_takes_no_more_than_it_is_allowed_to() {
    runtime().block_on(async {
        let (free, limited) = (fill(None).await, fill(Some(32 * 1024)).await);
        // The same window of the peer's takes its part of both.
        assert!(limited < free, "{limited} bytes with a limit, {free} without");
    });
}

/// A connected pair: our end, and the peer's, which blocks.
fn pair() -> (SocketIo, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    (SocketIo::register(Stream::Tcp(stream)).unwrap(), peer)
}

/// Reads to the end, into spare capacity of `window` bytes behind bytes that are there.
async fn read_in_windows(mut io: SocketIo, window: usize) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut buf = BytesMut::with_capacity(window + 3);
        buf.put_slice(b"old");
        let capacity = buf.capacity();
        let len = poll_fn(|cx| io.poll_read_buf(cx, &mut buf)).await.unwrap();
        assert_eq!((buf.len(), buf.capacity()), (3 + len, capacity));
        assert!(buf.starts_with(b"old"));
        if len == 0 {
            return all;
        }
        all.extend_from_slice(&buf[3..]);
    }
}

/// The safe twin: into memory that was written before.
async fn read_in_slices(mut io: SocketIo, window: usize) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), vec![0; window]);
    loop {
        match poll_fn(|cx| io.poll_read(cx, &mut buf)).await.unwrap() {
            0 => return all,
            len => all.extend_from_slice(&buf[..len]),
        }
    }
}

#[test]
fn memory_that_nobody_has_written_is_filled_as_the_safe_twin_fills_it() {
    let sent: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    for window in [1000, 4096, 64 * 1024, 200_000] {
        let read = |is_twin: bool| {
            let bytes = sent.clone();
            runtime().block_on(async move {
                let (io, mut peer) = pair();
                let writer = std::thread::spawn(move || peer.write_all(&bytes).unwrap());
                let read = match is_twin {
                    false => read_in_windows(io, window).await,
                    true => read_in_slices(io, window).await,
                };
                writer.join().unwrap();
                read
            })
        };
        assert_eq!(read(false), sent, "windows of {window} bytes");
        assert_eq!(read(true), sent, "slices of {window} bytes");
    }
}
