//! Going through keys of unknown density in bounded steps.
//!
//! The engine reads the whole of an index range before it hands out the first
//! row, however few are taken. So whoever deletes old rows of a large table asks
//! for one narrow range of keys after the other, and lets what was found decide
//! how narrow.

use std::ops::Range;

/// How far the keys are done, and how many to look at next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// All keys below were looked at.
    pub from: u64,
    pub width: u64,
}

impl Sweep {
    /// The next keys to look at, below `end`; `None` once there are none.
    pub fn range(self, end: u64) -> Option<Range<u64>> {
        let to = self.from.saturating_add(self.width.max(1)).min(end);
        (self.from < to).then_some(self.from..to)
    }

    /// Where to go on after `range`, the last answer of [`Sweep::range`], held
    /// `found` rows of which at most `most` could be dealt with.
    pub fn after(self, range: &Range<u64>, found: usize, most: usize) -> Self {
        if found > most {
            return Self {
                from: range.start,
                width: (self.width / 2).max(1),
            };
        }
        // A range cut off by the end says little about the density.
        let whole = range.end - range.start >= self.width;
        let sparse = whole && found <= most / 4;
        Self {
            from: range.end,
            width: if sparse {
                self.width.saturating_mul(2).max(1)
            } else {
                self.width
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Deletes all keys below `end`, at most `most` at a step; the number of
    /// steps and the most keys that one step read.
    fn run(keys: &mut BTreeSet<u64>, mut sweep: Sweep, end: u64, most: usize) -> (usize, usize) {
        let (mut steps, mut widest) = (0, 0);
        while let Some(range) = sweep.range(end) {
            let found: Vec<u64> = keys.range(range.clone()).copied().collect();
            found.iter().take(most).for_each(|key| {
                keys.remove(key);
            });
            sweep = sweep.after(&range, found.len(), most);
            steps += 1;
            widest = widest.max(found.len());
        }
        (steps, widest)
    }

    #[test]
    fn a_dense_backlog_is_read_in_small_parts() {
        let mut keys: BTreeSet<u64> = (0..100_000).map(|n| 5_000 + n * 10).collect();
        let begin = Sweep { from: 0, width: 1 };
        let (steps, widest) = run(&mut keys, begin, 10_000_000, 100);
        assert!(keys.is_empty());
        // The gap before the first key has widened the first step.
        assert!(widest <= 1_000, "a step read {widest}");
        assert!(steps < 4_000, "{steps} steps");
    }

    #[test]
    fn a_long_gap_is_crossed_in_few_steps() {
        let mut keys = BTreeSet::from([3, 1 << 50]);
        let begin = Sweep { from: 0, width: 1 };
        let (steps, _) = run(&mut keys, begin, u64::MAX, 100);
        assert!(keys.is_empty());
        assert!(steps < 80, "{steps} steps");
    }

    proptest! {
        #[test]
        fn all_below_the_end_goes_and_nothing_else(
            keys in prop::collection::btree_set(0u64..10_000, 0..300),
            end in 0u64..10_000, width in 0u64..5_000, most in 1usize..50,
        ) {
            let mut left = keys.clone();
            run(&mut left, Sweep { from: 0, width }, end, most);
            let expected: BTreeSet<u64> = keys.range(end..).copied().collect();
            prop_assert_eq!(left, expected);
        }
    }
}
