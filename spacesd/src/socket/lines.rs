//! One JSON value per line, both ways, over a connection that stays open.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::{Buf, BytesMut};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use spaces_api::jsonrpc::Id;
use spaces_api::{ErrorKind, MAX_REQUEST_BYTES, RpcError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::seats::Seat;
use super::{REQUEST_DEADLINE, WRITE_DEADLINE, all_taken, stop_asked};
use crate::rpc::{self, Rpc};

/// Calls of one connection that may be under way at once. Past it the
/// connection is not read until one of them is done.
const MAX_UNDER_WAY: usize = 128;

/// Notifications to a subscriber that wait to be written. Past it its
/// subscription waits, and lags if that takes long.
const MAX_PUSHES: usize = 64;

/// Replies are gathered up to this many bytes before they are written.
const GATHERED_BYTES: usize = 64 * 1024;

/// A buffer larger than this is given back once it is empty.
const KEPT_BUFFER_BYTES: usize = 64 * 1024;

/// Serves one connection of which `begun` has been read, until it ends, breaks a
/// limit, or the daemon stops.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    begun: BytesMut,
    rpc: Rpc,
    seat: &Seat,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let (pushes, mut pushed) = mpsc::channel(MAX_PUSHES);
    let client = rpc::Client::on_lines(pushes);
    let mut connection = Connection {
        stream,
        received: Received::new(begun),
        out: Vec::new(),
    };
    let mut under_way = FuturesUnordered::new();
    let mut open = true;
    loop {
        while under_way.len() < MAX_UNDER_WAY {
            let line = match connection.received.line(!open) {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => return connection.refuse(&error).await,
            };
            if !seat.keep() {
                return connection.refuse(&all_taken()).await;
            }
            let mut call = Box::pin(rpc.clone().answer(client.clone(), line.freeze()));
            // Begun in order, so that posts are queued in the order in which they
            // were written.
            match once(call.as_mut()).await {
                Poll::Ready(reply) => connection.gather(reply).await?,
                Poll::Pending => under_way.push(call),
            }
        }
        connection.flush().await?;
        if !open && under_way.is_empty() {
            return Ok(());
        }
        let deadline = connection.received.deadline();
        tokio::select! {
            Some(reply) = under_way.next() => {
                connection.gather(reply).await?;
                while let Some(Some(reply)) = under_way.next().now_or_never() {
                    connection.gather(reply).await?;
                }
            }
            Some(push) = pushed.recv(), if open => {
                connection.gather(Some(push)).await?;
                while connection.out.len() < GATHERED_BYTES && let Ok(push) = pushed.try_recv() {
                    connection.gather(Some(push)).await?;
                }
            }
            read = connection.stream.read_buf(&mut connection.received.bytes),
                if open && under_way.len() < MAX_UNDER_WAY =>
            {
                open = read? > 0;
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)),
                if open && deadline.is_some() && under_way.len() < MAX_UNDER_WAY =>
            {
                let message = format!("the line was not complete after {} s", REQUEST_DEADLINE.as_secs());
                let error = RpcError::new(ErrorKind::InvalidRequest, message)
                    .hint("end each request with a newline");
                return connection.refuse(&error).await;
            }
            () = stop_asked(&mut stopping), if open => open = false,
        }
    }
}

async fn once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

struct Connection<S> {
    stream: S,
    received: Received,
    out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn gather(&mut self, reply: Option<Vec<u8>>) -> io::Result<()> {
        if let Some(reply) = reply {
            self.out.extend_from_slice(&reply);
            self.out.push(b'\n');
        }
        if self.out.len() >= GATHERED_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        let mut rest = self.out.as_slice();
        while !rest.is_empty() {
            let written = timeout(WRITE_DEADLINE, self.stream.write(rest)).await;
            match written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => rest.advance(written),
            }
        }
        self.out.clear();
        if self.out.capacity() > 2 * GATHERED_BYTES {
            self.out = Vec::new();
        }
        Ok(())
    }

    /// Tells the client why its connection ends here.
    async fn refuse(mut self, error: &RpcError) -> io::Result<()> {
        self.gather(Some(rpc::error_reply(&Id::Null, error)))
            .await?;
        self.flush().await?;
        self.stream.shutdown().await?;
        // Closing with unread data would make the system drop the reply: read on
        // for a moment, keeping nothing.
        let mut rest = [0; 4096];
        let drain =
            async { while matches!(self.stream.read(&mut rest).await, Ok(read) if read > 0) {} };
        let _ = timeout(std::time::Duration::from_secs(1), pin!(drain)).await;
        Ok(())
    }
}

/// Bytes that have arrived and are not yet served.
pub struct Received {
    /// What arrives is added here.
    pub bytes: BytesMut,
    /// How far there is known to be no end of a line.
    searched: usize,
    /// When the line that is not yet complete began.
    began: Option<Instant>,
}

impl Received {
    pub fn new(bytes: BytesMut) -> Self {
        Self {
            bytes,
            searched: 0,
            began: None,
        }
    }

    /// The next line that is not blank. At the end of the stream what is left is a
    /// line too.
    ///
    /// # Errors
    /// A line is larger than a request may be.
    pub fn line(&mut self, ended: bool) -> Result<Option<BytesMut>, RpcError> {
        loop {
            let end = self.bytes[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            let line = match end {
                Some(end) => {
                    let line = self.bytes.split_to(self.searched + end);
                    self.bytes.advance(1);
                    line
                }
                None if ended => self.bytes.split(),
                None => {
                    self.searched = self.bytes.len();
                    break;
                }
            };
            self.searched = 0;
            self.began = None;
            if line.len() > MAX_REQUEST_BYTES {
                return Err(too_large());
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
            if ended && self.bytes.is_empty() {
                return Ok(None);
            }
        }
        if self.bytes.len() > MAX_REQUEST_BYTES {
            return Err(too_large());
        }
        if self.bytes.is_empty() {
            self.began = None;
            if self.bytes.capacity() > KEPT_BUFFER_BYTES {
                self.bytes = BytesMut::new();
            }
        } else if self.began.is_none() {
            self.began = Some(Instant::now());
        }
        Ok(None)
    }

    fn deadline(&self) -> Option<Instant> {
        self.began.map(|began| began + REQUEST_DEADLINE)
    }
}

/// A request over the limit, in either framing.
pub(super) fn too_large() -> RpcError {
    let message = format!("the request is larger than {MAX_REQUEST_BYTES} bytes");
    RpcError::new(ErrorKind::TooLarge, message).hint("send less at once")
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;
    use spaces_api::MAX_REQUEST_BYTES;

    use super::Received;

    /// All lines of a stream that arrives in these pieces.
    fn lines(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, ()> {
        let mut received = Received::new(BytesMut::new());
        let mut lines = Vec::new();
        let mut take = |received: &mut Received, ended| -> Result<(), ()> {
            while let Some(line) = received.line(ended).map_err(|_| ())? {
                lines.push(line.to_vec());
            }
            Ok(())
        };
        for piece in pieces {
            received.bytes.extend_from_slice(piece);
            take(&mut received, false)?;
        }
        take(&mut received, true)?;
        Ok(lines)
    }

    #[test]
    fn the_last_line_needs_no_end_and_blank_ones_are_skipped() {
        assert_eq!(
            lines(&[b"a\n\n \r\nb"]).unwrap(),
            [b"a".to_vec(), b"b".to_vec()]
        );
        assert_eq!(
            lines(&[b"a", b"b\nc\n"]).unwrap(),
            [b"ab".to_vec(), b"c".to_vec()]
        );
    }

    #[test]
    fn a_line_over_the_limit_is_refused_even_before_its_end() {
        let long = vec![b'x'; MAX_REQUEST_BYTES + 1];
        assert!(lines(&[&long]).is_err());
        let fits = vec![b'x'; MAX_REQUEST_BYTES];
        assert_eq!(lines(&[&fits]).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn how_the_stream_is_cut_makes_no_difference(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), any::<u8>()], 0..100),
            cuts in proptest::collection::vec(0usize..100, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            let whole: Vec<Vec<u8>> = bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.trim_ascii().is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            prop_assert_eq!(lines(&pieces).unwrap(), whole);
        }
    }
}
