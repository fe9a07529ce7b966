//! What keeps the parts of the daemon informed of each other: small tasks that
//! listen to one part and tell another.

use std::sync::Arc;
use std::time::Duration;

use spaces_api::model::{EventKind, SessionState};
use spaces_api::{HubState, Receipt};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;
use tracing::{info, warn};
use uuid::Uuid;

use crate::cache::query::session::SessionQuery;
use crate::daemon::Daemon;
use crate::limits;
use crate::logging::LevelHandle;

/// Receipt changes that are put into the event log at once.
const RECEIPTS_AT_ONCE: usize = 512;

/// How long changes of receipts are gathered before they become events. A write is
/// queued and sent within milliseconds, and meanwhile the processors have better
/// things to do: the write itself.
const GATHERED_FOR: Duration = Duration::from_millis(5);

/// Sessions that are taken up again after a restart, at most.
const RESUMED: u32 = 500;

/// Starts all of them; they end with the runtime.
pub fn start(daemon: &Arc<Daemon>, level: LevelHandle) {
    tokio::spawn(hub_state(daemon.clone()));
    tokio::spawn(receipts(daemon.clone()));
    tokio::spawn(settings(daemon.clone(), level));
    resume_sessions(daemon);
}

/// The link's state becomes an event, and the cache learns how fresh it is.
async fn hub_state(daemon: Arc<Daemon>) {
    let mut link = daemon.hub.link.clone();
    let mut last = HubState::Offline;
    loop {
        let (state, fresh, detail) = {
            let now = link.borrow_and_update();
            let fresh = now.fresh_at.map(|_| now.as_of);
            (now.state, fresh, now.detail.clone())
        };
        if let Some(as_of) = fresh {
            daemon.cache.note_live(as_of);
        }
        if state != last {
            info!(state = state.as_str(), %detail, "hub");
            last = state;
            // Lost only if the cache is being made anew, which is news enough.
            let _ = daemon.events.record(EventKind::Hub { state }).await;
        }
        if link.changed().await.is_err() {
            return;
        }
    }
}

/// Every change of a receipt becomes an event, also those from before a restart.
async fn receipts(daemon: Arc<Daemon>) {
    let mut changes = daemon.outbox.changes();
    loop {
        // What was missed: at the start, and after a burst.
        loop {
            let after = daemon.events.last_receipt_change();
            let missed = daemon.outbox.changes_since(after, RECEIPTS_AT_ONCE).await;
            if missed.is_empty()
                || !record(
                    &daemon,
                    missed
                        .into_iter()
                        .map(|change| (change.change_seq, change.receipt))
                        .collect(),
                )
                .await
            {
                break;
            }
        }
        loop {
            let mut batch = match changes.recv().await {
                Ok(change) => vec![(change.change_seq, change.receipt)],
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return,
            };
            sleep(GATHERED_FOR).await;
            while batch.len() < RECEIPTS_AT_ONCE
                && let Ok(change) = changes.try_recv()
            {
                batch.push((change.change_seq, change.receipt));
            }
            if !record(&daemon, batch).await {
                break;
            }
        }
    }
}

/// False if the log did not take them: it is being made anew.
async fn record(daemon: &Daemon, receipts: Vec<(u64, Receipt)>) -> bool {
    for (_, receipt) in &receipts {
        name_known_message(daemon, receipt.client_key);
    }
    daemon.events.record_receipts(receipts).await.is_ok()
}

/// A write that goes again after a crash may have made its message before, which
/// the hub does not show again: the cache has it.
fn name_known_message(daemon: &Daemon, key: Uuid) {
    if !daemon.outbox.looks_out_for(key) {
        return;
    }
    match daemon.cache.message_id_of(&key) {
        Ok(id) => daemon.outbox.shown(id.map(|id| (key, id)).into_iter()),
        Err(error) => warn!(%error, "cannot look up the id of a sent message"),
    }
}

/// What the settings say while the daemon runs is done.
async fn settings(daemon: Arc<Daemon>, level: LevelHandle) {
    let mut news = daemon.settings.subscribe();
    let mut last = news.borrow_and_update().clone();
    while news.changed().await.is_ok() {
        let now = news.borrow_and_update().clone();
        if now.log.level != last.log.level {
            match level.set(&now.log.level) {
                Ok(()) => info!(level = now.log.level, "log level changed"),
                Err(error) => warn!("{error:#}"),
            }
        }
        if now.outbox != last.outbox {
            daemon.outbox.set_limits(limits::outbox(&now));
        }
        if now.cache != last.cache {
            daemon.cache.set_limits(limits::cache(&now));
        }
        last = now;
    }
}

/// After a restart the daemon goes on speaking for the sessions that were alive.
fn resume_sessions(daemon: &Daemon) {
    let own = daemon.username();
    let query = SessionQuery {
        limit: RESUMED,
        ..SessionQuery::default()
    };
    match daemon.overlay().sessions(&query) {
        Ok(sessions) => {
            let alive = sessions
                .iter()
                .filter(|session| session.owner == own && session.state != SessionState::Ended);
            alive.for_each(|session| daemon.sessions.heard_of(&session.id));
        }
        Err(error) => warn!(%error, "cannot tell which sessions were alive"),
    }
}
