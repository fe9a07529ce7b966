//! One row of the table.

use serde::{Deserialize, Serialize};

use crate::pair::Pair;
use crate::samples::Samples;

/// A row as `results.json` has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub value: f64,
    pub unit: String,
    /// What the reference is, in words.
    pub reference: String,
    /// In the same unit.
    pub reference_value: f64,
    /// `value / reference_value`.
    pub ratio: f64,
    /// Absent where a row is only for the record.
    pub goal: Option<String>,
    pub met: Option<bool>,
}

/// A distribution behind a row, for the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    pub row: String,
    pub what: String,
    pub samples: usize,
    pub p50_us: f64,
    pub p95_us: f64,
    pub p99_us: f64,
}

/// What the ratio of a row shall be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    Below(f64),
    /// For the record alone.
    None,
}

/// What a measure gives back.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub rows: Vec<Row>,
    pub series: Vec<Series>,
}

/// How a row is called, what it stands against, and what it shall reach.
#[derive(Clone, Copy, Debug)]
pub struct Title {
    /// In words, with spaces: it is shown as it is.
    pub name: &'static str,
    pub reference: &'static str,
    pub goal: Goal,
}

impl Outcome {
    /// A row of two medians, in microseconds.
    pub fn of_medians(title: Title, pair: &Pair) -> Self {
        Self::default().medians(title, pair)
    }

    /// Adds a row of two medians.
    #[must_use]
    pub fn medians(self, title: Title, pair: &Pair) -> Self {
        let (value, reference) = (micros(pair.value.p50()), micros(pair.reference.p50()));
        self.numbers(title, "us", value, reference)
            .with_series(title, pair)
    }

    /// Adds a row of two 99th percentiles.
    #[must_use]
    pub fn p99s(self, title: Title, pair: &Pair) -> Self {
        let (value, reference) = (micros(pair.value.p99()), micros(pair.reference.p99()));
        self.numbers(title, "us", value, reference)
            .with_series(title, pair)
    }

    /// Adds a row of two numbers in this unit.
    #[must_use]
    pub fn numbers(mut self, title: Title, unit: &str, value: f64, reference: f64) -> Self {
        let ratio = value / reference;
        self.rows.push(Row {
            name: title.name.to_owned(),
            value,
            unit: unit.to_owned(),
            reference: title.reference.to_owned(),
            reference_value: reference,
            ratio,
            goal: title.goal.in_words(),
            met: title.goal.met_by(ratio),
        });
        self
    }

    fn with_series(mut self, title: Title, pair: &Pair) -> Self {
        self.series.extend([
            Series::of(title.name, title.name, &pair.value),
            Series::of(title.name, title.reference, &pair.reference),
        ]);
        self
    }

    /// Adds what another has.
    pub fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.series.extend(other.series);
    }
}

impl Series {
    pub fn of(row: &str, what: &str, samples: &Samples) -> Self {
        Self {
            row: row.to_owned(),
            what: what.to_owned(),
            samples: samples.len(),
            p50_us: micros(samples.p50()),
            p95_us: micros(samples.p95()),
            p99_us: micros(samples.p99()),
        }
    }
}

impl Goal {
    fn in_words(self) -> Option<String> {
        match self {
            Self::AtMost(ratio) => Some(format!("<= {ratio} x")),
            Self::AtLeast(ratio) => Some(format!(">= {ratio} x")),
            Self::Below(ratio) => Some(format!("< {ratio} x")),
            Self::None => None,
        }
    }

    fn met_by(self, ratio: f64) -> Option<bool> {
        match self {
            Self::AtMost(most) => Some(ratio <= most),
            Self::AtLeast(least) => Some(ratio >= least),
            Self::Below(bound) => Some(ratio < bound),
            Self::None => None,
        }
    }
}

fn micros(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
