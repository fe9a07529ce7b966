//! `activity.*`. The digest is a hot path: it is made where it is asked for, from
//! the cache and from memory, and once more where git may know more.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use spaces_api::methods::activity::{Digest, ListParams, Watching};
use spaces_api::model::{ActivityItem, Context};
use spaces_api::{ErrorKind, Meta, RpcError};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::bounded;
use crate::activity::{Ask, DEFAULT_LIMIT, Digested, Place};
use crate::cache::CacheError;
use crate::daemon::Daemon;
use crate::rpc::Call;
use crate::rpc::envelope::notification;
use crate::rpc::reference::cache_failed;

/// Git is asked for so long how others' commits stand to the asker's; then what
/// is remembered must do.
const GIT_WITHIN: Duration = Duration::from_millis(400);

/// A session starts no later because its digest cannot be marked as shown.
const MARKED_WITHIN: Duration = Duration::from_millis(100);

/// Changes come in bursts; a watcher is told once for each.
const SETTLE: Duration = Duration::from_millis(250);

const CHANGED: &str = "activity.changed";

pub(super) async fn list(call: &Call, params: ListParams) -> Result<Vec<u8>, RpcError> {
    let mark_shown = params.mark_shown;
    let ask = ask(call, params).await?;
    let digested = digest(&call.daemon, &ask).await?;
    if mark_shown && !digested.unread.is_empty() {
        // Lost with the cache itself or for want of room; then they are shown once more.
        let marked = call.daemon.cache.mark_shown(digested.unread.clone());
        let _ = timeout(MARKED_WITHIN, marked).await;
    }
    Ok(written(&digested, &ask.place.context, call.daemon.meta()))
}

/// A [`Digest`] as JSON. A remembered one is mostly this text, so that part of it
/// is written only once.
fn written(digested: &Digested, context: &Context, meta: Meta) -> Vec<u8> {
    #[derive(Serialize)]
    struct Written<'a> {
        items: &'a RawValue,
        context: &'a Context,
        omitted: u64,
        meta: Meta,
    }
    let items = digested.items_as_json();
    let mut json = Vec::with_capacity(items.get().len() + 1024);
    let written = Written {
        items,
        context,
        omitted: digested.omitted,
        meta,
    };
    serde_json::to_writer(&mut json, &written).expect("a digest is plain data with text keys");
    json
}

pub(super) async fn watch(call: &Call, params: ListParams) -> Result<Watching, RpcError> {
    let ask = ask(call, params).await?;
    let digested = digest(&call.daemon, &ask).await?;
    let digest = shown(&call.daemon, &ask, &digested);
    let daemon = call.daemon.clone();
    let last = comparable(&digested);
    let subscription = call
        .client
        .subscribe(|id, pushes| tokio::spawn(follow(daemon, ask, last, id, pushes)))?;
    Ok(Watching {
        subscription,
        digest,
    })
}

async fn ask(call: &Call, params: ListParams) -> Result<Ask, RpcError> {
    let limit = bounded(params.limit, DEFAULT_LIMIT, 200)?;
    let directory = params.cwd.as_ref().map(PathBuf::from);
    Ok(Ask {
        place: Place {
            context: call.place_with_changes(params.cwd, params.context).await?,
            directory,
        },
        session: params
            .session
            .map(|session| call.daemon.session_id(&session)),
        limit,
        max_tokens: params.max_tokens,
        may_ask_git: false,
    })
}

async fn digest(daemon: &Arc<Daemon>, ask: &Ask) -> Result<Arc<Digested>, RpcError> {
    let quick = made(daemon, ask).map_err(|error| cache_failed(&error))?;
    if ask.place.directory.is_none() || !quick.git_may_know_more {
        return Ok(quick);
    }
    let daemon = daemon.clone();
    let slow = Ask {
        may_ask_git: true,
        ..ask.clone()
    };
    let asked = tokio::task::spawn_blocking(move || made(&daemon, &slow));
    match timeout(GIT_WITHIN, asked).await {
        Ok(Ok(digested)) => digested.map_err(|error| cache_failed(&error)),
        Ok(Err(error)) => Err(RpcError::new(
            ErrorKind::Internal,
            format!("no digest was made: {error}"),
        )),
        // Git goes on, and what it says is remembered for the next digest.
        Err(_) => Ok(quick),
    }
}

fn made(daemon: &Daemon, ask: &Ask) -> Result<Arc<Digested>, CacheError> {
    let overlay = daemon.overlay();
    daemon
        .activity
        .digest(ask, &overlay.waiting(), daemon.hub_time())
}

fn shown(daemon: &Daemon, ask: &Ask, digested: &Digested) -> Digest {
    Digest {
        items: digested.items.clone(),
        context: ask.place.context.clone(),
        omitted: digested.omitted,
        meta: daemon.meta(),
    }
}

/// Tells a watcher whenever its digest would differ.
async fn follow(
    daemon: Arc<Daemon>,
    ask: Ask,
    mut last: Vec<ActivityItem>,
    subscription: u64,
    pushes: mpsc::Sender<Vec<u8>>,
) {
    let _counted = daemon.metrics.subscriber();
    let mut generation = daemon.cache.digest_generation();
    let mut arrivals = daemon.outbox.arrivals();
    loop {
        let alive = tokio::select! {
            changed = generation.changed() => changed.is_ok(),
            changed = arrivals.changed() => changed.is_ok(),
        };
        if !alive {
            return;
        }
        sleep(SETTLE).await;
        generation.mark_unchanged();
        arrivals.mark_unchanged();
        // A cache that cannot be read now, or was begun anew and is empty, tells of
        // its return by a change.
        let Ok(digested) = digest(&daemon, &ask).await else {
            continue;
        };
        if daemon.readiness().is_err() {
            continue;
        }
        let now = comparable(&digested);
        if now == last {
            continue;
        }
        last = now;
        let watching = Watching {
            subscription,
            digest: shown(&daemon, &ask, &digested),
        };
        let params = serde_json::to_vec(&watching).expect("a digest is plain data with text keys");
        if pushes.send(notification(CHANGED, &params)).await.is_err() {
            return;
        }
    }
}

/// The items without their scores, which change with time alone.
fn comparable(digested: &Digested) -> Vec<ActivityItem> {
    let unscored = |item: &ActivityItem| ActivityItem {
        score: 0.0,
        ..item.clone()
    };
    digested.items.iter().map(unscored).collect()
}

#[cfg(test)]
mod tests {
    use spaces_api::methods::activity::Digest;
    use spaces_api::model::{ActivityItem, ActivityKind, Context};
    use spaces_api::{HubState, Meta, Timestamp};

    use super::written;
    use crate::activity::Digested;
    use crate::cache::fixture::{Fixture, ME, session_row};
    use crate::row::Row;

    #[test]
    fn what_is_written_by_hand_is_what_the_contract_says() {
        let fixture = Fixture::new();
        let context = Context {
            repo: Some("github.com/acme/app".to_owned()),
            ..Context::default()
        };
        fixture.put([Row::Session(session_row("s", ME, context.clone()))]);
        let session = fixture.cache.session("s").unwrap().unwrap();
        let item = ActivityItem {
            what: ActivityKind::Session { session },
            score: 1.5,
            why: vec!["this \"repository\"".to_owned()],
        };
        let meta = Meta {
            as_of: Timestamp::from_micros(1),
            hub: HubState::Offline,
            stale_for_ms: 7,
        };
        let digest = Digest {
            items: vec![item.clone(), item.clone()],
            context: context.clone(),
            omitted: 3,
            meta,
        };
        let digested = Digested::new(vec![item.clone(), item], 3, false);
        for _ in 0..2 {
            assert_eq!(
                String::from_utf8(written(&digested, &context, meta)).unwrap(),
                serde_json::to_string(&digest).unwrap()
            );
        }
    }
}
