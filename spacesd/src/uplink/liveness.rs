//! Whether the hub still answers, and when to ask it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The questions that wait for an answer, by number: they are asked in order,
/// so the first is the oldest.
#[derive(Default)]
pub(super) struct Unanswered {
    asked: BTreeMap<u64, Instant>,
    next: u64,
    answers: u64,
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
        let took = self.asked.remove(&number).map(|at| at.elapsed());
        self.answers += u64::from(took.is_some());
        took
    }

    /// How many were answered.
    pub(super) fn answers(&self) -> u64 {
        self.answers
    }

    /// When the oldest question was asked.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.asked.first_key_value().map(|(_, at)| *at)
    }
}

/// When the next heartbeat is due, and when the hub has been silent for too
/// long. It goes by the clock that it is given, and by nothing else.
pub(super) struct Watch {
    every: Duration,
    next_heartbeat: Instant,
    expected: Expected,
    /// What is expected was not expected before this moment.
    from: Instant,
    patience: Duration,
}

/// What the hub owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// The rows of a subscription; answers queue up behind them.
    Rows,
    /// An answer to each question.
    Answers,
}

impl Watch {
    /// Begins with a heartbeat at once.
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self {
            every,
            next_heartbeat: now,
            expected: Expected::Answers,
            from: now,
            patience: Duration::MAX,
        }
    }

    pub(super) fn expect_rows(&mut self, within: Duration, now: Instant) {
        (self.expected, self.from, self.patience) = (Expected::Rows, now, within);
    }

    pub(super) fn expect_answers(&mut self, within: Duration, now: Instant) {
        (self.expected, self.from, self.patience) = (Expected::Answers, now, within);
    }

    /// When to look again, while nothing else happens.
    pub(super) fn look_again_at(&self, oldest_question: Option<Instant>) -> Instant {
        let given_up = self.given_up_at(oldest_question);
        given_up.map_or(self.next_heartbeat, |at| at.min(self.next_heartbeat))
    }

    /// Whether what is expected has not come in time.
    pub(super) fn is_silent(&self, oldest_question: Option<Instant>, now: Instant) -> bool {
        self.given_up_at(oldest_question)
            .is_some_and(|at| at <= now)
    }

    /// Whether a heartbeat is due; if so, the next one is due later.
    pub(super) fn takes_heartbeat(&mut self, now: Instant) -> bool {
        let due = self.next_heartbeat <= now;
        if due {
            self.next_heartbeat = now + self.every;
        }
        due
    }

    fn given_up_at(&self, oldest_question: Option<Instant>) -> Option<Instant> {
        let since = match self.expected {
            Expected::Rows => self.from,
            // What was asked while rows were expected may be answered behind them.
            Expected::Answers => oldest_question?.max(self.from),
        };
        since.checked_add(self.patience)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_counts() {
        let mut unanswered = Unanswered::default();
        assert_eq!(unanswered.oldest(), None);
        let first = unanswered.ask();
        let second = unanswered.ask();
        let oldest = unanswered.oldest();
        assert!(unanswered.answer(first).is_some());
        assert!(unanswered.answer(first).is_none());
        assert!(unanswered.oldest() >= oldest);
        unanswered.answer(second);
        assert_eq!(unanswered.oldest(), None);
    }

    #[test]
    fn questions_behind_rows_have_their_whole_time_after_the_rows() {
        let (second, begin) = (Duration::from_secs(1), Instant::now());
        let mut watch = Watch::new(5 * second, begin);
        watch.expect_rows(120 * second, begin);
        let asked = Some(begin);
        assert!(!watch.is_silent(asked, begin + 119 * second));
        assert!(watch.is_silent(None, begin + 120 * second));
        watch.expect_answers(9 * second, begin + 60 * second);
        assert!(!watch.is_silent(asked, begin + 68 * second));
        assert!(watch.is_silent(asked, begin + 69 * second));
        assert!(!watch.is_silent(None, begin + 69 * second));
    }

    proptest! {
        /// A hub that answers each heartbeat after `answer_ms` and then, at any
        /// moment, nothing more.
        #[test]
        fn a_stall_is_noticed_within_a_heartbeat_and_an_answer(
            stalled_after_ms in 0u64..60_000,
            answer_ms in 0u64..8_999,
        ) {
            let (every, within) = (Duration::from_secs(5), Duration::from_secs(9));
            let answer = Duration::from_millis(answer_ms);
            let begin = Instant::now();
            let stalled = begin + Duration::from_millis(stalled_after_ms);
            let mut watch = Watch::new(every, begin);
            watch.expect_answers(within, begin);
            let mut asked: Vec<Instant> = Vec::new();
            let mut now = begin;
            loop {
                asked.retain(|at| *at + answer > now.min(stalled));
                let oldest = asked.first().copied();
                if watch.is_silent(oldest, now) {
                    break;
                }
                if watch.takes_heartbeat(now) {
                    asked.push(now);
                }
                let next = watch.look_again_at(asked.first().copied());
                let answered = asked.iter().map(|at| *at + answer).filter(|at| *at <= stalled);
                now = answered.chain([next]).filter(|at| *at > now).min().unwrap_or(next);
            }
            prop_assert!(now >= stalled, "given up on a hub that answers");
            prop_assert!(now - stalled <= every + within);
        }
    }
}
