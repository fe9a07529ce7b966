//! The way to the daemon: one connection, calls within a limit, writes for the
//! agent's session, and the spool behind them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use spaces_api::methods::{None as Nothing, daemon, session};
use spaces_api::model::Context;
use spaces_api::{HubState, Method, Receipt, ReceiptState, Wait};
use spaces_client::{AsyncClient, Error, Paths, spool};
use uuid::Uuid;

use super::failure::ToolError;
use super::session::{Session, Sessions};

/// Longest wait for an answer from the daemon itself.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the hub may take to confirm a write before the receipt says `queued`.
const CONFIRMED: Duration = Duration::from_secs(3);
/// The end of the process must not take longer than its tool waits for it.
const GOODBYE: Duration = Duration::from_millis(500);

/// Cheap to clone.
#[derive(Clone)]
pub struct Daemon {
    shared: Arc<Shared>,
}

struct Shared {
    client: AsyncClient,
    paths: Paths,
    sessions: Sessions,
    /// Sessions that this process has started.
    started: Mutex<HashSet<String>>,
}

/// How a write is made: what all parameters of writes have in common.
pub struct How {
    pub client_key: Option<Uuid>,
    pub wait: Wait,
    pub timeout_ms: Option<u64>,
    pub session: Option<String>,
    /// Where the agent works.
    pub cwd: Option<String>,
}

impl Daemon {
    /// Does not connect yet.
    pub fn new(paths: Paths, sessions: Sessions) -> Self {
        let client = AsyncClient::new(&paths.socket).call_timeout(ANSWER);
        Self {
            shared: Arc::new(Shared {
                client,
                paths,
                sessions,
                started: Mutex::default(),
            }),
        }
    }

    /// What the client calls itself.
    pub fn client_is(&self, name: &str) {
        self.shared.sessions.client_is(name);
    }

    /// The agent's session now.
    pub fn session(&self) -> Session {
        self.shared.sessions.current()
    }

    /// A read, or something local.
    pub async fn ask<M: Method>(&self, params: &M::Params) -> Result<M::Result, ToolError> {
        Ok(self.shared.client.call::<M>(params).await?)
    }

    /// A write for the agent's session. Waits for the hub's confirmation while
    /// the hub is there.
    pub async fn write<M: Method>(
        &self,
        params: impl FnOnce(How) -> M::Params,
    ) -> Result<M::Result, ToolError> {
        let session = self.session();
        self.start(&session).await?;
        let how = self.how(session).await;
        let limit = ANSWER + CONFIRMED;
        Ok(self
            .shared
            .client
            .call_within::<M>(&params(how), limit)
            .await?)
    }

    /// The same for a write that is left in the spool while no daemon answers;
    /// gives what is to be told of it.
    pub async fn post<M: Method>(
        &self,
        params: impl FnOnce(How) -> M::Params,
        receipt: impl FnOnce(M::Result) -> Receipt,
    ) -> Result<Value, ToolError> {
        let session = self.session();
        match self.try_start(&session).await {
            Err(error) if error.is_daemon_down() => {
                self.spool::<session::Start>(&start(&session))?;
            }
            started => started?,
        }
        let params = params(self.how(session).await);
        let limit = ANSWER + CONFIRMED;
        match self.shared.client.call_within::<M>(&params, limit).await {
            Ok(result) => told(&receipt(result)),
            Err(error) if error.is_daemon_down() => {
                let spooled = self.spool::<M>(&params)?;
                Ok(json!({
                    "state": "spooled",
                    "client_key": spooled.client_key,
                    "meaning": "no daemon answers: it is on this machine's disk, and the daemon \
                                takes it when it starts (`spacesctl up`)",
                }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the session that this process has begun, if it has.
    pub async fn end(&self) {
        let session = self.session();
        if !session.own || !self.has_started(&session.id) {
            return;
        }
        let params = session::EndParams {
            id: session.id.clone(),
            summary: None,
            channel: None,
            client_key: Some(Uuid::now_v7()),
            wait: Wait::Queued,
            timeout_ms: None,
            session: Some(session.id),
        };
        let ended = self
            .shared
            .client
            .call_within::<session::End>(&params, GOODBYE)
            .await;
        if ended.is_err_and(|error| error.is_daemon_down()) {
            // Not kept either: the hub ends a session of which it hears nothing.
            let _ = self.spool::<session::End>(&params);
        }
    }

    /// The hub refuses what is written for a session that it does not know.
    async fn start(&self, session: &Session) -> Result<(), ToolError> {
        Ok(self.try_start(session).await?)
    }

    async fn try_start(&self, session: &Session) -> Result<(), Error> {
        if session.started || self.has_started(&session.id) {
            return Ok(());
        }
        self.shared
            .client
            .call::<session::Start>(&start(session))
            .await?;
        self.started().insert(session.id.clone());
        Ok(())
    }

    async fn how(&self, session: Session) -> How {
        let live = self
            .shared
            .client
            .call::<daemon::Ping>(&Nothing {})
            .await
            .is_ok_and(|pong| pong.meta.hub == HubState::Live);
        How {
            client_key: Some(Uuid::now_v7()),
            wait: if live { Wait::Sent } else { Wait::Queued },
            timeout_ms: live.then(|| u64::try_from(CONFIRMED.as_millis()).unwrap_or(u64::MAX)),
            session: Some(session.id),
            cwd: session.cwd,
        }
    }

    fn spool<M: Method>(&self, params: &M::Params) -> Result<spool::Spooled, ToolError> {
        Ok(spool::write::<M>(&self.shared.paths, params)?)
    }

    fn has_started(&self, id: &str) -> bool {
        self.started().contains(id)
    }

    /// What is behind the lock is valid after every statement.
    fn started(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.shared
            .started
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a write, in words that an agent understands.
pub fn told(receipt: &Receipt) -> Result<Value, ToolError> {
    let mut told = json!({ "state": receipt.state, "client_key": receipt.client_key });
    if let Some(id) = receipt.message_id {
        told["message"] = json!(id);
    }
    match receipt.state {
        ReceiptState::Sent => {}
        ReceiptState::Queued => {
            told["meaning"] = json!(
                "on this machine's disk; it is sent by itself as soon as the hub answers: do not \
                 repeat it"
            );
        }
        ReceiptState::Rejected => return Err(ToolError::rejected(receipt)),
    }
    Ok(told)
}

fn start(session: &Session) -> session::StartParams {
    session::StartParams {
        id: Some(session.id.clone()),
        tool: session.tool.clone(),
        agent: None,
        task: None,
        cwd: session.cwd.clone(),
        context: Context::default(),
        client_key: Some(Uuid::now_v7()),
        wait: Wait::Queued,
        timeout_ms: None,
        session: None,
    }
}
