//! The one SpacetimeDB connection of the daemon: it carries calls to the hub,
//! brings the hub's rows to a [`Sink`], and is built anew whenever it breaks.
//!
//! Architecture Invariant: outside this module and `spaces-bindings` nothing
//! knows a SpacetimeDB type. Nothing here keeps rows: what arrives is handed on.

pub(crate) mod backoff;
mod call;
mod connect;
mod history;
pub(crate) mod http;
mod inbound;
mod liveness;
mod nodelay;
mod refusal;
mod rows;
mod serve;
mod subscribe;
mod supervise;
mod token;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use spaces_api::{HubState, Timestamp};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::operation::{Call, HubSettings, Outcome, Refusal};
use crate::row::{Batch, Identity, Known};
use connect::Request;
pub use history::PastPage;

/// What the uplink must know.
pub struct UplinkConfig {
    /// Where the hub is (`http(s)://` or `ws(s)://`); none until a local hub runs.
    pub uri: watch::Receiver<Option<String>>,
    /// Name or identity of the database.
    pub database: String,
    /// Where the token is kept, mode 0600. Made on the first connection.
    pub token_file: PathBuf,
    /// The invite that a local hub writes for its first owner; redeemed when
    /// the hub does not know us and the file is there.
    pub owner_invite: Option<PathBuf>,
    /// How far back the first synchronization goes, in days.
    pub window_days: u32,
    /// How many messages the first synchronization brings at most.
    pub window_messages: u32,
    pub timing: Timing,
}

/// The uplink's waits. The defaults are the design's; tests shorten them.
#[derive(Clone, Debug)]
pub struct Timing {
    /// For a connection and the hub's greeting.
    pub connect_within: Duration,
    /// For one HTTP request beside the connection.
    pub request_within: Duration,
    /// For all rows of the first subscription.
    pub sync_within: Duration,
    /// Between two heartbeats.
    pub heartbeat_every: Duration,
    /// Between two heartbeats that name the live sessions.
    pub sessions_every: Duration,
    /// A call without an answer for this long means that the link is dead.
    pub answer_within: Duration,
    pub first_backoff: Duration,
    pub longest_backoff: Duration,
    /// A link that lived this long makes the next backoff begin anew.
    pub settled_after: Duration,
    /// Attempts asked for by [`Uplink::reconnect`] keep this distance.
    pub retry_spacing: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(10),
            request_within: Duration::from_secs(5),
            sync_within: Duration::from_secs(120),
            heartbeat_every: Duration::from_secs(5),
            sessions_every: Duration::from_secs(45),
            answer_within: Duration::from_secs(9),
            first_backoff: Duration::from_millis(250),
            longest_backoff: Duration::from_secs(30),
            settled_after: Duration::from_secs(60),
            retry_spacing: Duration::from_secs(1),
        }
    }
}

impl Timing {
    /// A link on which nothing passes any more is given up within this time,
    /// whenever it stalled: at worst just after a heartbeat was answered, so that
    /// the next one has to be waited for, and then its answer.
    pub fn stall_noticed_within(&self) -> Duration {
        self.heartbeat_every + self.answer_within
    }
}

/// Where the hub's rows go: implemented over the cache.
pub trait Sink: Send + Sync + 'static {
    /// The highest `seq` that has been applied; 0 for an empty cache.
    fn last_seq(&self) -> u64;

    /// The newest message that has been applied, of those in these open channels.
    fn newest_in(&self, channels: &[u64]) -> Option<Known>;

    /// All that has been applied is not what the hub holds any more, which shows
    /// in [`Sink::rebuilds`] once it is forgotten.
    fn begin_anew(&self, why: &str);

    /// Takes a batch. Batches are applied in the order of calling. The receiver
    /// resolves once the batch is on disk; it is dropped if that failed.
    fn apply(&self, batch: Batch) -> oneshot::Receiver<()>;

    /// The rows to come are of this hub, shown to this identity. What the sink has
    /// of another hub (or of one that began anew), or of another identity, it
    /// forgets: `last_seq` is 0 then. Resolves once that is on disk.
    fn belongs_to(&self, hub: &str, me: Identity) -> oneshot::Receiver<()>;

    /// Changes when the sink has begun anew by itself: all that it was given has
    /// to come again.
    fn rebuilds(&self) -> watch::Receiver<u64>;

    /// Ids of the sessions that are alive on this machine, for the heartbeat.
    fn open_sessions(&self) -> Vec<String>;
}

/// How the link is.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkStatus {
    pub state: HubState,
    /// The same in a sentence, with what to do where something is wrong.
    pub detail: String,
    /// Since when `state` is what it is.
    pub since: Timestamp,
    /// The last moment at which what the sink has stored was what the hub holds:
    /// that of the hub's last sign of life, give or take a fifth of a second.
    pub as_of: Timestamp,
    /// The same by a clock that is never set.
    pub fresh_at: Option<Instant>,
    pub identity: Option<Identity>,
    pub schema_version: Option<u32>,
    pub module_version: Option<String>,
    /// Why the last link or attempt ended; stays when the next one succeeds.
    pub last_error: Option<String>,
    /// Links that were live and ended since the start.
    pub reconnects: u64,
    /// Of the last heartbeat.
    pub round_trip: Option<Duration>,
    /// The hub's clock less ours, in milliseconds.
    pub clock_skew_ms: Option<i64>,
    /// The hub's clock at its last answer, and when that came.
    pub hub_time: Option<(Timestamp, Instant)>,
}

impl LinkStatus {
    fn new() -> Self {
        Self {
            state: HubState::Offline,
            detail: "not connected yet".to_owned(),
            since: Timestamp::now(),
            as_of: Timestamp::default(),
            fresh_at: None,
            identity: None,
            schema_version: None,
            module_version: None,
            last_error: None,
            reconnects: 0,
            round_trip: None,
            clock_skew_ms: None,
            hub_time: None,
        }
    }

    fn was_fresh(&mut self, at: Instant) {
        let ago = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.as_of = Timestamp::from_micros(Timestamp::now().as_micros().saturating_sub(ago));
        self.fresh_at = Some(at);
    }

    fn become_state(&mut self, state: HubState, detail: impl Into<String>) {
        if self.state != state {
            self.since = Timestamp::now();
        }
        self.state = state;
        self.detail = detail.into();
    }
}

/// Why a question to the hub has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    #[error("the hub is not connected: {0}")]
    Offline(String),
    #[error("the hub refused it: {}: {}", .0.kind, .0.message)]
    Refused(Refusal),
    #[error("the connection ended before the hub answered; try again")]
    Lost,
    /// Something on the way to the hub or inside it.
    #[error("{0}")]
    Failed(String),
}

/// The handle: cheap to clone, usable from every thread.
#[derive(Clone)]
pub struct Uplink {
    shared: Arc<Shared>,
}

struct Shared {
    config: UplinkConfig,
    sink: Arc<dyn Sink>,
    status: watch::Sender<LinkStatus>,
    /// The way into the connection that is up, if one is.
    link: Mutex<Option<mpsc::UnboundedSender<Request>>>,
    /// Of the hub that the link is to: another one counts anew.
    places: Mutex<history::Places>,
    /// Somebody wants an attempt at once.
    try_now: Notify,
    stopping: watch::Sender<bool>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Uplink {
    /// Begins to connect, and keeps connected until [`Uplink::shutdown`]. Must
    /// be called inside a tokio runtime.
    pub fn start(config: UplinkConfig, sink: Arc<dyn Sink>) -> Self {
        let shared = Arc::new(Shared {
            config,
            sink,
            status: watch::Sender::new(LinkStatus::new()),
            link: Mutex::new(None),
            places: Mutex::default(),
            try_now: Notify::new(),
            stopping: watch::Sender::new(false),
            supervisor: Mutex::new(None),
        });
        let supervisor = tokio::spawn(supervise::run(Arc::clone(&shared)));
        *lock(&shared.supervisor) = Some(supervisor);
        Self { shared }
    }

    /// Follows how the link is.
    pub fn status(&self) -> watch::Receiver<LinkStatus> {
        self.shared.status.subscribe()
    }

    /// Asks the hub to carry out an operation. Calls reach the hub in the order
    /// in which this is called (not in which the futures are polled).
    ///
    /// [`Outcome::Committed`] means durable on the hub. Without a connection
    /// the outcome is [`Outcome::Unknown`] at once.
    ///
    /// With `after`, the hub refuses the call as `out_of_order` unless our call
    /// under that key was carried out before.
    pub fn call(
        &self,
        call: Call,
        after: Option<Uuid>,
    ) -> impl Future<Output = Outcome> + Send + use<> {
        let answer = self.begin(call, after);
        async move {
            match answer {
                Ok(answer) => answer.await.unwrap_or(Outcome::Unknown),
                Err(outcome) => outcome,
            }
        }
    }

    fn begin(
        &self,
        call: Call,
        after: Option<Uuid>,
    ) -> Result<oneshot::Receiver<Outcome>, Outcome> {
        let (answer, answered) = oneshot::channel();
        let link = lock(&self.shared.link);
        let link = link.as_ref().ok_or(Outcome::Unknown)?;
        link.send(Request::Call {
            call: Box::new(call),
            after,
            answer,
        })
        .map_err(|_| Outcome::Unknown)?;
        Ok(answered)
    }

    /// Tries to connect now instead of at the end of the present pause. Calls
    /// of this are rate-limited; while connected it does nothing.
    pub fn reconnect(&self) {
        self.shared.try_now.notify_one();
    }

    /// The hub's settings, all of them.
    ///
    /// # Errors
    /// Offline, refused, or the link ended meanwhile.
    pub async fn hub_settings(&self) -> Result<HubSettings, CallError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Settings { answer })?;
        answered.await.unwrap_or(Err(CallError::Lost))
    }

    /// Hands a request to the connection, if there is one.
    fn ask(&self, request: Request) -> Result<(), CallError> {
        let sent = lock(&self.shared.link)
            .as_ref()
            .is_some_and(|link| link.send(request).is_ok());
        match sent {
            true => Ok(()),
            false => Err(CallError::Offline(
                self.shared.status.borrow().detail.clone(),
            )),
        }
    }

    /// A fresh identity and its token, for an invite. The token is a secret.
    ///
    /// # Errors
    /// When the hub is not there or makes no identities.
    pub async fn new_identity(&self) -> Result<(Identity, String), CallError> {
        let uri = self.uri()?;
        token::create(&uri, self.shared.config.timing.request_within).await
    }

    /// Redeems an invite to this hub for our own identity, then connects.
    ///
    /// # Errors
    /// When the line is no invite or is for another hub, the hub is not there,
    /// or it refuses.
    pub async fn redeem(&self, invite: &str) -> Result<(), CallError> {
        let invite = invite
            .parse()
            .map_err(|error: spaces_domain::invite::NotAnInvite| {
                CallError::Failed(error.to_string())
            })?;
        let uri = self.uri()?;
        let config = &self.shared.config;
        let ours =
            token::load_or_create(&config.token_file, &uri, config.timing.request_within).await?;
        token::redeem(
            &invite,
            &uri,
            &config.database,
            &ours,
            config.timing.request_within,
        )
        .await?;
        self.reconnect();
        Ok(())
    }

    fn uri(&self) -> Result<String, CallError> {
        let uri = self.shared.config.uri.borrow().clone();
        uri.ok_or_else(|| CallError::Offline(self.shared.status.borrow().detail.clone()))
    }

    /// Closes the connection and stops trying. Returns when that is done.
    pub async fn shutdown(&self) {
        self.shared.stopping.send_replace(true);
        let supervisor = lock(&self.shared.supervisor).take();
        if let Some(supervisor) = supervisor
            && let Err(error) = supervisor.await
        {
            tracing::error!(%error, "the uplink's supervisor ended badly");
        }
    }
}

/// No code panics while it holds one of these locks, so a poisoned one holds
/// whole data.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stalled_link_is_noticed_within_15_seconds() {
        let timing = Timing::default();
        assert!(timing.stall_noticed_within() < Duration::from_secs(15));
        // Before it is live, a link that does not come up is given up as soon.
        assert!(timing.connect_within < Duration::from_secs(15));
    }
}
