//! What a process holds at a moment, read from `/proc` and from its
//! directories, and the table of all of it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is measured of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// Memory that is its own, with its share of what others map too, in KiB.
    Pss,
    /// Memory that is mapped in at all, in KiB.
    Rss,
    /// Open files.
    Files,
    Threads,
    /// Blocks of the files in its directories, in KiB.
    Disk,
}

impl Gauge {
    pub const ALL: [Self; 5] = [Self::Pss, Self::Rss, Self::Files, Self::Threads, Self::Disk];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pss => "pss_kib",
            Self::Rss => "rss_kib",
            Self::Files => "files",
            Self::Threads => "threads",
            Self::Disk => "disk_kib",
        }
    }
}

/// All gauges of one process at one moment.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Since the load began.
    pub seconds: f64,
    pub process: &'static str,
    /// Tells one run of the process from the next.
    pub pid: u32,
    /// Writes that all daemons together had accepted by then.
    pub writes: u64,
    readings: [u64; Gauge::ALL.len()],
}

impl Sample {
    /// Reads the gauges; nothing where the process has just ended.
    pub fn take(
        process: &'static str,
        pid: u32,
        directories: &[PathBuf],
        seconds: f64,
        writes: u64,
    ) -> Option<Self> {
        let memory = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
        let disk = directories
            .iter()
            .map(|directory| blocks(directory))
            .sum::<u64>()
            / 2;
        Some(Self {
            seconds,
            process,
            pid,
            writes,
            readings: [
                field(&memory, "Pss:")?,
                field(&memory, "Rss:")?,
                files as u64,
                field(&status, "Threads:")?,
                disk,
            ],
        })
    }

    pub fn of(&self, gauge: Gauge) -> f64 {
        self.readings[gauge as usize] as f64
    }
}

/// A number of a file of `/proc` in which each line begins with a name.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Blocks of 512 bytes of all files below. A file may vanish meanwhile.
fn blocks(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(facts) if facts.is_dir() => blocks(&entry.path()),
            Ok(facts) => facts.blocks(),
            Err(_) => 0,
        })
        .sum()
}

/// Every sample as a line of `samples.csv`, written as it is taken, so that a
/// run that is broken off leaves what it has seen.
pub struct Table(fs::File);

impl Table {
    pub fn create(path: &Path) -> Self {
        let mut file = fs::File::create(path)
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        let gauges = Gauge::ALL.map(Gauge::as_str).join(",");
        writeln!(file, "seconds,process,pid,writes,{gauges}").expect("the table can be written");
        Self(file)
    }

    pub fn add(&mut self, sample: &Sample) {
        let readings = sample.readings.map(|reading| reading.to_string()).join(",");
        writeln!(
            self.0,
            "{:.1},{},{},{},{readings}",
            sample.seconds, sample.process, sample.pid, sample.writes
        )
        .expect("the table can be written");
    }
}
