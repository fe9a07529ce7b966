//! Whether the hub still answers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The questions that wait for an answer, by number: they are asked in order,
/// so the first is the oldest.
#[derive(Default)]
pub(super) struct Unanswered {
    asked: BTreeMap<u64, Instant>,
    next: u64,
}

impl Unanswered {
    pub(super) fn ask(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.asked.insert(number, Instant::now());
        number
    }

    /// How long the answer took, if it was waited for.
    pub(super) fn answer(&mut self, number: u64) -> Option<Duration> {
        self.asked.remove(&number).map(|at| at.elapsed())
    }

    /// How long the oldest question has waited.
    pub(super) fn longest_wait(&self) -> Option<Duration> {
        self.asked.first_key_value().map(|(_, at)| at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_counts() {
        let mut unanswered = Unanswered::default();
        assert_eq!(unanswered.longest_wait(), None);
        let first = unanswered.ask();
        let second = unanswered.ask();
        let both = unanswered.longest_wait().unwrap();
        assert!(unanswered.answer(first).unwrap() >= both);
        assert!(unanswered.answer(first).is_none());
        assert!(unanswered.longest_wait().is_some());
        unanswered.answer(second);
        assert_eq!(unanswered.longest_wait(), None);
    }
}
