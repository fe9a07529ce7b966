//! Reading from a client that may have to give its seat up: only where it has
//! nothing more to say.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::oneshot;

use super::seats::Seat;

/// What a client says. Once its seat must be given up, it ends with an error
/// where the client is waited for; all that has arrived is read before.
pub(super) struct Reading<'a> {
    stream: OwnedReadHalf,
    seat: &'a Seat,
    /// None once there is word.
    give_up: Option<oneshot::Receiver<()>>,
    given_up: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        stream: OwnedReadHalf,
        seat: &'a Seat,
        give_up: oneshot::Receiver<()>,
    ) -> Self {
        Self {
            stream,
            seat,
            give_up: Some(give_up),
            given_up: false,
        }
    }

    /// Whether something has arrived: the runtime hears of it later than the
    /// system, and on a busy machine much later.
    fn has_unread(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(self.stream.as_ref(), &mut [0; 1], flags).is_ok_and(|(read, _)| read > 0)
    }
}

impl AsyncRead for Reading<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, into) {
            return Poll::Ready(read);
        }
        if let Some(give_up) = &mut self.give_up
            && let Poll::Ready(word) = Pin::new(give_up).poll(context)
        {
            // It is none where the seat was kept first: the sender is gone.
            self.given_up = word.is_ok();
            self.give_up = None;
        }
        if self.given_up && !self.seat.is_kept() && !self.has_unread() {
            let why = "its seat went to another before it made a request";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, why)));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream as Client;

    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;
    use tokio::net::unix::OwnedWriteHalf;

    use super::*;
    use crate::socket::seats::Seats;

    fn client() -> (Client, OwnedReadHalf, OwnedWriteHalf) {
        let (client, server) = Client::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let (read, write) = UnixStream::from_std(server).unwrap().into_split();
        (client, read, write)
    }

    #[tokio::test]
    async fn a_request_is_read_though_the_seat_was_given_up_before() {
        let seats = Seats::new(1);
        let (seat, give_up) = seats.take().unwrap();
        let (mut talks, read, _write) = client();
        let mut reading = Reading::new(read, &seat, give_up);
        talks.write_all(b"1").unwrap();
        let (newcomer, out) = seats.take().expect("the first made no request");
        assert_eq!(reading.read_u8().await.unwrap(), b'1');
        assert!(seat.keep());
        // The word that came meanwhile no longer counts.
        let next = tokio::join!(reading.read_u8(), async {
            talks.write_all(b"2").unwrap();
        });
        assert_eq!(next.0.unwrap(), b'2');

        let (_silent, read, _write) = client();
        let silent = Reading::new(read, &newcomer, out).read_u8().await;
        assert_eq!(silent.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn half_a_request_keeps_no_seat() {
        let seats = Seats::new(1);
        let (seat, give_up) = seats.take().unwrap();
        let (mut talks, read, _write) = client();
        let mut reading = Reading::new(read, &seat, give_up);
        talks.write_all(b"{").unwrap();
        let _newcomer = seats.take().unwrap();
        assert_eq!(reading.read_u8().await.unwrap(), b'{');
        let end = reading.read_u8().await.unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::ConnectionAborted);
    }
}
