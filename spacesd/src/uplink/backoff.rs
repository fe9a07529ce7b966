//! How long to wait before the next attempt.

use std::time::Duration;

/// Exponential, with full jitter: each wait is a random part of a limit that
/// doubles, so that many daemons do not return to a restarted hub at once.
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    limit: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            limit: first,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.limit = self.first;
    }

    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = self.limit.mul_f64(rand::random_range(0.0..=1.0));
        self.limit = (self.limit * 2).min(self.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_limit_and_begins_anew() {
        let (first, longest) = (Duration::from_millis(250), Duration::from_secs(30));
        let mut backoff = Backoff::new(first, longest);
        let mut bound = first;
        for _ in 0..12 {
            assert!(backoff.next_wait() <= bound);
            bound = (bound * 2).min(longest);
        }
        assert_eq!(backoff.limit, longest);
        backoff.reset();
        assert!(backoff.next_wait() <= first);
    }
}
