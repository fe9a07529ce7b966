//! How many calls the hub will certainly take: a model of the token bucket it
//! keeps for each sender, never more generous than the bucket itself.

use std::time::Duration;

use spaces_domain::limits::{RATE_BURST, RATE_PER_SEC};
use tokio::time::Instant;

/// What the hub is trusted to take without a refusal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Calls at once, after a quiet time.
    pub burst: u32,
    /// Calls a second, for ever.
    pub per_sec: f64,
}

impl Default for Pace {
    /// Below the hub's own default limits: heartbeats, acknowledgements and
    /// administration come out of the same bucket and are not counted here.
    fn default() -> Self {
        Self {
            burst: RATE_BURST / 4 * 3,
            per_sec: f64::from(RATE_PER_SEC) * 0.9,
        }
    }
}

/// Calls that the hub will certainly take now.
///
/// Calls beyond the credit may be made too: they take nothing from it, because
/// a bucket that could serve them is not emptier than empty.
pub(super) struct Credit {
    pace: Pace,
    calls: f64,
    at: Instant,
}

impl Credit {
    /// Begins with nothing: an earlier run may have emptied the bucket.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            calls: 0.0,
            at: Instant::now(),
        }
    }

    /// How many more calls may be under way beside `under_way` of them. A link
    /// that stalls delivers all of them at once, so together they stay within
    /// the burst.
    pub fn available(&mut self, now: Instant, under_way: usize) -> usize {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.calls = (self.calls + elapsed * self.pace.per_sec).min(f64::from(self.pace.burst));
        let room = (self.pace.burst as usize).saturating_sub(under_way);
        (self.calls as usize).min(room)
    }

    pub fn spend(&mut self) {
        self.calls = (self.calls - 1.0).max(0.0);
    }

    /// The hub refused a call for its rate. If it was made on credit, the hub
    /// gives less than was believed: believe half.
    pub fn refused(&mut self, on_credit: bool) {
        self.calls = 0.0;
        if on_credit {
            self.pace.burst = (self.pace.burst / 2).max(1);
            self.pace.per_sec = (self.pace.per_sec / 2.0).max(0.5);
        }
    }
}

/// How long to wait after a refusal that names no time.
pub(super) const UNNAMED_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use spaces_domain::limits::{RATE_BURST, RATE_PER_SEC};
    use spaces_domain::rate::Bucket;
    use tokio::time::Instant;

    use super::{Credit, Pace};

    proptest! {
        /// Whatever the gaps between calls and however long each takes to
        /// arrive, in order, the hub's bucket has a token for it.
        #[test]
        fn the_hub_takes_every_call_made_on_credit(
            steps in prop::collection::vec((0u64..200, 0u64..3_000), 1..600)
        ) {
            let start = Instant::now();
            let mut credit = Credit::new(Pace::default());
            let mut bucket = Bucket::full(RATE_BURST, 0);
            let (mut now, mut arrived) = (0u64, 0u64);
            let mut under_way: Vec<u64> = Vec::new();
            for (gap, delay) in steps {
                now += gap;
                under_way.retain(|at| *at > now);
                if credit.available(start + Duration::from_millis(now), under_way.len()) == 0 {
                    continue;
                }
                credit.spend();
                arrived = arrived.max(now + delay);
                under_way.push(arrived);
                let taken = bucket.take(RATE_PER_SEC, RATE_BURST, arrived as i64 * 1_000);
                prop_assert!(taken.is_ok(), "refused at {arrived} ms");
                bucket = taken.unwrap();
            }
        }
    }
}
