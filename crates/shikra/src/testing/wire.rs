//! The client's end of a connection: a pipe in memory or a socket.

use bytes::BytesMut;
use shikra_engine::rt::pipe::PipeIo;
use shikra_engine::rt::{Io, SocketIo};
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll};

/// A byte stream, and what has come over it and is not read yet.
pub(super) struct Wire {
    pub(super) io: ClientIo,
    pub(super) read: BytesMut,
}

impl Wire {
    pub(super) fn new(io: ClientIo) -> Self {
        Self { io, read: BytesMut::new() }
    }

    /// Whether another request may go out: the application has neither closed its end nor sent what
    /// nobody asked for.
    pub(super) fn is_reusable(&mut self) -> bool {
        self.read.is_empty()
            && match &mut self.io {
                ClientIo::Pipe(pipe) => pipe.is_open(),
                ClientIo::Tcp(tcp) => {
                    let read = tcp.read_now(&mut [0]);
                    matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
                }
            }
    }
}

/// The two kinds of streams.
#[derive(Debug)]
pub(super) enum ClientIo {
    Pipe(PipeIo),
    Tcp(SocketIo),
}

impl Io for ClientIo {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pipe(io) => io.poll_read(cx, buf),
            Self::Tcp(io) => io.poll_read(cx, buf),
        }
    }

    fn read_now(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(io) => io.read_now(buf),
            Self::Tcp(io) => io.read_now(buf),
        }
    }

    fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Pipe(io) => io.poll_read_buf(cx, buf),
            Self::Tcp(io) => io.poll_read_buf(cx, buf),
        }
    }

    fn try_write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Pipe(io) => io.try_write(parts),
            Self::Tcp(io) => io.try_write(parts),
        }
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Pipe(io) => io.poll_writable(cx),
            Self::Tcp(io) => io.poll_writable(cx),
        }
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Pipe(io) => io.poll_reset(cx),
            Self::Tcp(io) => io.poll_reset(cx),
        }
    }

    fn shutdown_write(&mut self) {
        match self {
            Self::Pipe(io) => io.shutdown_write(),
            Self::Tcp(io) => io.shutdown_write(),
        }
    }

    fn abort(&mut self) {
        match self {
            Self::Pipe(io) => io.abort(),
            Self::Tcp(io) => io.abort(),
        }
    }
}
