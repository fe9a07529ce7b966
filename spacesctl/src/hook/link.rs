//! The hook's line to the daemon: calls within the budget, the spool behind
//! them, and a note of everything that did not go as wanted.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spaces_api::{ErrorKind, Method};
use spaces_client::{Client, Error, Paths};

use super::event::{Event, Tool};
use super::failures::{self, Failure, Kept};
use super::memory;

/// Limit of the time to connect.
const CONNECT: Duration = Duration::from_millis(200);
/// Limit of one call.
const CALL: Duration = Duration::from_millis(400);
/// Kept free at the end for the spool and the failure log.
const RESERVE: Duration = Duration::from_millis(250);

pub struct Link {
    pub paths: Paths,
    /// Where the sessions' memories are.
    pub memories: PathBuf,
    event: Event,
    tool: Tool,
    client: Client,
    deadline: Instant,
    /// After one call that was not answered the others are not tried.
    down: bool,
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The daemon has it on disk.
    Accepted,
    /// It waits in the spool.
    Spooled,
    /// It is nowhere.
    Lost,
}

impl Link {
    pub fn new(paths: Paths, event: Event, tool: Tool, deadline: Instant) -> Self {
        Self {
            client: Client::new(&paths.socket).connect_timeout(CONNECT),
            memories: memory::directory(&paths),
            paths,
            event,
            tool,
            deadline,
            down: false,
        }
    }

    /// A read, or a sign of life: not answered, it is left out and counted.
    pub fn ask<M: Method>(&mut self, params: &M::Params) -> Option<M::Result> {
        if self.down {
            return None;
        }
        let answer = self.call::<M>(params);
        self.found(answer)
    }

    /// A write that must not be lost: not answered, it goes to the spool.
    /// `params` carry a client key, so that it can't be done twice.
    pub fn keep<M: Method>(&mut self, params: &M::Params) -> Written {
        let answer = (!self.down).then(|| self.call::<M>(params));
        self.kept::<M>(params, answer)
    }

    /// [`Link::keep`] and [`Link::ask`] at once: the daemon works at both together,
    /// and this process at something else `meanwhile`.
    pub fn keep_and_ask<K: Method, A: Method>(
        &mut self,
        kept: &K::Params,
        asked: &A::Params,
        meanwhile: impl FnOnce(),
    ) -> (Written, Option<A::Result>) {
        if self.down {
            meanwhile();
            return (self.kept::<K>(kept, None), None);
        }
        let limit = self.limit();
        let sent = self.client.send_both::<K, A>(kept, asked, limit);
        meanwhile();
        let (keeping, asking) = match sent {
            Ok((keeping, asking)) => (Ok(keeping), Some(asking)),
            Err(error) => (Err(error), None),
        };
        let answer = keeping.and_then(|sent| self.client.receive(sent));
        self.note_down(&answer);
        let written = self.kept::<K>(kept, Some(answer));
        let asking = asking.filter(|_| !self.down);
        let found = asking.and_then(|asking| {
            let answer = self.client.receive(asking);
            self.note_down(&answer);
            self.found(answer)
        });
        (written, found)
    }

    fn found<T>(&self, answer: Result<T, Error>) -> Option<T> {
        answer
            .inspect_err(|error| self.count(error, Kept::Skipped))
            .ok()
    }

    /// What became of a write; the answer is none where the daemon was not asked.
    fn kept<M: Method>(
        &self,
        params: &M::Params,
        answer: Option<Result<M::Result, Error>>,
    ) -> Written {
        let error = match answer {
            None => None,
            Some(Ok(_)) => return Written::Accepted,
            // The same turn was posted before, from another place in the repository.
            Some(Err(error)) if error.kind() == ErrorKind::KeyReused => return Written::Accepted,
            Some(Err(error)) => Some(error),
        };
        let refused = error.as_ref().is_some_and(|error| !worth_keeping(error));
        let kept = if refused {
            Kept::Lost
        } else {
            self.spool::<M>(params)
        };
        if let Some(error) = &error {
            self.count(error, kept);
        }
        match kept {
            Kept::Spooled => Written::Spooled,
            Kept::Skipped | Kept::Lost => Written::Lost,
        }
    }

    /// Counts a failure that is not an answer of the daemon.
    pub fn fault(&self, reason: &str, detail: &str, kept: Kept) {
        let failure = Failure::now(
            self.event.as_str(),
            self.tool.as_str(),
            reason,
            detail,
            kept,
        );
        if let Err(error) = failures::append(&self.paths.state_dir, &failure) {
            eprintln!(
                "spacesctl hook: {reason}: {detail} (and the failure log can't be written: {error})"
            );
        }
    }

    fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        let limit = self.limit();
        let answer = self.client.call_within::<M>(params, limit);
        self.note_down(&answer);
        answer
    }

    fn limit(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let limit = left.saturating_sub(RESERVE).min(CALL);
        limit.max(Duration::from_millis(1))
    }

    fn note_down<T>(&mut self, answer: &Result<T, Error>) {
        self.down |= answer.as_ref().is_err_and(Error::is_daemon_down);
    }

    fn spool<M: Method>(&self, params: &M::Params) -> Kept {
        match spaces_client::spool::write::<M>(&self.paths, params) {
            Ok(_) => Kept::Spooled,
            Err(error) => {
                self.fault(
                    "spool",
                    &format!("{} was not kept: {error}", M::NAME),
                    Kept::Lost,
                );
                Kept::Lost
            }
        }
    }

    fn count(&self, error: &Error, kept: Kept) {
        self.fault(error.kind().as_str(), &error.to_string(), kept);
    }
}

/// Refused for what it is, a write would be refused from the spool as well.
fn worth_keeping(error: &Error) -> bool {
    error.is_daemon_down()
        || matches!(
            error.kind(),
            ErrorKind::Busy
                | ErrorKind::NotReady
                | ErrorKind::OutboxFull
                | ErrorKind::DiskFull
                | ErrorKind::RateLimited
                | ErrorKind::Internal
                | ErrorKind::VersionSkew
        )
}
