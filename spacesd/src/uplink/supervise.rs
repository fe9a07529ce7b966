//! Keeps one connection up: offline -> connecting -> syncing -> live, and back
//! to the start whenever it ends, after a pause.

use std::sync::Arc;
use std::time::Duration;

use spaces_api::HubState;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::backoff::Backoff;
use super::connect::{self, Event, Plan, Request};
use super::refusal::{self, Obstacle};
use super::{CallError, Shared, lock, token};

/// A connection that notices silence itself has so long to say so; after that its
/// thread is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// How long a clean close may take before the connection is simply left.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(super) async fn run(shared: Arc<Shared>) {
    let mut stopping = shared.stopping.subscribe();
    let mut uri = shared.config.uri.clone();
    let mut rebuilds = shared.sink.rebuilds();
    let timing = &shared.config.timing;
    let mut backoff = Backoff::new(timing.first_backoff, timing.longest_backoff);
    loop {
        let Some(target) = next_uri(&shared, &mut uri, &mut stopping).await else {
            break;
        };
        let started = Instant::now();
        let ended = attempt(&shared, &target, &mut uri, &mut stopping).await;
        *lock(&shared.link) = None;
        lock(&shared.places).clear();
        if *stopping.borrow() {
            break;
        }
        offline(&shared, &ended);
        if ended
            .live_for
            .is_some_and(|lived| lived >= timing.settled_after)
        {
            backoff.reset();
        }
        if ended.at_once {
            continue;
        }
        pause(
            &shared,
            backoff.next_wait(),
            started,
            &mut uri,
            &mut rebuilds,
            &mut stopping,
        )
        .await;
        if *stopping.borrow() {
            break;
        }
    }
    shared
        .status
        .send_modify(|status| status.become_state(HubState::Offline, "stopped"));
}

/// Waits until there is an address; none when it is time to stop.
async fn next_uri(
    shared: &Shared,
    uri: &mut watch::Receiver<Option<String>>,
    stopping: &mut watch::Receiver<bool>,
) -> Option<String> {
    loop {
        if *stopping.borrow_and_update() {
            return None;
        }
        if let Some(target) = uri.borrow_and_update().clone() {
            return Some(target);
        }
        shared.status.send_modify(|status| {
            status.become_state(HubState::Offline, "waiting for the hub to start");
        });
        tokio::select! {
            changed = uri.changed() => if changed.is_err() {
                // Nobody will ever name a hub.
                stopping.changed().await.ok()?;
            },
            changed = stopping.changed() => changed.ok()?,
        }
    }
}

/// How an attempt ended.
struct Ended {
    why: String,
    live_for: Option<Duration>,
    /// Whether the next attempt need not wait.
    at_once: bool,
}

impl Ended {
    fn before_live(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            live_for: None,
            at_once: false,
        }
    }
}

async fn attempt(
    shared: &Arc<Shared>,
    target: &str,
    uri: &mut watch::Receiver<Option<String>>,
    stopping: &mut watch::Receiver<bool>,
) -> Ended {
    let config = &shared.config;
    shared.status.send_modify(|status| {
        status.become_state(HubState::Offline, format!("connecting to {target}"));
    });
    let ours = tokio::select! {
        ours = token::load_or_create(&config.token_file, target, config.timing.request_within) => ours,
        _ = stopping.changed() => return Ended::before_live("stopped"),
    };
    let ours = match ours {
        Ok(ours) => ours,
        Err(error) => return Ended::before_live(error.to_string()),
    };
    let plan = Plan {
        uri: target.to_owned(),
        database: config.database.clone(),
        token: ours.clone(),
        window_days: config.window_days,
        window_messages: config.window_messages,
        timing: config.timing.clone(),
        sink: Arc::clone(&shared.sink),
    };
    let (requests, mut events) = match connect::start(plan) {
        Ok(started) => started,
        Err(error) => return Ended::before_live(format!("no thread for a connection: {error}")),
    };
    let mut link = Link {
        greeted: false,
        live_since: None,
        syncing: false,
    };
    let why = tokio::select! {
        why = link.follow(shared, &requests, &mut events) => why,
        _ = stopping.changed() => {
            close(&requests, &mut events).await;
            "stopped".to_owned()
        }
        _ = other_uri(uri, target) => {
            close(&requests, &mut events).await;
            "the hub's address changed".to_owned()
        }
    };
    let live_for = link.live_since.map(|since| since.elapsed());
    if link.greeted || *stopping.borrow() {
        return Ended {
            why,
            live_for,
            at_once: false,
        };
    }
    explain(shared, target, &ours, why).await
}

/// Resolves when the address is no longer `target`.
async fn other_uri(uri: &mut watch::Receiver<Option<String>>, target: &str) {
    if uri
        .wait_for(|uri| uri.as_deref() != Some(target))
        .await
        .is_err()
    {
        // The last address stands for good.
        std::future::pending::<()>().await;
    }
}

/// How far the present connection has come.
struct Link {
    greeted: bool,
    syncing: bool,
    live_since: Option<Instant>,
}

impl Link {
    /// Follows a connection to its end; the answer says why it ended.
    async fn follow(
        &mut self,
        shared: &Shared,
        requests: &mpsc::UnboundedSender<Request>,
        events: &mut mpsc::UnboundedReceiver<Event>,
    ) -> String {
        let until_met = Instant::now() + shared.config.timing.connect_within;
        loop {
            let patience = self.patience(shared, until_met);
            match timeout(patience, events.recv()).await {
                Ok(Some(Event::Ended(why))) => return why,
                Ok(Some(event)) => self.heed(shared, requests, event),
                Ok(None) => return "the connection's thread ended without a word".to_owned(),
                Err(_) if !self.greeted => {
                    return format!(
                        "no connection within {:?}",
                        shared.config.timing.connect_within
                    );
                }
                // It watches itself; this is for a thread that is stuck.
                Err(_) => return "the connection is stuck".to_owned(),
            }
        }
    }

    fn patience(&self, shared: &Shared, until_met: Instant) -> Duration {
        let timing = &shared.config.timing;
        if self.live_since.is_some() {
            timing.stall_noticed_within() + STUCK_AFTER
        } else if self.syncing {
            timing.sync_within + timing.heartbeat_every
        } else {
            until_met.saturating_duration_since(Instant::now())
        }
    }

    fn heed(&mut self, shared: &Shared, requests: &mpsc::UnboundedSender<Request>, event: Event) {
        match event {
            Event::Greeted { identity } => {
                self.greeted = true;
                shared
                    .status
                    .send_modify(|status| status.identity = Some(identity));
            }
            Event::Syncing {
                schema_version,
                module_version,
            } => {
                self.syncing = true;
                *lock(&shared.link) = Some(requests.clone());
                shared.status.send_modify(|status| {
                    status.schema_version = Some(schema_version);
                    status.module_version = Some(module_version);
                    status.become_state(HubState::Syncing, "catching up with the hub");
                });
            }
            Event::Live => {
                self.live_since = Some(Instant::now());
                tracing::info!("live");
                shared.status.send_modify(|status| {
                    status.was_fresh(std::time::Instant::now());
                    status.become_state(HubState::Live, "connected");
                });
            }
            Event::Heard { stored_to } => shared.status.send_modify(|status| {
                if status.state == HubState::Live {
                    status.was_fresh(stored_to);
                }
            }),
            Event::Alive {
                round_trip,
                hub_time,
                clock_skew_ms,
                stored_to,
            } => shared.status.send_modify(|status| {
                status.round_trip = Some(round_trip);
                status.hub_time = Some((hub_time, std::time::Instant::now()));
                status.clock_skew_ms = Some(clock_skew_ms);
                if status.state == HubState::Live {
                    status.was_fresh(stored_to);
                }
            }),
            Event::Ended(_) => {}
        }
    }
}

async fn close(
    requests: &mpsc::UnboundedSender<Request>,
    events: &mut mpsc::UnboundedReceiver<Event>,
) {
    // It may have ended already, which is as well.
    let _ = requests.send(Request::Close);
    let ended = async {
        while let Some(event) = events.recv().await {
            if matches!(event, Event::Ended(_)) {
                break;
            }
        }
    };
    if timeout(CLOSE_WITHIN, ended).await.is_err() {
        tracing::debug!("the connection did not close in time and is left");
    }
}

/// Asks the hub why it let us not in, and redeems the owner's invite where that
/// is the way in.
async fn explain(shared: &Shared, target: &str, ours: &str, why: String) -> Ended {
    let config = &shared.config;
    let within = config.timing.request_within;
    match refusal::ask(target, &config.database, ours, within).await {
        Obstacle::None => Ended::before_live(why),
        Obstacle::Other(why) => Ended::before_live(why),
        Obstacle::NotAdmitted(said) => match owner_invite(shared, target, ours).await {
            Some(Ok(())) => Ended {
                why: "became the hub's owner".to_owned(),
                live_for: None,
                at_once: true,
            },
            Some(Err(error)) => Ended::before_live(format!(
                "the hub does not admit us ({said}), and its owner's invite does not help: {error}"
            )),
            None => {
                // Who runs the hub can let this identity in.
                let who = token::identity_in(ours)
                    .map_or_else(|_| String::new(), |identity| format!(" ({identity})"));
                Ended::before_live(format!(
                    "the hub does not admit us{who}: {said}; redeem it with `spacesctl join INVITE`"
                ))
            }
        },
    }
}

/// Redeems the invite that a local hub left for its owner; none if there is none.
async fn owner_invite(shared: &Shared, target: &str, ours: &str) -> Option<Result<(), CallError>> {
    let config = &shared.config;
    let file = config.owner_invite.as_deref()?;
    let text = std::fs::read_to_string(file).ok()?;
    let redeemed = match text.parse() {
        Ok(invite) => {
            token::redeem(
                &invite,
                target,
                &config.database,
                ours,
                config.timing.request_within,
            )
            .await
        }
        Err(error) => Err(CallError::Failed(format!("{}: {error}", file.display()))),
    };
    if redeemed.is_ok() {
        tracing::info!("redeemed the owner's invite of the local hub");
    }
    Some(redeemed)
}

fn offline(shared: &Shared, ended: &Ended) {
    tracing::info!(why = ended.why, lived = ?ended.live_for, "not connected");
    shared.status.send_modify(|status| {
        if ended.live_for.is_some() {
            status.reconnects += 1;
        }
        status.last_error = Some(ended.why.clone());
        status.round_trip = None;
        status.become_state(HubState::Offline, ended.why.clone());
    });
}

/// Waits, unless somebody wants an attempt at once, or the cache was begun anew:
/// until it is filled nothing can be read.
async fn pause(
    shared: &Shared,
    wait: Duration,
    started: Instant,
    uri: &mut watch::Receiver<Option<String>>,
    rebuilds: &mut watch::Receiver<u64>,
    stopping: &mut watch::Receiver<bool>,
) {
    let until = Instant::now() + wait;
    let asked = async {
        tokio::select! {
            () = shared.try_now.notified() => {}
            Ok(()) = rebuilds.changed() => {}
        }
        sleep_until(started + shared.config.timing.retry_spacing).await;
    };
    tokio::select! {
        () = sleep_until(until) => {}
        () = asked => {}
        Ok(()) = uri.changed() => {}
        _ = stopping.changed() => {}
    }
}
