//! The measured thing and its reference, taken in turns.

use std::time::{Duration, Instant};

use crate::samples::Samples;

/// Rounds that are made and thrown away first: connections open, caches fill.
const WARM_UP: usize = 5;

/// What is measured and what it is measured against, in one run.
#[derive(Debug, Default)]
pub struct Pair {
    pub value: Samples,
    pub reference: Samples,
}

impl Pair {
    /// Takes a sample of each in every round, so that a drift of the machine
    /// hits both alike. Which goes first changes from round to round, so that
    /// what one leaves behind hits the other as often.
    pub fn in_turns(
        rounds: usize,
        mut value: impl FnMut() -> Duration,
        mut reference: impl FnMut() -> Duration,
    ) -> Self {
        let mut pair = Self::default();
        for round in 0..rounds + WARM_UP {
            let (value, reference) = if round % 2 == 0 {
                let value = value();
                (value, reference())
            } else {
                let reference = reference();
                (value(), reference)
            };
            if round >= WARM_UP {
                pair.value.push(value);
                pair.reference.push(reference);
            }
        }
        pair
    }
}

/// How long this takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    std::hint::black_box(work());
    begun.elapsed()
}
