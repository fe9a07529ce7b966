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
/// Calls beyond the credit may be made too. What they leave in the bucket is not
/// known before they are answered, and then no more than that it is not less
/// than empty: so the credit begins anew, with nothing, after each of them.
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

    /// How many more calls may be under way beside `under_way` of them, of which
    /// some may be `beyond_credit`. A link that stalls delivers all of them at
    /// once, so together they stay within the burst.
    pub fn available(&mut self, now: Instant, under_way: usize, beyond_credit: bool) -> usize {
        if beyond_credit {
            (self.calls, self.at) = (0.0, now);
            return 0;
        }
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
        /// arrive, in order, and whatever was tried beyond the credit, the hub's
        /// bucket has a token for each call on credit.
        #[test]
        fn the_hub_takes_every_call_made_on_credit(
            left in 0..=RATE_BURST,
            steps in prop::collection::vec((0u64..200, 0u64..3_000, any::<bool>()), 1..600)
        ) {
            let start = Instant::now();
            let mut credit = Credit::new(Pace::default());
            let mut bucket = Bucket::full(left, 0);
            let (mut now, mut arrived) = (0u64, 0u64);
            let mut under_way: Vec<(u64, bool)> = Vec::new();
            for (gap, delay, tries_more) in steps {
                now += gap;
                under_way.retain(|(at, _)| *at > now);
                let beyond = under_way.iter().any(|(_, on_credit)| !on_credit);
                let at = start + Duration::from_millis(now);
                let on_credit = credit.available(at, under_way.len(), beyond) > 0;
                if on_credit {
                    credit.spend();
                } else if !tries_more {
                    continue;
                }
                arrived = arrived.max(now + delay);
                under_way.push((arrived, on_credit));
                match bucket.take(RATE_PER_SEC, RATE_BURST, arrived as i64 * 1_000) {
                    Ok(taken) => bucket = taken,
                    Err(_) => prop_assert!(!on_credit, "refused at {arrived} ms"),
                }
            }
        }
    }
}
