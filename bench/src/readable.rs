//! Waiting for an answer, on both sides of a comparison.

use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;

/// Waits until there is something to read, or the end.
///
/// A thread that waits in the read itself is woken twice on Linux: first for
/// nothing, when the other end takes out of the socket what this one sent. With 64
/// clients that is a third of what they and their server can do.
pub fn until_readable(stream: &UnixStream) {
    let mut waiting = [PollFd::new(stream, PollFlags::IN)];
    retry_on_intr(|| poll(&mut waiting, None)).expect("the socket is open");
}
