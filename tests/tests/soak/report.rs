//! What a soak found, in words and figures.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::gauges::{Gauge, Sample};
use crate::tally::Tally;
use crate::trend::{Allowance, Point, Trend};

/// Load that must have been there, or the rest says nothing.
const NEEDED: [&str; 10] = [
    "message.send",
    "message.edit",
    "message.search",
    "activity.list",
    "dm.send",
    "claim.acquire",
    "session.end",
    "event",
    "spooled post",
    "spacesctl hook",
];

pub struct Report {
    text: String,
    good: bool,
}

impl Report {
    pub fn of(
        samples: &[Sample],
        seconds: f64,
        tally: &Tally,
        faults: &BTreeMap<&'static str, u64>,
    ) -> Self {
        let mut report = Self {
            text: String::new(),
            good: true,
        };
        report.say(format!(
            "soak: {:.1} minutes, {} writes accepted\n\nfaults:",
            seconds / 60.0,
            tally.writes()
        ));
        for (what, count) in faults {
            report.say(format!("  {what:<24} {count}"));
        }
        let (load, unexplained) = tally.report();
        report.say(format!("\nload:\n{load}\n"));
        report.trends(samples, seconds);
        for fault in &unexplained {
            report.finds(&format!("not explained by any fault: {fault}"));
        }
        for what in NEEDED {
            if tally.good(what) == 0 {
                report.finds(&format!("nothing was done of: {what}"));
            }
        }
        report
    }

    pub fn is_good(&self) -> bool {
        self.good
    }

    /// What a daemon has left after the load, by its status.
    pub fn end_of(&mut self, name: &str, status: &Value) {
        let (outbox, spool) = (&status["outbox"], &status["spool"]);
        self.say(format!("{name}: outbox {outbox}, spool {spool}"));
        if has_something_left(status) {
            self.finds(&format!("{name} could not send everything"));
        }
        if spool["set_aside"] != 0 {
            self.finds(&format!("{name} could not take in all of its spool"));
        }
    }

    fn say(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn finds(&mut self, what: &str) {
        self.good = false;
        self.say(format!("FOUND: {what}"));
    }

    fn trends(&mut self, samples: &[Sample], seconds: f64) {
        self.say(format!(
            "{:<12} {:<10} {:>10} {:>10} {:>10} {:>10} {:>10}  flat",
            "process", "gauge", "1st half", "2nd half", "growth 1", "growth 2", "allowed"
        ));
        let mut names: Vec<&str> = samples.iter().map(|sample| sample.process).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let own = || samples.iter().filter(|sample| sample.process == name);
            // What was there before a restart says nothing about what came after.
            let last = own().next_back().map(|sample| sample.pid);
            let life: Vec<&Sample> = own().filter(|sample| Some(sample.pid) == last).collect();
            if life
                .first()
                .is_none_or(|sample| sample.seconds > seconds / 2.0)
            {
                self.finds(&format!(
                    "{name} was restarted in the second half, or never ran"
                ));
            }
            for gauge in Gauge::ALL {
                self.trend(name, gauge, &life, seconds);
            }
        }
    }

    fn trend(&mut self, name: &str, gauge: Gauge, life: &[&Sample], seconds: f64) {
        let points: Vec<Point> = life
            .iter()
            .map(|sample| Point {
                seconds: sample.seconds,
                writes: sample.writes,
                value: sample.of(gauge),
            })
            .collect();
        let Some(trend) = Trend::of(&points, 0.0, seconds, allowance(name, gauge)) else {
            return self.finds(&format!("{name}: too few readings of {}", gauge.as_str()));
        };
        let flat = trend.is_flat();
        self.say(format!(
            "{name:<12} {:<10} {:>10.0} {:>10.0} {:>10.1} {:>10.1} {:>10.1}  {}",
            gauge.as_str(),
            trend.levels[0],
            trend.levels[1],
            trend.growth[0],
            trend.growth[1],
            trend.allowed,
            if flat { "yes" } else { "NO" }
        ));
        self.good &= flat;
    }
}

/// Whether a daemon still has writes to send or to take in.
pub fn has_something_left(status: &Value) -> bool {
    status["outbox"]["queued"] != 0 || status["spool"]["waiting"] != 0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str(if self.good {
            "\nsoak: flat, and nothing unexplained\n"
        } else {
            "\nsoak: NOT GOOD, see above\n"
        })
    }
}

/// Most growth over half the time.
///
/// A daemon keeps the receipt of a write for 30 days and the last 100,000
/// events, on disk, and the hub's present state in memory, of which ended
/// sessions are a part for 30 days: one for each 20 writes of this load, at some
/// 4 KiB. A hub keeps keys of calls and ended sessions for at least a
/// day, in memory and on disk, and its log of commits. All of these are bounded
/// by days or counts that an hour does not reach.
fn allowance(process: &str, gauge: Gauge) -> Allowance {
    let hub = process == "spaces-hub";
    let (fixed, for_each_write) = match gauge {
        Gauge::Pss | Gauge::Rss if hub => (4_096.0, 2.0),
        Gauge::Pss | Gauge::Rss => (2_048.0, 0.25),
        // Connections come and go; a few more at the end are chance.
        Gauge::Files => (3.0, 0.0),
        Gauge::Threads => (1.0, 0.0),
        Gauge::Disk if hub => (4_096.0, 4.0),
        Gauge::Disk => (1_024.0, 1.5),
    };
    Allowance {
        fixed,
        for_each_write,
    }
}
