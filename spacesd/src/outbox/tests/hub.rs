//! A hub in miniature behind a [`Link`]: serial, idempotent by key, with a
//! token bucket, refusals as told, and a connection that can be cut.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use spaces_domain::rate::Bucket;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::super::Pace;
use super::super::sender::Link;
use crate::operation::{Call, Operation, Outcome, Refusal};

#[derive(Clone)]
pub struct Hub {
    state: Arc<Mutex<State>>,
    pub live: Arc<watch::Sender<bool>>,
    pace: Pace,
}

struct State {
    wire: mpsc::UnboundedSender<Arriving>,
    committed: Vec<Call>,
    keys: HashSet<Uuid>,
    /// Changes when a connection is lost to the sender.
    lost: watch::Sender<u64>,
    bucket: Option<(u32, u32, Bucket)>,
    /// How often calls with this text are still to be refused, and how.
    refusals: HashMap<String, (u32, Refusal)>,
    sessions: HashSet<String>,
    arrivals: u64,
    under_way: usize,
    most_under_way: usize,
    refused: u64,
    reconnects: u64,
    /// Cut the connection at this arrival, after doing it or not.
    cut_at: Option<(u64, bool)>,
    start: Instant,
}

struct Arriving {
    call: Call,
    after: Option<Uuid>,
    answer: oneshot::Sender<Outcome>,
}

/// Credit for everything at once.
pub const UNBOUNDED: Pace = Pace {
    burst: 1_000_000,
    per_sec: 1e9,
};
/// Never any credit.
pub const NO_CREDIT: Pace = Pace {
    burst: 0,
    per_sec: 0.0,
};

impl Hub {
    pub fn offline(pace: Pace) -> Self {
        let (wire, _) = mpsc::unbounded_channel();
        Self {
            state: Arc::new(Mutex::new(State {
                wire,
                committed: Vec::new(),
                keys: HashSet::new(),
                lost: watch::Sender::new(0),
                bucket: None,
                refusals: HashMap::new(),
                sessions: HashSet::new(),
                arrivals: 0,
                under_way: 0,
                most_under_way: 0,
                refused: 0,
                reconnects: 0,
                cut_at: None,
                start: Instant::now(),
            })),
            live: Arc::new(watch::Sender::new(false)),
            pace,
        }
    }

    pub fn online(pace: Pace) -> Self {
        let hub = Self::offline(pace);
        hub.connect();
        hub
    }

    /// Begins a connection: its calls are carried out one after the other.
    pub fn connect(&self) {
        let (wire, mut arriving) = mpsc::unbounded_channel::<Arriving>();
        self.state().wire = wire;
        let hub = self.clone();
        tokio::spawn(async move {
            while let Some(Arriving {
                call,
                after,
                answer,
            }) = arriving.recv().await
            {
                // Lets calls pile up on the wire, as a network does.
                tokio::time::sleep(Duration::from_micros(200)).await;
                let Some(outcome) = hub.carry_out(call, after) else {
                    hub.live.send_replace(false);
                    hub.state().under_way = 0;
                    return;
                };
                if answer.send(outcome).is_ok() {
                    let mut state = hub.state();
                    state.under_way = state.under_way.saturating_sub(1);
                }
            }
        });
        self.live.send_replace(true);
    }

    /// None if the connection ends here.
    fn carry_out(&self, call: Call, after: Option<Uuid>) -> Option<Outcome> {
        let mut state = self.state();
        state.arrivals += 1;
        let arrival = state.arrivals;
        let cut = state.cut_at.filter(|(at, _)| *at == arrival);
        if cut.is_some_and(|(_, done)| !done) {
            return None;
        }
        let outcome = state.decide(call, after);
        if cut.is_some() { None } else { Some(outcome) }
    }

    /// The sender loses the connection; what is on the wire still arrives, beside
    /// what a new connection brings.
    pub fn set_adrift(&self) {
        self.live.send_replace(false);
        let mut state = self.state();
        state.under_way = 0;
        state.lost.send_modify(|count| *count += 1);
    }

    pub fn limit(&self, per_sec: u32, burst: u32) {
        self.state().bucket = Some((per_sec, burst, Bucket::full(burst, 0)));
    }

    /// Refuses calls with this text so many times.
    pub fn refuse(&self, text: &str, times: u32, kind: &str, retry_after_ms: Option<u64>) {
        let refusal = Refusal {
            kind: kind.into(),
            message: "as told".into(),
            retry_after_ms,
        };
        self.state().refusals.insert(text.into(), (times, refusal));
    }

    pub fn cut_at(&self, more_arrivals: u64, done: bool) {
        let mut state = self.state();
        state.cut_at = Some((state.arrivals + more_arrivals, done));
    }

    pub fn committed(&self) -> Vec<Call> {
        self.state().committed.clone()
    }

    pub fn refused(&self) -> u64 {
        self.state().refused
    }

    pub fn most_under_way(&self) -> usize {
        self.state().most_under_way
    }

    pub fn reconnects(&self) -> u64 {
        self.state().reconnects
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn decide(&mut self, call: Call, after: Option<Uuid>) -> Outcome {
        if self.keys.contains(&call.client_key) {
            return Outcome::Committed;
        }
        let early = after.filter(|key| !self.keys.contains(key));
        let early = early.map(|key| Refusal {
            kind: "out_of_order".into(),
            message: format!("{key} comes first"),
            retry_after_ms: None,
        });
        if let Some(refusal) = early.or_else(|| self.refusal(&call)) {
            self.refused += 1;
            return Outcome::Refused(refusal);
        }
        if let Operation::StartSession { id, .. } = &call.operation {
            self.sessions.insert(id.clone());
        }
        self.keys.insert(call.client_key);
        self.committed.push(call);
        Outcome::Committed
    }

    fn refusal(&mut self, call: &Call) -> Option<Refusal> {
        if let Some((per_sec, burst, bucket)) = &mut self.bucket {
            let now = i64::try_from(self.start.elapsed().as_micros()).unwrap();
            match bucket.take(*per_sec, *burst, now) {
                Ok(left) => *bucket = left,
                Err(wait) => {
                    return Some(Refusal {
                        kind: "rate_limited".into(),
                        message: "too fast".into(),
                        retry_after_ms: Some(wait),
                    });
                }
            }
        }
        if let Some((times, refusal)) = self.refusals.get_mut(&text(call))
            && *times > 0
        {
            *times -= 1;
            return Some(refusal.clone());
        }
        let unknown = call
            .session
            .as_ref()
            .filter(|id| !self.sessions.contains(*id));
        unknown.map(|id| Refusal {
            kind: "not_found".into(),
            message: format!("no session {id}"),
            retry_after_ms: None,
        })
    }
}

/// What tells a call from another in these tests.
pub fn text(call: &Call) -> String {
    match &call.operation {
        Operation::SendMessage { content, .. } => content.clone(),
        Operation::StartSession { id, .. } => format!("start {id}"),
        other => panic!("not made by these tests: {other:?}"),
    }
}

impl Link for Hub {
    fn call(&self, call: Call, after: Option<Uuid>) -> impl Future<Output = Outcome> + Send {
        let (answer, heard) = oneshot::channel();
        let mut lost = self.state().lost.subscribe();
        {
            let mut state = self.state();
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
            // On a dead wire the answer is dropped.
            let _ = state.wire.send(Arriving {
                call,
                after,
                answer,
            });
        }
        async move {
            tokio::select! {
                biased;
                Ok(()) = lost.changed() => Outcome::Unknown,
                outcome = heard => outcome.unwrap_or(Outcome::Unknown),
            }
        }
    }

    fn live(&self) -> watch::Receiver<bool> {
        self.live.subscribe()
    }

    fn reconnect(&self) {
        self.state().reconnects += 1;
        self.connect();
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
