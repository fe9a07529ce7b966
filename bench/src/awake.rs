//! Keeps the processors from sleeping while something is measured, on machines
//! where that is needed.
//!
//! A processor that has nothing to do sleeps, and some virtual machines' take
//! milliseconds to wake for an answer of the disk: then a sync that takes 0.1 ms
//! on a machine at work takes 4 ms on one at rest, and measures that and nothing
//! else. There each processor is given a process that only counts, in the
//! scheduling class that gets time when nobody else wants any.
//!
//! It is not done elsewhere, for it changes what is measured: a processor that
//! counts takes no work over from its neighbour as one that sleeps would, so of
//! two threads that could run beside each other one waits.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;

use crate::references::disk::sync_time;

/// A sync of a machine at rest that takes longer may wait for more than the disk.
const SLOW_SYNC: Duration = Duration::from_millis(1);

/// When processors are kept awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// Where a sync takes less than half the time then
    Auto,
    Always,
    Never,
}

/// Ends when dropped.
pub struct Awake(Vec<std::process::Child>);

impl Awake {
    /// Keeps them awake, if that is asked for or needed for syncs in `directory`.
    ///
    /// # Errors
    /// Where `chrt` (util-linux) is not there or may not do it.
    pub fn keep(when: When, directory: &Path) -> io::Result<Option<Self>> {
        let at_rest = match when {
            When::Always => return Self::begin().map(Some),
            When::Never => return Ok(None),
            When::Auto => sync_time(directory),
        };
        if at_rest < SLOW_SYNC {
            return Ok(None);
        }
        let kept = Self::begin()?;
        let needed = sync_time(directory) < at_rest / 2;
        Ok(needed.then_some(kept))
    }

    /// One process for each processor.
    fn begin() -> io::Result<Self> {
        let processors = std::thread::available_parallelism()?.get();
        let own = std::env::current_exe()?;
        let mut kept = Self(Vec::new());
        for _ in 0..processors {
            let mut command = Command::new("chrt");
            command.args(["--idle", "0"]).arg(&own).arg("keep-awake");
            kept.0.push(command.stdin(Stdio::piped()).spawn()?);
        }
        Ok(kept)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Counts until standard input ends, which it does with the program that
/// started this.
pub fn count_for_ever() -> ! {
    std::thread::spawn(|| {
        // Any outcome means that nobody is there any more.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let mut count = 0_u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}
