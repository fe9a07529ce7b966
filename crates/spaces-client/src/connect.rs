use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use crate::error::{Error, Unreachable};
use crate::paths::check_socket_path;

/// Connects within `timeout`.
///
/// A daemon that is stopped and whose queue of connections is full would hold a
/// plain `connect` for ever. The send timeout bounds it: on Linux `connect`
/// waits for room in the queue no longer than that; elsewhere it does not wait.
pub(crate) fn connect(socket: &Path, timeout: Duration) -> Result<UnixStream, Error> {
    check_socket_path(socket)?;
    let unreachable = |why| Error::DaemonUnreachable {
        socket: socket.to_owned(),
        why,
    };
    let stream = open(socket, timeout).map_err(|error| {
        unreachable(match error.kind() {
            io::ErrorKind::NotFound => Unreachable::NoSocket,
            io::ErrorKind::ConnectionRefused => Unreachable::Refused,
            io::ErrorKind::PermissionDenied => Unreachable::NotAllowed,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Unreachable::NotAccepting { after: timeout }
            }
            _ => Unreachable::Other(error.to_string()),
        })
    })?;
    match stranger(&stream) {
        Some(uid) => Err(unreachable(Unreachable::ServedByAnother { uid })),
        None => Ok(stream),
    }
}

fn open(socket: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(socket)?;
    let handle = new_socket()?;
    // A timeout of zero would mean none at all.
    let timeout = timeout.max(Duration::from_millis(1));
    sockopt::set_socket_timeout(&handle, sockopt::Timeout::Send, Some(timeout))?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&handle, &address))?;
    Ok(UnixStream::from(handle))
}

#[cfg(not(target_vendor = "apple"))]
fn new_socket() -> io::Result<std::os::fd::OwnedFd> {
    Ok(rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

#[cfg(target_vendor = "apple")]
fn new_socket() -> io::Result<std::os::fd::OwnedFd> {
    let handle = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::empty(),
        None,
    )?;
    rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::CLOEXEC)?;
    Ok(handle)
}

/// The user who serves the socket, if that is neither this user nor root: in a
/// directory for temporary files a stranger may have made the socket first.
#[cfg(target_os = "linux")]
fn stranger(stream: &UnixStream) -> Option<u32> {
    let own = rustix::process::geteuid();
    let server = sockopt::socket_peercred(stream).ok()?.uid;
    (!own.is_root() && server != own && !server.is_root()).then(|| server.as_raw())
}

#[cfg(not(target_os = "linux"))]
fn stranger(stream: &UnixStream) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;

    let own = rustix::process::geteuid();
    let address = stream.peer_addr().ok()?;
    let server = std::fs::metadata(address.as_pathname()?).ok()?.uid();
    (!own.is_root() && server != own.as_raw() && server != 0).then_some(server)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    use super::connect;
    use crate::error::{Error, Unreachable};

    fn why(error: Error) -> Unreachable {
        match error {
            Error::DaemonUnreachable { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_socket_and_a_stale_socket_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("d.sock");
        let wait = Duration::from_secs(1);
        assert_eq!(
            why(connect(&socket, wait).unwrap_err()),
            Unreachable::NoSocket
        );
        drop(UnixListener::bind(&socket).unwrap());
        assert_eq!(
            why(connect(&socket, wait).unwrap_err()),
            Unreachable::Refused
        );
    }

    #[test]
    fn a_file_that_is_no_socket_is_an_error_not_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("d.sock");
        std::fs::write(&file, "x").unwrap();
        assert!(connect(&file, Duration::from_secs(1)).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_queue_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("d.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let wait = Duration::from_millis(20);
        let mut waiting = Vec::new();
        let error = loop {
            match connect(&socket, wait) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
            assert!(waiting.len() < 100_000, "the queue never fills");
        };
        // Nobody takes a connection out of the queue: without an end it waited still.
        assert_eq!(why(error), Unreachable::NotAccepting { after: wait });
    }

    #[test]
    fn a_path_that_is_too_long_is_said_so() {
        let long = std::path::PathBuf::from(format!("/tmp/{}", "a".repeat(200)));
        let error = connect(&long, Duration::from_secs(1)).unwrap_err();
        assert!(matches!(error, Error::Paths(_)), "{error}");
    }
}
