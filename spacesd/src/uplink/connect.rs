//! One connection, from the first byte to the last, on a thread and runtime of
//! its own: building it blocks without a deadline, and the SDK may panic and
//! leave its locks poisoned. Whoever started it hears of it by events, may drop
//! it at any time, and never touches what is inside.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use spaces_bindings::{Completion, DbConnection, ModuleInfo, Reducer};
use spacetimedb_sdk::Compression;
use tokio::sync::{mpsc, oneshot};

use super::inbound::{Gathered, Inbound, Subscription};
use super::liveness::Unanswered;
use super::{Sink, Timing, call, refusal, rows, subscribe};
use crate::operation::{Call, Outcome, Refusal};
use crate::row::{Batch, Identity};

/// What is asked of a connection.
pub(super) enum Request {
    Call {
        call: Call,
        answer: oneshot::Sender<Outcome>,
    },
    Close,
}

/// What a connection tells of itself.
#[derive(Debug)]
pub(super) enum Event {
    /// The hub let us in.
    Greeted { identity: Identity },
    /// The schema fits; the rows come.
    Syncing { schema_version: u32, module_version: String },
    /// Everything that was missed is on disk.
    Live,
    /// An answer to a heartbeat.
    Alive { round_trip: Duration, clock_skew_ms: i64 },
    /// The last event, unless the thread is stuck.
    Ended(String),
}

/// What a connection needs.
pub(super) struct Plan {
    pub uri: String,
    pub database: String,
    pub token: String,
    pub window_days: u32,
    pub window_messages: u32,
    pub timing: Timing,
    pub sink: Arc<dyn Sink>,
}

/// Starts a connection. It ends when the sender of requests is dropped.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(
    plan: Plan,
) -> std::io::Result<(mpsc::UnboundedSender<Request>, mpsc::UnboundedReceiver<Event>)> {
    let (requests, requested) = mpsc::unbounded_channel();
    let (events, happened) = mpsc::unbounded_channel();
    thread::Builder::new()
        .name("uplink".to_owned())
        .spawn(move || {
            let told = events.clone();
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| run(plan, requested, events)));
            let why = match ended {
                Ok(why) => why,
                Err(panic) => format!("the SDK panicked: {}", panic_text(&*panic)),
            };
            // Nobody listens any more where the attempt was given up.
            let _ = told.send(Event::Ended(why));
        })?;
    Ok((requests, happened))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

fn run(
    plan: Plan,
    requested: mpsc::UnboundedReceiver<Request>,
    events: mpsc::UnboundedSender<Event>,
) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("uplink-io")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return format!("no runtime for the connection: {error}"),
    };
    let ended = runtime.block_on(async {
        let mut connection = Connection::build(plan, requested, events)?;
        connection.serve().await
    });
    runtime.shutdown_background();
    match ended {
        Ok(()) => "closed".to_owned(),
        Err(why) => why,
    }
}

struct Connection {
    plan: Plan,
    db: DbConnection,
    inbound: Inbound,
    requested: mpsc::UnboundedReceiver<Request>,
    events: mpsc::UnboundedSender<Event>,
    unanswered: Arc<Mutex<Unanswered>>,
    stage: Stage,
    /// What the callbacks of the SDK have to say to this thread.
    told: mpsc::UnboundedReceiver<Told>,
    tell: mpsc::UnboundedSender<Told>,
    /// While catching up: the highest `seq` that has come.
    caught_up_to: u64,
    next_heartbeat: Instant,
    next_sessions: Instant,
}

/// How far synchronizing has come.
enum Stage {
    Greeting,
    Syncing {
        /// Since when the subscription that is under way has been waited for.
        since: Instant,
        /// The parts of the window that are still to be asked for, newest first.
        slices: Vec<String>,
        received: usize,
    },
    Live,
}

enum Told {
    Greeted(Identity),
    Heartbeat { round_trip: Duration, clock_skew_ms: i64 },
    /// A batch with these deliveries is on disk.
    Stored(Vec<u64>),
    /// Everything up to the present is on disk.
    CaughtUp,
    NotStored,
}

impl Connection {
    fn build(
        plan: Plan,
        requested: mpsc::UnboundedReceiver<Request>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, String> {
        let (tell, told) = mpsc::unbounded_channel();
        let uri: http::Uri = plan
            .uri
            .parse()
            .map_err(|_| format!("`{}` is not the address of a hub", plan.uri))?;
        // On loopback compression costs more than it saves.
        let near = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let greeted = tell.clone();
        let db = DbConnection::builder()
            .with_uri(uri)
            .with_database_name(&plan.database)
            .with_token(Some(&plan.token))
            .with_compression(if near { Compression::None } else { Compression::Gzip })
            .with_confirmed_reads(true)
            .on_connect(move |_, identity, _| {
                let _ = greeted.send(Told::Greeted(rows::identity(identity)));
            })
            .build()
            .map_err(|error| error.to_string())?;
        if events.is_closed() {
            return Err("given up meanwhile".to_owned());
        }
        let inbound = Inbound::default();
        inbound.listen(&db);
        let now = Instant::now();
        Ok(Self {
            plan,
            db,
            inbound,
            requested,
            events,
            unanswered: Arc::default(),
            stage: Stage::Greeting,
            told,
            tell,
            caught_up_to: 0,
            next_heartbeat: now,
            next_sessions: now,
        })
    }

    /// Drives the connection until it ends; the error says why it did.
    async fn serve(&mut self) -> Result<(), String> {
        let mut closing = false;
        let step = (self.plan.timing.heartbeat_every / 10).max(Duration::from_millis(10));
        let mut clock = tokio::time::interval(step);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                request = self.requested.recv(), if !closing => match request {
                    Some(Request::Call { call, answer }) => self.call(call, answer),
                    Some(Request::Close) | None => {
                        closing = true;
                        self.db.disconnect().map_err(|error| error.to_string())?;
                    }
                },
                Some(told) = self.told.recv() => self.heed(told)?,
                advanced = self.db.advance_one_message_async() => {
                    self.hand_on().await?;
                    match advanced {
                        Ok(()) => {}
                        Err(_) if closing => return Ok(()),
                        Err(spacetimedb_sdk::Error::Disconnected) => return Err("the hub closed the connection".to_owned()),
                        Err(error) => return Err(error.to_string()),
                    }
                }
                _ = clock.tick() => self.check()?,
            }
        }
    }

    /// Hands a call to the SDK at once, so that order is kept.
    fn call(&mut self, call: Call, answer: oneshot::Sender<Outcome>) {
        match call::reducer(call) {
            Ok(reducer) => self.invoke(reducer, move |completion| {
                // Whoever asked may have gone; the call stands all the same.
                let _ = answer.send(outcome(completion));
            }),
            Err(refusal) => drop(answer.send(Outcome::Refused(refusal))),
        }
    }

    fn invoke(&self, reducer: Reducer, done: impl FnOnce(Completion) + Send + 'static) {
        let number = super::lock(&self.unanswered).ask();
        let unanswered = Arc::clone(&self.unanswered);
        // Sending fails only when the connection has ended, and then this
        // closure is dropped, which is the answer "fate unknown".
        let _ = self.db.calls.reducer(reducer, move |_, completion| {
            super::lock(&unanswered).answer(number);
            done(completion);
        });
    }

    /// Hands the rows of one transaction to the sink, and takes the next step
    /// of synchronizing when those of a subscription are all here.
    async fn hand_on(&mut self) -> Result<(), String> {
        let gathered = self.inbound.take();
        if let Some(why) = gathered.refused {
            return Err(format!("the hub refused a subscription: {why}"));
        }
        if gathered.applied.contains(&Subscription::Info) {
            return self.meet().await;
        }
        let finished = self.finish_slice(&gathered);
        let mut batch = Batch {
            changes: gathered.changes,
            snapshot_of: Vec::new(),
            synced_to: None,
        };
        if gathered.applied.contains(&Subscription::State) {
            batch.snapshot_of = subscribe::snapshot();
        }
        if let Some(seq) = gathered.highest_seq {
            self.caught_up_to = self.caught_up_to.max(seq);
        }
        if finished || matches!(self.stage, Stage::Live) {
            batch.synced_to = gathered.highest_seq.map(|_| self.caught_up_to);
            if finished && self.caught_up_to > 0 {
                batch.synced_to = Some(self.caught_up_to);
            }
        }
        if finished || !batch.changes.is_empty() || !batch.snapshot_of.is_empty() {
            self.store(batch, gathered.deliveries, finished);
        }
        Ok(())
    }

    /// Gives a batch to the sink and hears back when it is on disk.
    fn store(&self, batch: Batch, deliveries: Vec<u64>, caught_up: bool) {
        let stored = self.plan.sink.apply(batch);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let told = match stored.await {
                Err(_) => Told::NotStored,
                Ok(()) if caught_up => Told::CaughtUp,
                Ok(()) => Told::Stored(deliveries),
            };
            // The connection may have ended meanwhile.
            let _ = tell.send(told);
        });
    }
}
