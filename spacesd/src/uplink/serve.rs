//! A connection at work: it carries calls out, hands rows on, and watches that
//! the hub answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use spaces_api::Timestamp;
use spaces_bindings::procedures::{AuditHistory, ChannelHistory, HubSettingsInForce};
use spaces_bindings::{Completion, DbConnection, Procedure, Reducer};
use spacetimedb_sdk::Compression;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep_until, timeout};
use uuid::Uuid;

use super::connect::{Event, Plan, Request};
use super::history::AuditPart;
use super::inbound::{Inbound, Subscription};
use super::liveness::{Unanswered, Watch};
use super::{CallError, PastPage, call, http, lock, nodelay, refusal, rows, subscribe};
use crate::operation::{Call, HubSettings, Outcome};
use crate::row::{Batch, Identity, Known};

mod catch_up;

use catch_up::Stage;

pub(super) struct Connection {
    plan: Plan,
    hub: DbConnection,
    inbound: Inbound,
    requested: mpsc::UnboundedReceiver<Request>,
    events: mpsc::UnboundedSender<Event>,
    told: mpsc::UnboundedReceiver<Told>,
    tell: mpsc::UnboundedSender<Told>,
    unanswered: Arc<Mutex<Unanswered>>,
    answers: Arc<Mutex<Answers>>,
    stage: Stage,
    /// Who the hub says we are.
    me: Option<Identity>,
    /// The highest `seq` up to which nothing is missing once all that was
    /// handed on is on disk, as far as it has been caught up.
    seen: u64,
    /// While catching up: the message by which the hub is known again.
    known: Option<Known>,
    /// The last block of messages that is asked for.
    to_block: u64,
    /// Transactions of the hub that have arrived.
    arrived: u64,
    /// The signs of life at the last [`Event::Heard`], and when that was.
    heard: (u64, Instant),
    rebuilds: watch::Receiver<u64>,
    /// When the batches were handed on that are not yet on disk.
    unstored: VecDeque<Instant>,
    watch: Watch,
    next_sessions: Instant,
}

/// Outcomes that came with the rows which are handed on next. They are told once
/// those are in the cache: who has heard that a write is done must see it.
type Answers = Vec<(oneshot::Sender<Outcome>, Outcome)>;

/// How long a cache that cannot store holds back an outcome; then it is told all
/// the same, because it stands on the hub.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// Between two [`Event::Heard`].
const HEARD_SPACING: Duration = Duration::from_millis(200);

/// What tasks and callbacks have to say to the connection.
enum Told {
    Greeted(Identity),
    Heartbeat {
        sent: Timestamp,
        hub: Timestamp,
        round_trip: Duration,
    },
    /// The hub refuses even a heartbeat.
    Unwelcome(String),
    /// Asked beside the connection, the hub gave no answer; when it was asked, so
    /// many [`Connection::signs_of_life`] had come.
    Silent {
        arrived: u64,
    },
    Stored {
        deliveries: Vec<u64>,
        caught_up: bool,
    },
    NotStored,
}

impl Connection {
    /// Blocks until the WebSocket is open.
    pub(super) fn build(
        plan: Plan,
        requested: mpsc::UnboundedReceiver<Request>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, String> {
        let (tell, told) = mpsc::unbounded_channel();
        let greeted = tell.clone();
        let hub = DbConnection::builder()
            .with_uri(plan.uri.as_str())
            .with_database_name(&plan.database)
            .with_token(Some(&plan.token))
            .with_compression(compression(&plan.uri))
            .with_confirmed_reads(true)
            .on_connect(move |_, identity, _| {
                // Fails only when the connection has been given up.
                let _ = greeted.send(Told::Greeted(rows::identity(identity)));
            })
            .build()
            .map_err(|error| error.to_string())?;
        nodelay::send_small_writes_at_once();
        if events.is_closed() {
            return Err("given up meanwhile".to_owned());
        }
        let inbound = Inbound::default();
        inbound.listen(&hub);
        let now = Instant::now();
        let watch = Watch::new(plan.timing.heartbeat_every, now);
        let rebuilds = plan.sink.rebuilds();
        Ok(Self {
            plan,
            hub,
            inbound,
            requested,
            events,
            told,
            tell,
            unanswered: Arc::default(),
            answers: Arc::default(),
            stage: Stage::Meeting,
            me: None,
            seen: 0,
            known: None,
            to_block: 0,
            arrived: 0,
            heard: (0, now),
            rebuilds,
            unstored: VecDeque::new(),
            watch,
            next_sessions: now,
        })
    }

    /// Drives the connection until it ends; the error says why it did.
    pub(super) async fn serve(mut self) -> Result<(), String> {
        let mut closing = false;
        loop {
            let look_again_at = self.look_again_at();
            tokio::select! {
                biased;
                request = self.requested.recv(), if !closing => match request {
                    Some(Request::Call { call, after, answer }) => self.call(*call, after, answer),
                    Some(Request::Page { channel_id, before_ordinal, limit, answer }) => {
                        self.page(ChannelHistory { channel_id, before_ordinal, limit }, answer);
                    }
                    Some(Request::Audit { server_id, before_ordinal, answer }) => {
                        let limit = spaces_domain::limits::HISTORY_PAGE;
                        self.audit(AuditHistory { server_id, before_ordinal, limit }, answer);
                    }
                    Some(Request::Settings { answer }) => self.settings(answer),
                    Some(Request::Close) | None => {
                        closing = true;
                        self.hub.disconnect().map_err(|error| error.to_string())?;
                    }
                },
                Some(told) = self.told.recv() => self.heed(told)?,
                Ok(()) = self.rebuilds.changed() => {
                    return Err("the cache was begun anew and is filled again".to_owned());
                }
                // Cancel-safe: it awaits only the arrival of a message, and
                // handles one without a further await.
                advanced = self.hub.advance_one_message_async() => match advanced {
                    Ok(()) => self.hand_on().await?,
                    Err(_) if closing => return Ok(()),
                    Err(spacetimedb_sdk::Error::Disconnected) => {
                        return Err("the hub closed the connection".to_owned());
                    }
                    Err(error) => return Err(error.to_string()),
                },
                () = sleep_until(look_again_at.unwrap_or_else(Instant::now).into()),
                    if look_again_at.is_some() => self.check()?,
            }
        }
    }

    /// Hands a call to the SDK at once, so that order is kept.
    fn call(&self, call: Call, after: Option<Uuid>, answer: oneshot::Sender<Outcome>) {
        match call::reducer(call, after, &self.hub) {
            Ok(reducer) => {
                let answers = Arc::clone(&self.answers);
                self.invoke(reducer, move |_, _, completion| {
                    lock(&answers).push((answer, outcome(completion)));
                });
            }
            Err(refusal) => drop(answer.send(Outcome::Refused(refusal))),
        }
    }

    /// `done` gets the hub's clock and the time that the answer took. It is
    /// dropped if the connection ends first: then the fate is not known.
    fn invoke(
        &self,
        reducer: Reducer,
        done: impl FnOnce(Timestamp, Duration, Completion) + Send + 'static,
    ) {
        let number = lock(&self.unanswered).ask();
        let unanswered = Arc::clone(&self.unanswered);
        let queued = self.hub.calls.reducer(reducer, move |at, completion| {
            let took = lock(&unanswered).answer(number).unwrap_or_default();
            done(rows::timestamp(at), took, completion);
        });
        if let Err(error) = queued {
            tracing::debug!(%error, "a call could not be queued");
        }
    }

    fn page(&self, page: ChannelHistory, answer: oneshot::Sender<Result<PastPage, CallError>>) {
        let open = self.hub.db.channel();
        let private = !open.iter().any(|channel| channel.id == page.channel_id);
        self.ask(page, answer, move |page| {
            let message = |row: &spaces_bindings::Message| rows::message(row, private);
            allowed(page.error)?;
            Ok(PastPage {
                messages: page.messages.iter().map(message).collect(),
                more: page.next_before.is_some(),
            })
        });
    }

    fn audit(&self, page: AuditHistory, answer: oneshot::Sender<Result<AuditPart, CallError>>) {
        self.ask(page, answer, |page| {
            allowed(page.error)?;
            Ok(AuditPart {
                entries: page.entries.iter().map(rows::audit).collect(),
                before: page.next_before,
            })
        });
    }

    fn settings(&self, answer: oneshot::Sender<Result<HubSettings, CallError>>) {
        self.ask(HubSettingsInForce {}, answer, |told| {
            allowed(told.error)?;
            Ok(told.settings.map(rows::hub_settings).unwrap_or_default())
        });
    }

    /// Asks the hub for what is not subscribed to.
    fn ask<P: Procedure, T: Send + 'static>(
        &self,
        asked: P,
        answer: oneshot::Sender<Result<T, CallError>>,
        read: impl FnOnce(P::Output) -> Result<T, CallError> + Send + 'static,
    ) {
        let number = lock(&self.unanswered).ask();
        let unanswered = Arc::clone(&self.unanswered);
        self.hub.calls.procedure(asked, move |told| {
            lock(&unanswered).answer(number);
            let failed = |error| CallError::Failed(format!("the hub does not tell: {error}"));
            // Whoever asked may be gone.
            let _ = answer.send(told.map_err(failed).and_then(read));
        });
    }

    fn heed(&mut self, told: Told) -> Result<(), String> {
        match told {
            Told::Greeted(identity) => {
                self.me = Some(identity);
                subscribe::begin(
                    &self.hub,
                    &self.inbound,
                    Subscription::Info,
                    subscribe::info(),
                );
                self.event(Event::Greeted { identity });
            }
            Told::Heartbeat {
                sent,
                hub,
                round_trip,
            } => {
                let half = i64::try_from(round_trip.as_micros() / 2).unwrap_or(0);
                let skew = hub.as_micros() - sent.as_micros() - half;
                self.event(Event::Alive {
                    round_trip,
                    hub_time: hub,
                    clock_skew_ms: skew / 1000,
                    stored_to: self.stored_to(Instant::now()),
                });
            }
            Told::Unwelcome(why) => return Err(why),
            Told::Silent { arrived } => {
                let waits = matches!(self.stage, Stage::CatchingUp { .. });
                if waits && arrived == self.signs_of_life() {
                    return Err(silence(self.plan.timing.answer_within));
                }
            }
            Told::Stored {
                deliveries,
                caught_up,
            } => {
                // Batches reach the disk in the order in which they were handed on.
                self.unstored.pop_front();
                if caught_up {
                    self.event(Event::Live);
                }
                for ids in deliveries.chunks(spaces_domain::limits::ACK_IDS) {
                    self.invoke(call::acknowledge(ids.to_vec()), |_, _, completion| {
                        if let Err(refusal) = answered(completion) {
                            // They stay in the inbox and come again.
                            tracing::warn!(kind = refusal.kind, "deliveries were not acknowledged");
                        }
                    });
                }
            }
            Told::NotStored => {
                return Err(
                    "the cache could not store what the hub sent; see its own report".to_owned(),
                );
            }
        }
        Ok(())
    }

    /// Hands the rows of one transaction to the sink, and takes the next step
    /// of synchronizing when those of a subscription are all here.
    async fn hand_on(&mut self) -> Result<(), String> {
        let mut gathered = self.inbound.take();
        self.arrived += u64::from(!gathered.is_empty());
        if let Some(why) = gathered.refused {
            return Err(format!("the hub refused a subscription: {why}"));
        }
        if gathered.met || gathered.applied.contains(&Subscription::Info) {
            self.meet().await?;
        }
        self.seen = self.seen.max(gathered.highest_seq.unwrap_or(0));
        let now_caught_up = self.next_step(&mut gathered);
        if now_caught_up {
            self.compare(&gathered)?;
        }
        let caught_up = matches!(self.stage, Stage::CaughtUp);
        if now_caught_up || (caught_up && gathered.block_moved) {
            self.follow_blocks();
        }
        let news = now_caught_up || gathered.highest_seq.is_some();
        let batch = Batch {
            changes: gathered.changes,
            snapshot_of: match gathered.applied.contains(&Subscription::State) {
                true => subscribe::snapshot(),
                false => Vec::new(),
            },
            synced_to: (caught_up && news).then_some(self.seen),
        };
        let answers = std::mem::take(&mut *lock(&self.answers));
        if now_caught_up || !batch.changes.is_empty() || !batch.snapshot_of.is_empty() {
            self.store(batch, gathered.deliveries, now_caught_up, answers);
        } else {
            give(answers);
        }
        self.tell_heard();
        Ok(())
    }

    /// Tells of a sign of life, which a busy hub gives by the thousand.
    fn tell_heard(&mut self) {
        let (signs, now) = (self.signs_of_life(), Instant::now());
        if signs > self.heard.0 && now >= self.heard.1 + HEARD_SPACING {
            self.event(Event::Heard {
                stored_to: self.stored_to(now),
            });
            self.heard.1 = now;
        }
        // One that is not told of is made good by the next, a heartbeat's at the
        // latest; told later it would seem younger than it is.
        self.heard.0 = signs;
    }

    /// When what is stored equalled what the hub holds, if something comes now.
    fn stored_to(&self, now: Instant) -> Instant {
        self.unstored.front().copied().unwrap_or(now)
    }

    /// Gives a batch to the sink and hears back when it is on disk.
    fn store(&mut self, batch: Batch, deliveries: Vec<u64>, caught_up: bool, answers: Answers) {
        self.unstored.push_back(Instant::now());
        let mut stored = self.plan.sink.apply(batch);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let in_time = match answers.is_empty() {
                true => None,
                false => timeout(SHOWN_WITHIN, &mut stored).await.ok(),
            };
            give(answers);
            let stored = match in_time {
                Some(stored) => stored,
                None => stored.await,
            };
            let told = match stored {
                Ok(()) => Told::Stored {
                    deliveries,
                    caught_up,
                },
                Err(_) => Told::NotStored,
            };
            // The connection may have ended meanwhile.
            let _ = tell.send(told);
        });
    }

    /// When to [`Self::check`] next; before the greeting the supervisor watches.
    fn look_again_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Meeting => None,
            Stage::CatchingUp { .. } | Stage::CaughtUp => {
                Some(self.watch.look_again_at(lock(&self.unanswered).oldest()))
            }
        }
    }

    /// Sends the heartbeat that is due, and ends a link that is silent.
    fn check(&mut self) -> Result<(), String> {
        let now = Instant::now();
        let catching_up = matches!(self.stage, Stage::CatchingUp { .. });
        let oldest = lock(&self.unanswered).oldest();
        if self.watch.is_silent(oldest, now) {
            let timing = &self.plan.timing;
            return Err(match catching_up {
                true => format!(
                    "the hub did not send its rows within {:?}",
                    timing.sync_within
                ),
                false => silence(timing.answer_within),
            });
        }
        if !self.watch.takes_heartbeat(now) {
            return Ok(());
        }
        if catching_up {
            self.ask_beside();
        }
        let mut sessions = Vec::new();
        if now >= self.next_sessions {
            self.next_sessions = now + self.plan.timing.sessions_every;
            sessions = self.plan.sink.open_sessions();
        }
        let (first, rest) = sessions.split_at(
            sessions
                .len()
                .min(spaces_domain::limits::HEARTBEAT_SESSIONS),
        );
        self.heartbeat(first.to_vec());
        for more in rest.chunks(spaces_domain::limits::HEARTBEAT_SESSIONS) {
            self.heartbeat(more.to_vec());
        }
        Ok(())
    }

    /// What has come from the hub. The SDK counts what goes out as an advance too.
    fn signs_of_life(&self) -> u64 {
        self.arrived + lock(&self.unanswered).answers()
    }

    /// While rows come, answers queue up behind them, so that silence says
    /// nothing. A request of its own tells a slow line from a dead one.
    fn ask_beside(&self) {
        let (uri, within) = (self.plan.uri.clone(), self.plan.timing.answer_within);
        let (tell, arrived) = (self.tell.clone(), self.signs_of_life());
        tokio::spawn(async move {
            // Whatever comes back is a sign of life; the connection itself tells
            // of an address where nobody listens any more.
            let answer = timeout(within, http::get(&uri, "/v1/ping", 2 * within)).await;
            if answer.is_err() {
                // The connection may have ended meanwhile.
                let _ = tell.send(Told::Silent { arrived });
            }
        });
    }

    fn heartbeat(&self, sessions: Vec<String>) {
        let (tell, sent) = (self.tell.clone(), Timestamp::now());
        self.invoke(
            call::heartbeat(sessions),
            move |hub, round_trip, completion| {
                let told = match answered(completion) {
                    Err(refusal) if matches!(refusal.kind.as_str(), "not_admitted" | "banned") => {
                        Told::Unwelcome(refusal.message)
                    }
                    _ => Told::Heartbeat {
                        sent,
                        hub,
                        round_trip,
                    },
                };
                // The connection may be ending.
                let _ = tell.send(told);
            },
        );
    }

    fn event(&self, event: Event) {
        // Nobody listens once the connection has been given up; it then ends
        // because its requests end.
        let _ = self.events.send(event);
    }
}

/// The error that a procedure's answer may hold.
fn allowed(error: Option<String>) -> Result<(), CallError> {
    match error {
        Some(text) => Err(CallError::Refused(refusal::of_text(&text))),
        None => Ok(()),
    }
}

fn silence(within: Duration) -> String {
    format!("the hub has not answered for {within:?}")
}

/// Near by, compression costs more than it saves.
fn compression(uri: &str) -> Compression {
    let near = ["//127.", "//localhost", "//[::1]"];
    match near.iter().any(|host| uri.contains(host)) {
        true => Compression::None,
        false => Compression::Gzip,
    }
}

/// Whoever asked may be gone; what was done stands all the same.
fn give(answers: Answers) {
    for (answer, outcome) in answers {
        let _ = answer.send(outcome);
    }
}

fn outcome(completion: Completion) -> Outcome {
    match answered(completion) {
        Ok(()) => Outcome::Committed,
        Err(refusal) => Outcome::Refused(refusal),
    }
}

fn answered(completion: Completion) -> Result<(), crate::operation::Refusal> {
    match completion {
        Ok(Ok(())) => Ok(()),
        Ok(Err(text)) => Err(refusal::of_text(&text)),
        // A panic of the module or arguments that it cannot read: it rolled
        // back, and would again.
        Err(error) => Err(refusal::of_text(&error.to_string())),
    }
}
