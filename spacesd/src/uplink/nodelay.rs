//! The SDK's socket is without `TCP_NODELAY`, and the SDK gives no way to reach
//! it. Then the kernel holds every small write back until the hub has confirmed
//! the one before, which a hub that has nothing to say does 40 ms late.

#[cfg(target_os = "linux")]
pub(super) use linux::send_small_writes_at_once;

/// Elsewhere a process cannot reach a socket of its own by safe means.
#[cfg(not(target_os = "linux"))]
pub(super) fn send_small_writes_at_once() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
    use std::path::Path;
    use std::{fs, io};

    use rustix::fs::{FileType, fstat};
    use rustix::net::sockopt::set_tcp_nodelay;
    use rustix::process::{
        ForeignRawFd, PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open,
    };

    /// Sets `TCP_NODELAY` on every TCP socket of this process, for none of which
    /// holding writes back is of use. Where the system does not let us (Linux
    /// before 5.6, a filter of system calls), writes are only slower.
    pub fn send_small_writes_at_once() {
        match set() {
            Ok(()) => tracing::debug!("small writes to the hub go at once"),
            Err(error) => tracing::debug!(%error, "small writes to the hub may wait for 40 ms"),
        }
    }

    fn set() -> io::Result<()> {
        let ourselves = pidfd_open(getpid(), PidfdFlags::empty())?;
        for entry in fs::read_dir("/proc/self/fd")? {
            let path = entry?.path();
            let Some(socket) = number_of_socket(&path) else {
                continue;
            };
            let copy = match pidfd_getfd(&ourselves, socket, PidfdGetfdFlags::empty()) {
                Ok(copy) => copy,
                // Closed since it was listed.
                Err(rustix::io::Errno::BADF) => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(copy) = still_socket(copy) {
                // Fails where it is not of TCP.
                let _ = set_tcp_nodelay(&copy, true);
            }
        }
        Ok(())
    }

    fn number_of_socket(path: &Path) -> Option<ForeignRawFd> {
        let target = fs::read_link(path).ok()?;
        if !target.to_str()?.starts_with("socket:") {
            return None;
        }
        path.file_name()?.to_str()?.parse().ok()
    }

    /// Since it was listed the number may have become that of a file, and closing
    /// any copy of a file gives up the locks that SQLite holds on it: rather than
    /// that, the copy stays open.
    fn still_socket(copy: OwnedFd) -> Option<OwnedFd> {
        let is_socket = fstat(copy.as_fd())
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket);
        if is_socket {
            return Some(copy);
        }
        let _ = copy.into_raw_fd();
        None
    }

    #[cfg(test)]
    mod tests {
        use std::net::{TcpListener, TcpStream};
        use std::os::fd::AsRawFd;

        use super::*;

        #[test]
        fn a_connection_made_by_others_sends_at_once() {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("bound");
            let stream = TcpStream::connect(address).expect("it listens");
            assert!(!stream.nodelay().expect("a socket"));

            if let Err(error) = set() {
                // As a container may: then the connection is only slower.
                assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
                eprintln!("NOT RUN: this system does not let us: {error}");
                return;
            }

            assert!(stream.nodelay().expect("a socket"));
        }

        #[test]
        fn what_is_no_socket_is_not_closed() {
            let file: OwnedFd = tempfile::tempfile().expect("a file").into();
            let open = Path::new("/proc/self/fd").join(file.as_raw_fd().to_string());
            assert!(still_socket(file).is_none());
            assert!(fs::read_link(open).is_ok(), "it was closed");
        }
    }
}
