//! Puts who asks and who answers on processors of their own.
//!
//! Left to itself the kernel decides by chance, and then for minutes, whether
//! both ends of a socket share a processor: an answer takes 15 us there and 50 us
//! where the other processor has to be told, which on a virtual machine its host
//! does. The ratio of two that fell differently says nothing of either.

use std::fs;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Lasts until it is dropped.
pub struct Apart {
    servers: Vec<u32>,
    all: CpuSet,
}

impl Apart {
    /// This thread on the first of its processors, those processes, which may run
    /// where it may, on the others. Nothing happens where there is only one.
    pub fn put(servers: &[u32]) -> Self {
        let all = sched_getaffinity(None).expect("this thread runs");
        let first = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu));
        let first = first.expect("this thread runs somewhere");
        let (mut here, mut elsewhere) = (CpuSet::new(), all);
        here.set(first);
        elsewhere.unset(first);
        let apart = Self {
            servers: servers.to_vec(),
            all,
        };
        if elsewhere.count() > 0 {
            apart.place(&here, &elsewhere);
        }
        apart
    }

    fn place(&self, asks: &CpuSet, answer: &CpuSet) {
        sched_setaffinity(None, asks).expect("it is our own thread");
        for server in &self.servers {
            let tasks = fs::read_dir(format!("/proc/{server}/task"));
            for task in tasks.into_iter().flatten().flatten() {
                let thread = task.file_name().to_string_lossy().parse().ok();
                if let Some(thread) = thread.and_then(Pid::from_raw) {
                    // One that has ended meanwhile needs no place.
                    let _ = sched_setaffinity(Some(thread), answer);
                }
            }
        }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.place(&self.all, &self.all);
    }
}
