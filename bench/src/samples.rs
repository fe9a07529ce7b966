//! Raw samples of one thing, and what is read from them.

use std::time::Duration;

/// Times of one thing, as they were measured.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub fn extend(&mut self, more: impl IntoIterator<Item = Duration>) {
        self.0.extend(more);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn p50(&self) -> Duration {
        self.at(0.50)
    }

    pub fn p95(&self) -> Duration {
        self.at(0.95)
    }

    pub fn p99(&self) -> Duration {
        self.at(0.99)
    }

    /// The sample below which this share of all lies: a sample that was
    /// measured, never a value between two.
    ///
    /// # Panics
    /// Without a single sample.
    fn at(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted[rank.saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Samples;

    fn of(millis: impl IntoIterator<Item = u64>) -> Samples {
        Samples(millis.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn percentiles_are_samples_whatever_their_order() {
        let samples = of((1..=100).rev());
        assert_eq!(samples.p50(), Duration::from_millis(50));
        assert_eq!(samples.p95(), Duration::from_millis(95));
        assert_eq!(samples.p99(), Duration::from_millis(99));
        assert_eq!(of([7]).p99(), Duration::from_millis(7));
        assert_eq!(of([1, 9]).p50(), Duration::from_millis(1));
    }
}
