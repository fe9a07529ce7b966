//! Keeps the processors from sleeping while something is measured.
//!
//! A processor that has nothing to do sleeps, and a virtual machine's may take
//! milliseconds to wake for an answer of the disk: then a sync that takes 0.1 ms
//! on a machine at work takes 4 ms on one at rest, and measures that and nothing
//! else. So each processor is given a process that only counts, in the
//! scheduling class that gets time when nobody else wants any.

use std::process::{Command, Stdio};

/// Ends when dropped.
pub struct Awake(Vec<std::process::Child>);

impl Awake {
    /// One process for each processor.
    ///
    /// # Errors
    /// Where `chrt` (util-linux) is not there or may not do it.
    pub fn keep() -> std::io::Result<Self> {
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
