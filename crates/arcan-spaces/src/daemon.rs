use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use spaces_api::methods::session;
use spaces_api::model::Context;
use spaces_api::{Method, Wait};
use spaces_client::{Client, Error, paths::Paths};

/// A handle of the daemon, shared by tools, middleware and port. Cheap to clone;
/// connects when it is first used and again after the daemon was restarted.
#[derive(Clone)]
pub struct SpacesDaemon {
    shared: Arc<Shared>,
}

struct Shared {
    socket: PathBuf,
    budget: Duration,
    /// Connections at rest. Each call takes one for itself, so that a slow
    /// answer never makes another call wait.
    idle: Mutex<Vec<Client>>,
    /// Sessions that this process has announced to the daemon.
    announced: Mutex<HashSet<String>>,
}

impl SpacesDaemon {
    /// Default limit of one call.
    pub const BUDGET: Duration = Duration::from_secs(2);

    /// The daemon of this user, as `spacesctl` finds it.
    ///
    /// # Errors
    /// Where the place of the socket cannot be told.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self::at(Paths::from_env()?.socket))
    }

    /// The daemon that serves this socket.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self::with_budget(socket, Self::BUDGET)
    }

    /// The daemon that serves this socket, with another limit of one call.
    pub fn with_budget(socket: impl Into<PathBuf>, budget: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                socket: socket.into(),
                budget,
                idle: Mutex::default(),
                announced: Mutex::default(),
            }),
        }
    }

    /// The limit of one call, connecting and announcing a session included: the
    /// longest that any tool holds the agent loop.
    pub fn budget(&self) -> Duration {
        self.shared.budget
    }

    /// Calls a method within the budget.
    pub(crate) fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, Error> {
        self.call_until::<M>(params, self.deadline())
    }

    /// Calls a method on behalf of an agent's session, which the hub then holds
    /// to the agent tier. `params` is given the session's id.
    pub(crate) fn call_for_session<M: Method>(
        &self,
        session: &str,
        params: impl FnOnce(String) -> M::Params,
    ) -> Result<M::Result, Error> {
        let deadline = self.deadline();
        self.announce(session, deadline)?;
        self.call_until::<M>(&params(session.to_owned()), deadline)
    }

    /// Begins an operation of several calls, which together have the budget.
    pub(crate) fn begin(&self) -> Operation<'_> {
        Operation {
            daemon: self,
            deadline: self.deadline(),
        }
    }

    /// What is left of the budget for the hub to confirm a write in.
    pub(crate) fn confirmation_ms(&self) -> u64 {
        u64::try_from(self.shared.budget.as_millis() / 2).unwrap_or(u64::MAX)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.shared.budget
    }

    fn call_until<M: Method>(
        &self,
        params: &M::Params,
        deadline: Instant,
    ) -> Result<M::Result, Error> {
        let mut client = lock(&self.shared.idle)
            .pop()
            .unwrap_or_else(|| self.new_client());
        let left = deadline.saturating_duration_since(Instant::now());
        let result = client.call_within::<M>(params, left);
        // The client drops its connection by itself where it went bad.
        lock(&self.shared.idle).push(client);
        result
    }

    fn new_client(&self) -> Client {
        Client::new(&self.shared.socket).connect_timeout(self.shared.budget / 4)
    }

    /// Starts the session, once per process: the outbox keeps the order, so it
    /// is known to the hub before anything that is written for it.
    fn announce(&self, id: &str, deadline: Instant) -> Result<(), Error> {
        if lock(&self.shared.announced).contains(id) {
            return Ok(());
        }
        self.call_until::<session::Start>(
            &session::StartParams {
                id: Some(id.to_owned()),
                tool: "arcan".to_owned(),
                agent: None,
                task: None,
                cwd: std::env::current_dir()
                    .ok()
                    .and_then(|directory| directory.to_str().map(str::to_owned)),
                context: Context::default(),
                client_key: None,
                wait: Wait::Queued,
                timeout_ms: None,
                session: None,
            },
            deadline,
        )?;
        lock(&self.shared.announced).insert(id.to_owned());
        Ok(())
    }
}

/// Calls that share one budget.
pub(crate) struct Operation<'a> {
    daemon: &'a SpacesDaemon,
    deadline: Instant,
}

impl Operation<'_> {
    pub(crate) fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, Error> {
        self.daemon.call_until::<M>(params, self.deadline)
    }

    /// Half of what is left, for the hub to confirm a write in.
    pub(crate) fn confirmation_ms(&self) -> u64 {
        let left = self.deadline.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis() / 2).unwrap_or(u64::MAX)
    }
}

/// What is behind these locks is valid after every statement: a panic
/// elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
