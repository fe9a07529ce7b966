//! One connection: a task writes whole requests, a task reads replies and gives
//! each to the call that waits for it.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::connect::connect;
use crate::error::{Error, Unreachable};
use crate::frame::{Incoming, Lines, Outgoing};

/// Requests that wait to be written; further ones wait for room.
const UNWRITTEN: usize = 64;
const PIECE_BYTES: usize = 16 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Link {
    requests: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Waiting>,
}

impl Link {
    pub(super) async fn open(socket: &Path, limit: Duration) -> Result<Self, Error> {
        let (reader, writer) = connected(socket, limit).await?.into_split();
        let (requests, unwritten) = mpsc::channel(UNWRITTEN);
        let waiting = Arc::new(Waiting::default());
        tokio::spawn(write(writer, unwritten));
        tokio::spawn(read(reader, waiting.clone()));
        Ok(Self { requests, waiting })
    }

    pub(super) fn is_open(&self) -> bool {
        self.waiting.lock().fault.is_none()
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn ask(&self, id: u64, request: &Outgoing) -> Result<Box<RawValue>, Error> {
        let (answer, answered) = oneshot::channel();
        self.waiting
            .expect(id, answer)
            .map_err(|fault| request.failed(fault))?;
        let _expected = Expected { id, link: self };
        // A writer that is gone has left its reason with the reader.
        let _ = self.requests.send(request.line.clone()).await;
        match answered.await {
            Ok(incoming) => incoming.outcome(request),
            Err(_) => Err(request.failed(self.waiting.fault())),
        }
    }
}

/// Takes the call out of the waiting ones however it ends.
struct Expected<'a> {
    id: u64,
    link: &'a Link,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.link.waiting.lock().answers.remove(&self.id);
    }
}

/// Calls without an answer yet, and why there will be none any more.
#[derive(Debug, Default)]
struct Waiting(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    answers: HashMap<u64, oneshot::Sender<Incoming>>,
    fault: Option<(io::ErrorKind, String)>,
}

impl Waiting {
    fn expect(&self, id: u64, answer: oneshot::Sender<Incoming>) -> io::Result<()> {
        let mut state = self.lock();
        if let Some((kind, why)) = &state.fault {
            return Err(io::Error::new(*kind, why.clone()));
        }
        state.answers.insert(id, answer);
        Ok(())
    }

    fn give(&self, incoming: Incoming) {
        let mut state = self.lock();
        let Some(id) = incoming.answered_id() else {
            // The daemon could not tell which request it is about: it concerns all.
            for (_, answer) in state.answers.drain() {
                // A call that has ended by itself does not mind.
                let _ = answer.send(incoming.clone());
            }
            return;
        };
        if let Some(answer) = state.answers.remove(&id) {
            let _ = answer.send(incoming);
        }
    }

    fn close(&self, fault: &io::Error) {
        let mut state = self.lock();
        state.fault.get_or_insert((fault.kind(), fault.to_string()));
        state.answers.clear();
    }

    fn fault(&self) -> io::Error {
        let state = self.lock();
        match &state.fault {
            Some((kind, why)) => io::Error::new(*kind, why.clone()),
            None => io::ErrorKind::UnexpectedEof.into(),
        }
    }

    /// What is behind the lock is valid after every statement.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when the last handle of the link is gone, and closes the connection
/// with it, or when the daemon no longer reads: the reader then sees the end.
async fn write(mut writer: OwnedWriteHalf, mut unwritten: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = unwritten.recv().await {
        if writer.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn read(mut reader: OwnedReadHalf, waiting: Arc<Waiting>) {
    let mut lines = Lines::default();
    let fault = loop {
        match next_line(&mut reader, &mut lines).await {
            Ok(incoming) if incoming.is_notification() => {}
            Ok(incoming) => waiting.give(incoming),
            Err(error) => break error,
        }
    };
    waiting.close(&fault);
}

pub(super) async fn next_line(
    reader: &mut OwnedReadHalf,
    lines: &mut Lines,
) -> io::Result<Incoming> {
    loop {
        if let Some(incoming) = lines.next()? {
            return Ok(incoming);
        }
        let mut piece = [0; PIECE_BYTES];
        match reader.read(&mut piece).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => lines.push(&piece[..length]),
        }
    }
}

/// Connects on a thread for blocking work: a daemon whose queue of connections
/// is full holds `connect`.
pub(super) async fn connected(socket: &Path, limit: Duration) -> Result<UnixStream, Error> {
    let path = socket.to_owned();
    let unusable = |why: String| Error::DaemonUnreachable {
        socket: socket.to_owned(),
        why: Unreachable::Other(why),
    };
    let stream = tokio::task::spawn_blocking(move || connect(&path, limit))
        .await
        .map_err(|error| unusable(error.to_string()))??;
    stream
        .set_nonblocking(true)
        .and_then(|()| UnixStream::from_std(stream))
        .map_err(|error| unusable(error.to_string()))
}
