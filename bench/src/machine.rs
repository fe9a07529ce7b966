//! On what it was measured.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::references::disk;

/// The facts that a reader needs to judge the figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub system: String,
    /// Where the data was.
    pub file_system: String,
    /// An append and its `fdatasync`, at the median.
    pub sync_us: f64,
    /// Whether the processors were kept from sleeping all the time.
    pub kept_awake: bool,
    pub version: String,
    /// `release` or `dev`.
    pub build: String,
}

impl Machine {
    /// Reads them from the system; data is going to be in `directory`.
    pub fn here(directory: &Path, kept_awake: bool) -> Self {
        let uname = rustix::system::uname();
        Self {
            processor: field("/proc/cpuinfo", "model name", ':').unwrap_or_else(unknown),
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_gib().unwrap_or(0.0),
            kernel: format!(
                "{} {}",
                uname.sysname().to_string_lossy(),
                uname.release().to_string_lossy()
            ),
            system: field("/etc/os-release", "PRETTY_NAME", '=')
                .map_or_else(unknown, |name| name.trim_matches('"').to_owned()),
            file_system: file_system(directory).unwrap_or_else(unknown),
            sync_us: disk::sync_time(directory).as_secs_f64() * 1e6,
            kept_awake,
            version: spaces_api::VERSION.to_owned(),
            build: if cfg!(debug_assertions) {
                "dev"
            } else {
                "release"
            }
            .to_owned(),
        }
    }

    /// One line for people.
    pub fn in_words(&self) -> String {
        format!(
            "{} x {}, {:.0} GiB, {}, {}, {}, fdatasync {:.0} us{}, Spaces {} ({} build)",
            self.processors,
            self.processor,
            self.memory_gib,
            self.system,
            self.kernel,
            self.file_system,
            self.sync_us,
            if self.kept_awake {
                " (processors kept awake)"
            } else {
                ""
            },
            self.version,
            self.build,
        )
    }
}

/// Resident memory of a process in MiB.
pub fn resident_mib(pid: u32) -> f64 {
    let path = format!("/proc/{pid}/status");
    let kib: f64 = field(&path, "VmRSS", ':')
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("{path} does not tell the resident memory"));
    kib / 1024.0
}

fn field(path: &str, name: &str, separator: char) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(separator)?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn memory_gib() -> Option<f64> {
    let kib: f64 = field("/proc/meminfo", "MemTotal", ':')?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(kib / 1024.0 / 1024.0)
}

/// The type of the file system that `directory` is on.
fn file_system(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let of_line = |line: &str| {
        let mut words = line.split(' ');
        let (place, r#type) = (words.nth(1)?.to_owned(), words.next()?.to_owned());
        directory
            .starts_with(&place)
            .then_some((place.len(), r#type))
    };
    let (_, r#type) = mounts.lines().filter_map(of_line).max()?;
    Some(r#type)
}

fn unknown() -> String {
    "unknown".to_owned()
}
