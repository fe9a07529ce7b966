//! The socket that launchd made, as `Sockets` in the job of this program says.
//! launchd hands it over by a call of its own library, not by a variable.

use std::io;
use std::os::unix::net::UnixListener;

use rustix::io::{FdFlags, fcntl_setfd};
use service_binding::{Binding, Error, Listener};

/// The socket's name in the job.
const SOCKET: &str = "fd://Listeners";

/// The socket of our job. None where this program was not started by launchd,
/// its job names no socket or launchd could not make it.
///
/// # Errors
/// Where launchd handed over something else than one Unix socket.
pub fn handed_over() -> io::Result<Option<UnixListener>> {
    let binding = match Binding::try_from(SOCKET) {
        Ok(binding) => binding,
        Err(Error::DescriptorsMissing | Error::DescriptorOutOfRange(0)) => return Ok(None),
        Err(error) => return Err(io::Error::other(error)),
    };
    let Listener::Unix(listener) = Listener::try_from(binding)? else {
        return Err(io::Error::other("launchd handed over no Unix socket"));
    };
    // A hub that the daemon starts is not to hold it open.
    fcntl_setfd(&listener, FdFlags::CLOEXEC)?;
    Ok(Some(listener))
}
