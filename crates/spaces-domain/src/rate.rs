//! The token bucket that bounds a sender's calls.

/// Thousandths of a call, so that slow rates refill smoothly.
const MILLI: u64 = 1_000;

/// What a sender has left at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub millitokens: u64,
    /// Microseconds since the Unix epoch.
    pub at_micros: i64,
}

impl Bucket {
    pub const fn full(burst: u32, at_micros: i64) -> Self {
        Self {
            millitokens: burst as u64 * MILLI,
            at_micros,
        }
    }

    /// Takes one call at `now_micros`, or says after how many milliseconds one
    /// will be there. A clock that went back refills nothing.
    pub fn take(self, per_sec: u32, burst: u32, now_micros: i64) -> Result<Self, u64> {
        let per_sec = u64::from(per_sec.max(1));
        let cap = u64::from(burst.max(1)) * MILLI;
        let elapsed = u64::try_from(now_micros.saturating_sub(self.at_micros)).unwrap_or(0);
        // per_sec calls per second are per_sec thousandths per millisecond.
        let refill = elapsed.saturating_mul(per_sec) / 1_000;
        let available = self.millitokens.saturating_add(refill).min(cap);
        match available.checked_sub(MILLI) {
            Some(millitokens) => Ok(Self {
                millitokens,
                at_micros: now_micros,
            }),
            None => Err((MILLI - available).div_ceil(per_sec)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_then_the_sustained_rate() {
        let mut bucket = Bucket::full(3, 0);
        for _ in 0..3 {
            bucket = bucket.take(20, 3, 0).unwrap();
        }
        assert_eq!(bucket.take(20, 3, 0), Err(50));
        assert!(bucket.take(20, 3, 49_000).is_err());
        assert!(bucket.take(20, 3, 50_000).is_ok());
    }

    #[test]
    fn a_clock_set_back_gives_nothing() {
        let bucket = Bucket {
            millitokens: 0,
            at_micros: 1_000_000,
        };
        assert!(bucket.take(20, 200, 0).is_err());
    }

    proptest! {
        #[test]
        fn waiting_the_stated_time_suffices(
            millitokens in 0u64..1_000, per_sec in 1u32..1_000, burst in 1u32..1_000, now in 0i64..1 << 50,
        ) {
            let bucket = Bucket { millitokens, at_micros: now };
            if let Err(wait) = bucket.take(per_sec, burst, now) {
                prop_assert!(bucket.take(per_sec, burst, now + wait as i64 * 1_000).is_ok());
            }
        }
    }
}
