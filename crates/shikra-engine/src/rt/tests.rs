//! What a sanitizer has to see of the system's calls, without a server around them.

use super::net::{Acceptor, PortSharing, Stream, listen};
use super::signal::StopSignals;
use super::sys::{processors, raise_descriptor_limit};
use super::{Io, SocketIo};
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
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut io = SocketIo::register(Stream::Tcp(stream)).unwrap();
    std::future::poll_fn(|cx| io.poll_writable(cx)).await.unwrap();
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
