//! Unix sockets that have a file: made, taken over from a process that died, and removed.

use super::net::{Listening, backlog_of};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The file of a listening socket; dropping it removes the file, unless it is another by now.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

/// Opens a listening socket at `path`. A file that a dead process left there is replaced.
///
/// # Errors
/// When somebody listens there, the file is no socket, or the directory does not allow it.
pub fn listen(path: &Path, backlog: u32, mode: Option<u32>) -> io::Result<Listening> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let addr = SockAddr::unix(path)?;
    match socket.bind(&addr) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            remove_stale(path)?;
            socket.bind(&addr)?;
        }
        result => result?,
    }
    let file = SocketFile { path: path.to_owned(), id: id(&fs::symlink_metadata(path)?) };
    if let Some(mode) = mode {
        // Before it listens: nobody gets in under another mode.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    socket.listen(backlog_of(backlog))?;
    Ok(Listening::Unix(Some(file), socket.into()))
}

/// Removes the file of a socket that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "a file that is no socket is there"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::Error::new(ErrorKind::AddrInUse, "another process listens there")),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|found| id(&found) == self.id);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "a socket's file is left behind");
        }
    }
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
