use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use serde_json::value::RawValue;
use spaces_api::Method;
use spaces_api::methods::events::{Pushed, Subscribe, SubscribeParams, Subscribed};
use spaces_api::model::Event;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::link::{connected, next_line};
use crate::error::Error;
use crate::frame::{Incoming, Lines, Outgoing};

/// The daemon's events, in order; see [`AsyncClient::subscribe`].
///
/// It ends after its first error. After [`Error::ConnectionLost`] (the daemon
/// has ended, or this reader was too slow for it) subscribe again with
/// [`EventStream::cursor`]: nothing is missed and nothing comes twice.
///
/// ```no_run
/// use spaces_api::methods::events::SubscribeParams;
/// use spaces_client::AsyncClient;
///
/// # async fn follow() -> Result<(), spaces_client::Error> {
/// let client = AsyncClient::from_env()?;
/// let mut events = client.subscribe(&SubscribeParams::default()).await?;
/// while let Some(event) = events.next().await {
///     println!("{}", event?.what.word());
/// }
/// # Ok(())
/// # }
/// ```
///
/// [`AsyncClient::subscribe`]: crate::AsyncClient::subscribe
#[derive(Debug)]
pub struct EventStream {
    reader: OwnedReadHalf,
    /// Closes the connection when it is dropped.
    _writer: OwnedWriteHalf,
    lines: Lines,
    id: u64,
    cursor: u64,
    ended: bool,
}

impl EventStream {
    pub(super) async fn open(
        socket: &Path,
        limit: Duration,
        params: &SubscribeParams,
    ) -> Result<Self, Error> {
        let request = request(params)?;
        let (mut reader, mut writer) = connected(socket, limit).await?.into_split();
        writer
            .write_all(&request.line)
            .await
            .map_err(|error| request.failed(error))?;
        let mut lines = Lines::default();
        let answer = next_line(&mut reader, &mut lines)
            .await
            .map_err(|error| request.failed(error))?;
        let begun: Subscribed = serde_json::from_str(answer.outcome(&request)?.get())
            .map_err(|error| request.malformed(error))?;
        Ok(Self {
            reader,
            _writer: writer,
            lines,
            id: begun.subscription,
            cursor: begun.cursor,
            ended: false,
        })
    }

    /// The cursor of the newest event that was given out (or that was there at
    /// the beginning): a later subscription goes on from it.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Waits for the next event. Cancel safe. `None` after an error was given.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn poll_incoming(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        loop {
            if let Some(incoming) = self.lines.next()? {
                return Poll::Ready(Ok(incoming));
            }
            let mut piece = [0; 16 * 1024];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut self.reader).poll_read(context, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.lines.push(piece.filled());
        }
    }

    /// The event in a line, if there is one for this subscription.
    fn event(&mut self, incoming: &Incoming) -> Result<Option<Event>, Error> {
        let params = incoming.params.as_deref().map_or("null", RawValue::get);
        let pushed: Pushed = serde_json::from_str(params).map_err(|error| Error::Malformed {
            method: Subscribe::NAME.to_owned(),
            why: error.to_string(),
        })?;
        if pushed.subscription != self.id {
            return Ok(None);
        }
        if let Some(cursor) = pushed.lagged {
            self.cursor = cursor;
            return Err(lost("this reader was too slow for the events"));
        }
        if let Some(event) = &pushed.event {
            self.cursor = event.cursor;
        }
        Ok(pushed.event)
    }
}

impl Stream for EventStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.ended {
            let outcome = match ready!(self.poll_incoming(context)) {
                Ok(incoming) => self.event(&incoming).transpose(),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Some(Err(lost("the daemon closed it")))
                }
                Err(error) => Some(Err(lost(&error.to_string()))),
            };
            if let Some(outcome) = outcome {
                self.ended = outcome.is_err();
                return Poll::Ready(Some(outcome));
            }
        }
        Poll::Ready(None)
    }
}

pub(super) fn request(params: &SubscribeParams) -> Result<Outgoing, Error> {
    Outgoing::new(1, Subscribe::NAME, Some(Subscribe::ACCESS), params)
}

fn lost(why: &str) -> Error {
    Error::ConnectionLost {
        method: Subscribe::NAME.to_owned(),
        why: why.to_owned(),
        client_key: None,
    }
}
