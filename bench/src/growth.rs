//! How costs grow with size: the curves, and the file that keeps them.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::report;

/// What `bench/growth.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Growth {
    /// `2026-01-31`
    pub date: String,
    pub machine: Machine,
    pub panels: Vec<Panel>,
}

/// Curves over the same sizes, in the same unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Panel {
    pub title: String,
    /// What grows.
    pub size: String,
    pub unit: String,
    pub curves: Vec<Curve>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curve {
    pub name: String,
    /// Size and value.
    pub points: Vec<(u64, f64)>,
}

impl Panel {
    pub fn new(title: &str, size: &str, unit: &str) -> Self {
        Self {
            title: title.to_owned(),
            size: size.to_owned(),
            unit: unit.to_owned(),
            curves: Vec::new(),
        }
    }

    /// Adds a point to the curve of this name.
    pub fn point(&mut self, curve: &str, size: u64, value: f64) {
        eprintln!(
            "   {} at {size} {}: {curve} {}",
            self.title,
            self.size,
            report::number(value, &self.unit)
        );
        let known = self.curves.iter_mut().find(|known| known.name == curve);
        match known {
            Some(known) => known.points.push((size, value)),
            None => self.curves.push(Curve {
                name: curve.to_owned(),
                points: vec![(size, value)],
            }),
        }
    }
}

/// Reads `bench/growth.json`.
///
/// # Errors
/// Where it is not there or is something else.
pub fn read() -> io::Result<Growth> {
    let text = fs::read_to_string(report::directory().join("growth.json"))?;
    serde_json::from_str(&text).map_err(io::Error::other)
}

/// Writes `bench/growth.json`.
///
/// # Errors
/// Where it cannot be written.
pub fn write(growth: &Growth) -> io::Result<()> {
    let text = serde_json::to_string_pretty(growth).map_err(io::Error::other)?;
    fs::write(report::directory().join("growth.json"), text + "\n")
}
