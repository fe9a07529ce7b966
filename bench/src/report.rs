//! The table on the terminal, and `bench/results.json`.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::machine::Machine;
use crate::row::{Outcome, Row, Series};

/// What `bench/results.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// `2026-01-31`
    pub date: String,
    pub machine: Machine,
    pub rows: Vec<Row>,
}

/// What `bench/percentiles.json` holds: the distributions behind the rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Percentiles {
    pub date: String,
    pub series: Vec<Series>,
}

/// The directory of this crate, where the figures are kept.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Today, in UTC.
pub fn today() -> String {
    OffsetDateTime::now_utc()
        .format(format_description!("[year]-[month]-[day]"))
        .expect("a date has year, month and day")
}

/// Writes both files.
///
/// # Errors
/// Where they cannot be written.
pub fn write(machine: &Machine, outcome: &Outcome) -> std::io::Result<()> {
    let results = Results {
        date: today(),
        machine: machine.clone(),
        rows: outcome.rows.clone(),
    };
    let percentiles = Percentiles {
        date: today(),
        series: outcome.series.clone(),
    };
    let pretty = |text: serde_json::Result<String>| {
        text.map(|text| text + "\n").map_err(std::io::Error::other)
    };
    fs::write(
        directory().join("results.json"),
        pretty(serde_json::to_string_pretty(&results))?,
    )?;
    fs::write(
        directory().join("percentiles.json"),
        pretty(serde_json::to_string_pretty(&percentiles))?,
    )
}

/// Prints the rows, and below them the distributions.
pub fn print(outcome: &Outcome) {
    let rows = outcome.rows.iter().map(|row| {
        [
            row.name.clone(),
            number(row.value, &row.unit),
            number(row.reference_value, &row.unit),
            format!("{:.2} x", row.ratio),
            row.goal.clone().unwrap_or_default(),
            verdict(row.met).to_owned(),
            row.reference.clone(),
        ]
    });
    columns(
        [
            "measure",
            "value",
            "reference",
            "ratio",
            "goal",
            "met",
            "against",
        ],
        rows,
    );
    println!();
    let series = outcome.series.iter().map(|series| {
        [
            series.what.clone(),
            series.samples.to_string(),
            number(series.p50_us, "us"),
            number(series.p95_us, "us"),
            number(series.p99_us, "us"),
        ]
    });
    columns(["what", "samples", "p50", "p95", "p99"], series);
}

/// A number as people read it.
pub fn number(value: f64, unit: &str) -> String {
    match unit {
        "us" if value >= 1_000_000.0 => format!("{:.2} s", value / 1e6),
        "us" if value >= 1_000.0 => format!("{:.2} ms", value / 1e3),
        _ if value >= 100.0 => format!("{value:.0} {unit}"),
        _ => format!("{value:.1} {unit}"),
    }
}

/// Whether a goal was reached.
pub fn verdict(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    }
}

fn columns<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows);
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            let widths = lines.iter().map(|line| line[column].chars().count());
            widths.max().unwrap_or(0)
        })
        .collect();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
}
