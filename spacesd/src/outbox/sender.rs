//! Takes what is queued to the hub, in order, and writes down how each ended.
//!
//! **Order.** The hub carries out the calls of one connection one after the
//! other. What could turn them round is a refusal for rate: the refused call
//! goes again, later ones may have passed, perhaps copies that a dead connection
//! delivers late. So each call names the one before it in its lane (see
//! [`super::order`]) while that one is not confirmed, and the hub refuses what
//! comes before what it names. Guaranteed, whatever the limits of the hub:
//! order per sender and channel.
//!
//! Refusals cost time, so calls are pipelined only on credit, that is as long
//! as the hub's token bucket most likely has a token for each (see
//! [`super::pace`]); beyond that, one call per lane is under way at a time, and
//! nothing overtakes a call that waits in its lane.
//!
//! **Exactly once.** A call without an answer goes again with the same key, and
//! all that were under way with it, in order, over the next connection.
//!
//! **Refusals.** `rate_limited` waits as long as the hub says, `out_of_order`
//! for the call before. `internal` is tried three times, and `not_found` once
//! more where the call is made for a session, whose start may come behind it.
//! Anything else rejects the item for good, with the hub's reason; unless an
//! earlier call that it may depend on is still waiting, then it goes again after
//! that one. What depends on a rejected item (the messages of a session that
//! could not be started) is sent all the same: the hub decides on each, and each
//! has its own receipt.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use uuid::Uuid;

use super::order::{Blocked, Lanes};
use super::pace::{Credit, UNNAMED_WAIT};
use super::{End, Outbox, Pace, Pending};
use crate::operation::{Call, Outcome, Refusal};

/// Most calls under way at once.
const WINDOW: usize = 256;
/// Queued items looked at for one that need not wait.
const LOOK_AHEAD: usize = 512;
/// How often old items are looked for.
const EXPIRY: Duration = Duration::from_secs(60);
/// How long the end waits for answers that are under way.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Tries of a call on which the hub fails without a fault of the call.
const TRIES: u32 = 3;

/// The way to the hub.
pub trait Link: Clone + Send + Sync + 'static {
    /// Carries out a call, and refuses it as `out_of_order` unless the one under
    /// the key `after` was carried out. The request is handed over when the future is first
    /// polled, so calls leave in the order in which that happens. Always ends:
    /// with [`Outcome::Unknown`] if the connection does first.
    fn call(&self, call: Call, after: Option<Uuid>) -> impl Future<Output = Outcome> + Send;

    /// Whether calls can be made now.
    fn live(&self) -> watch::Receiver<bool>;

    /// Something waits: do not sleep on a lost connection.
    fn reconnect(&self);

    /// What the hub takes without a refusal.
    fn pace(&self) -> Pace {
        Pace::default()
    }
}

/// Sends until `shutdown`; then waits a moment for answers under way.
pub async fn run(outbox: Outbox, link: impl Link, shutdown: impl Future<Output = ()>) {
    let mut sender = Sender::new(outbox, link);
    tokio::select! {
        () = sender.work() => {}
        () = shutdown => {}
    }
    // What is not answered in time goes again after the next start.
    let _ = timeout(LAST_ANSWERS, sender.await_answers()).await;
}

struct Sender<L> {
    outbox: Outbox,
    link: L,
    credit: Credit,
    /// Under way, in the order of sending.
    under_way: VecDeque<UnderWay>,
    answers: JoinSet<(i64, Outcome)>,
    /// Taken from the queue, not under way, by their places.
    waiting: BTreeMap<i64, Waiting>,
    /// All queued items up to this place are waiting or under way.
    taken_to: i64,
    /// The last place that was sent.
    last_sent: i64,
    /// When the first of those that wait for a time may go.
    wake_at: Option<Instant>,
    /// The connection ended under a call.
    broken: bool,
}

struct Waiting {
    pending: Pending,
    lanes: Lanes,
    not_before: Option<Instant>,
    failures: u32,
}

struct UnderWay {
    place: i64,
    item: Waiting,
    on_credit: bool,
    outcome: Option<Outcome>,
}

impl<L: Link> Sender<L> {
    fn new(outbox: Outbox, link: L) -> Self {
        Self {
            credit: Credit::new(link.pace()),
            outbox,
            link,
            under_way: VecDeque::new(),
            answers: JoinSet::new(),
            waiting: BTreeMap::new(),
            taken_to: i64::MIN,
            last_sent: 0,
            wake_at: None,
            broken: false,
        }
    }

    /// Until the link is gone for good.
    async fn work(&mut self) {
        let mut live = self.link.live();
        while self.wait_until_live(&mut live).await {
            if !self.outbox.sending_begins().await {
                tracing::warn!("the outbox cannot note that sending begins; sending all the same");
            }
            self.send_while_live(&mut live).await;
            self.start_over();
            self.outbox.sending_pauses(self.last_sent).await;
        }
    }

    /// False if the link is gone.
    async fn wait_until_live(&mut self, live: &mut watch::Receiver<bool>) -> bool {
        let mut arrivals = self.outbox.arrivals();
        let mut expiry = every(EXPIRY);
        loop {
            tokio::select! {
                found = async { live.wait_for(|live| *live).await.is_ok() } => {
                    // What is too old by now is not sent any more.
                    self.outbox.expire(|_| false);
                    return found;
                }
                _ = expiry.tick() => self.outbox.expire(|_| false),
                Ok(()) = arrivals.changed() => self.link.reconnect(),
            }
        }
    }

    /// Until the connection ended and every call under way has come back.
    async fn send_while_live(&mut self, live: &mut watch::Receiver<bool>) {
        let mut arrivals = self.outbox.arrivals();
        let mut expiry = every(EXPIRY);
        self.broken = false;
        loop {
            self.take_answers();
            self.broken |= !*live.borrow_and_update();
            if self.broken && self.under_way.is_empty() {
                return;
            }
            if !self.broken {
                self.send_what_may_go().await;
            }
            if self
                .under_way
                .front()
                .is_some_and(|front| front.outcome.is_some())
            {
                continue;
            }
            let wake = self.wake_at;
            tokio::select! {
                Some(answer) = self.answers.join_next() => self.note(answer),
                Ok(()) = arrivals.changed(), if !self.broken => {}
                changed = live.changed(), if !self.broken => self.broken |= changed.is_err(),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() && !self.broken => {}
                _ = expiry.tick() => self.expire(),
            }
        }
    }

    /// Sends every item that has room and nothing to wait for.
    async fn send_what_may_go(&mut self) {
        self.look_ahead();
        for (place, on_credit) in self.choose() {
            if let Some(item) = self.waiting.remove(&place)
                && self.outbox.begin_attempt(item.pending.call.client_key)
            {
                self.send(place, item, on_credit).await;
            }
        }
    }

    /// Takes items from the queue.
    fn look_ahead(&mut self) {
        let room = LOOK_AHEAD.saturating_sub(self.waiting.len());
        if room == 0 {
            return;
        }
        for pending in self.outbox.queued_after(self.taken_to, room) {
            self.taken_to = pending.order;
            self.waiting.insert(
                pending.order,
                Waiting {
                    lanes: Lanes::of(&pending.call),
                    pending,
                    not_before: None,
                    failures: 0,
                },
            );
        }
    }

    /// The places that may be sent now, in order, each with whether it goes on
    /// credit.
    fn choose(&mut self) -> Vec<(i64, bool)> {
        let now = Instant::now();
        let mut chosen = Vec::new();
        let mut room = WINDOW.saturating_sub(self.under_way.len());
        let beyond_credit = self.under_way.iter().any(|call| !call.on_credit);
        let under_way = self.under_way.len();
        let mut credit = self.credit.available(now, under_way, beyond_credit);
        let mut blocked = Blocked::default();
        // A call that may yet be refused for its rate is not to be overtaken.
        for call in self
            .under_way
            .iter()
            .filter(|call| credit == 0 || !call.on_credit)
        {
            blocked.by(&call.item.lanes);
        }
        let mut ahead: Vec<&Lanes> = Vec::new();
        let mut wake_at = None;
        for (place, item) in &self.waiting {
            if room == 0 {
                break;
            }
            let early = item.not_before.is_some_and(|at| at > now);
            if early {
                wake_at = wake_at.into_iter().chain(item.not_before).min();
            }
            if early || blocked.stops(&item.lanes) {
                blocked.by(&item.lanes);
                continue;
            }
            let on_credit = credit > 0;
            chosen.push((*place, on_credit));
            room -= 1;
            if on_credit {
                self.credit.spend();
                credit -= 1;
                ahead.push(&item.lanes);
                if credit == 0 {
                    // From here on nothing follows what is under way.
                    for lanes in self.under_way.iter().map(|call| &call.item.lanes) {
                        blocked.by(lanes);
                    }
                    ahead.drain(..).for_each(|lanes| blocked.by(lanes));
                }
            } else {
                blocked.by(&item.lanes);
            }
        }
        self.wake_at = wake_at;
        chosen
    }

    async fn send(&mut self, place: i64, item: Waiting, on_credit: bool) {
        let link = self.link.clone();
        let call = Call::clone(&item.pending.call);
        let after = self.unconfirmed_before(place, &item.lanes);
        let mut answer = Box::pin(async move { link.call(call, after).await });
        // Polled here, in order: this is what hands the request over.
        let outcome = poll_fn(|context| {
            Poll::Ready(match answer.as_mut().poll(context) {
                Poll::Ready(outcome) => Some(outcome),
                Poll::Pending => None,
            })
        })
        .await;
        if outcome.is_none() {
            self.answers.spawn(async move { (place, answer.await) });
        }
        self.last_sent = self.last_sent.max(place);
        self.under_way.push_back(UnderWay {
            place,
            item,
            on_credit,
            outcome,
        });
    }

    /// The last call under way that one at this place comes after. Later ones
    /// may be under way too, where this one goes again.
    fn unconfirmed_before(&self, place: i64, lanes: &Lanes) -> Option<Uuid> {
        self.under_way
            .iter()
            .filter(|call| call.place < place && lanes.same_row(&call.item.lanes))
            .max_by_key(|call| call.place)
            .map(|earlier| earlier.item.pending.call.client_key)
    }

    fn note(&mut self, answer: Result<(i64, Outcome), tokio::task::JoinError>) {
        match answer {
            Ok((place, outcome)) => {
                if let Some(call) = self.under_way.iter_mut().find(|call| call.place == place) {
                    call.outcome = Some(outcome);
                }
            }
            Err(error) => {
                // Whose answer it was is not known: none under way is certain.
                tracing::error!(%error, "a call to the hub ended without an answer");
                self.broken = true;
                self.answers.abort_all();
                for call in &mut self.under_way {
                    call.outcome.get_or_insert(Outcome::Unknown);
                }
            }
        }
    }

    /// Takes the answers that are there, in the order of sending: whether a
    /// refusal is final depends on what became of the calls before.
    fn take_answers(&mut self) {
        while let Some(outcome) = self
            .under_way
            .front_mut()
            .and_then(|call| call.outcome.take())
        {
            let Some(call) = self.under_way.pop_front() else {
                return;
            };
            let key = call.item.pending.call.client_key;
            match outcome {
                Outcome::Committed => self.outbox.settle(key, End::Sent),
                Outcome::Unknown => {
                    self.broken = true;
                    let why = "the connection ended before the hub answered";
                    self.outbox.attempt_failed(key, why, true);
                }
                Outcome::Refused(refusal) => self.refused(call, &refusal),
            }
        }
    }

    fn refused(&mut self, call: UnderWay, refusal: &Refusal) {
        let UnderWay {
            place,
            mut item,
            on_credit,
            ..
        } = call;
        let key = item.pending.call.client_key;
        let text = format!("{}: {}", refusal.kind, refusal.message);
        let wait = match refusal.kind.as_str() {
            "rate_limited" => {
                self.credit.refused(on_credit);
                Some(
                    refusal
                        .retry_after_ms
                        .map_or(UNNAMED_WAIT, Duration::from_millis),
                )
            }
            // The start of its session may be queued a moment later: it came by
            // another connection, or lies in the spool.
            "not_found" if item.pending.call.session.is_some() && item.failures == 0 => {
                item.failures = 1;
                Some(UNNAMED_WAIT)
            }
            "internal" if item.failures + 1 < TRIES => {
                item.failures += 1;
                Some(UNNAMED_WAIT * item.failures)
            }
            // What it named is settled or waits by now; both let it go again.
            "out_of_order" => Some(Duration::ZERO),
            _ if self.depends_on_waiting(place, &item.lanes) => Some(Duration::ZERO),
            _ => None,
        };
        match wait {
            Some(wait) => {
                self.outbox.attempt_failed(key, &text, false);
                item.not_before = Some(Instant::now() + wait);
                self.waiting.insert(place, item);
            }
            None => self.outbox.settle(key, End::Rejected(text)),
        }
    }

    /// Does an earlier call in the same lane still wait?
    fn depends_on_waiting(&self, place: i64, lanes: &Lanes) -> bool {
        self.waiting
            .range(..place)
            .any(|(_, earlier)| lanes.follow(&earlier.lanes))
    }

    fn expire(&self) {
        let under_way: std::collections::HashSet<Uuid> = self
            .under_way
            .iter()
            .map(|call| call.item.pending.call.client_key)
            .collect();
        self.outbox.expire(|key| under_way.contains(&key));
    }

    /// The next connection begins with the first item that is still queued.
    fn start_over(&mut self) {
        self.waiting.clear();
        self.wake_at = None;
        self.taken_to = i64::MIN;
    }

    async fn await_answers(&mut self) {
        self.take_answers();
        while !self.under_way.is_empty() {
            match self.answers.join_next().await {
                Some(answer) => self.note(answer),
                None => return,
            }
            self.take_answers();
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
