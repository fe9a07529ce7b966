//! What is no longer up to date. An event makes parts stale; each stale part is
//! read once, not more often than every [`PAUSE`], however many events come.

use std::time::{Duration, Instant};

/// A part of what is shown that is read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Status,
    Inbox,
    Channels,
    Conversations,
    Sessions,
    Claims,
    /// The newest messages of what is open.
    Page,
}

/// Time between two reads of a part: quicker is not seen.
const PAUSE: Duration = Duration::from_millis(100);
/// The same after a read that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    stale: bool,
    asked: bool,
    not_before: Option<Instant>,
}

/// Which parts are stale, which were asked for.
#[derive(Clone, Debug, Default)]
pub struct Refresh {
    parts: [Progress; Part::ALL.len()],
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::Inbox,
        Self::Channels,
        Self::Conversations,
        Self::Sessions,
        Self::Claims,
        Self::Page,
    ];
}

impl Refresh {
    /// These parts are to be read again.
    pub fn stale(&mut self, parts: &[Part]) {
        for part in parts {
            self.parts[*part as usize].stale = true;
        }
    }

    /// Everything is to be read again at once: the daemon is another one.
    pub fn all(&mut self) {
        for progress in &mut self.parts {
            progress.stale = true;
            progress.not_before = None;
        }
    }

    /// Those of these parts that are to be asked for now; they count as asked for.
    pub fn take_due(&mut self, among: &[Part], now: Instant) -> Vec<Part> {
        let due: Vec<_> = among
            .iter()
            .copied()
            .filter(|part| self.parts[*part as usize].is_due(now))
            .collect();
        for part in &due {
            self.parts[*part as usize] = Progress {
                stale: false,
                asked: true,
                not_before: Some(now + PAUSE),
            };
        }
        due
    }

    /// A part was read, or could not be: then it stays stale.
    pub fn answered(&mut self, part: Part, well: bool, now: Instant) {
        let progress = &mut self.parts[part as usize];
        progress.asked = false;
        if !well {
            progress.stale = true;
            progress.not_before = Some(now + PAUSE_AFTER_FAILURE);
        }
    }

    /// How long until a part is due, if one will be.
    pub fn next_due(&self, now: Instant) -> Option<Duration> {
        self.parts
            .iter()
            .filter(|progress| progress.stale && !progress.asked)
            .map(|progress| match progress.not_before {
                Some(at) => at.saturating_duration_since(now),
                None => Duration::ZERO,
            })
            .min()
    }
}

impl Progress {
    fn is_due(&self, now: Instant) -> bool {
        self.stale && !self.asked && self.not_before.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{PAUSE, PAUSE_AFTER_FAILURE, Part, Refresh};

    #[test]
    fn many_events_cost_one_read_at_a_time_and_the_last_is_not_missed() {
        let now = Instant::now();
        let mut refresh = Refresh::default();
        for _ in 0..1000 {
            refresh.stale(&[Part::Status]);
        }
        assert_eq!(refresh.take_due(&Part::ALL, now), [Part::Status]);
        refresh.stale(&[Part::Status]);
        assert_eq!(
            refresh.take_due(&Part::ALL, now + PAUSE),
            [],
            "one is on its way"
        );
        refresh.answered(Part::Status, true, now + PAUSE / 2);
        assert_eq!(refresh.next_due(now + PAUSE / 2), Some(PAUSE / 2));
        assert_eq!(refresh.take_due(&Part::ALL, now + PAUSE), [Part::Status]);
        refresh.answered(Part::Status, true, now + PAUSE);
        assert_eq!(refresh.next_due(now + PAUSE), None);
    }

    #[test]
    fn a_part_that_could_not_be_read_is_tried_again_later() {
        let now = Instant::now();
        let mut refresh = Refresh::default();
        refresh.all();
        assert_eq!(refresh.take_due(&Part::ALL, now).len(), Part::ALL.len());
        refresh.answered(Part::Page, false, now);
        assert_eq!(
            refresh.take_due(&Part::ALL, now + Duration::from_secs(1)),
            []
        );
        assert_eq!(
            refresh.take_due(&Part::ALL, now + PAUSE_AFTER_FAILURE),
            [Part::Page]
        );
    }
}
