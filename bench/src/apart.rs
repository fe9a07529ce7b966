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
    /// Processes, none for this thread, and where they ran before.
    before: Vec<(Option<Pid>, CpuSet)>,
}

impl Apart {
    /// This thread on the first of its processors, those processes on the others.
    /// Nothing happens where there is only one.
    pub fn put(servers: &[u32]) -> Self {
        let servers = servers.iter().map(|pid| {
            let pid = i32::try_from(*pid).expect("a process id");
            Some(Pid::from_raw(pid).expect("a process of ours"))
        });
        let everyone: Vec<_> = [None].into_iter().chain(servers).collect();
        let all = sched_getaffinity(None).expect("this thread is there");
        let first = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu));
        let first = first.expect("this thread runs");
        let (mut here, mut elsewhere) = (CpuSet::new(), all);
        here.set(first);
        elsewhere.unset(first);
        if elsewhere.count() == 0 {
            return Self { before: Vec::new() };
        }
        let place = |process: &Option<Pid>| match process {
            None => here,
            Some(_) => elsewhere,
        };
        let before = everyone
            .iter()
            .map(|process| {
                let before = sched_getaffinity(*process).expect("it runs");
                run_on(*process, &place(process));
                (*process, before)
            })
            .collect();
        Self { before }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        for (process, before) in &self.before {
            run_on(*process, before);
        }
    }
}

/// All threads of a process, or this one.
fn run_on(process: Option<Pid>, set: &CpuSet) {
    let Some(process) = process else {
        sched_setaffinity(None, set).expect("it is our own thread");
        return;
    };
    let tasks = format!("/proc/{}/task", process.as_raw_nonzero());
    for task in fs::read_dir(tasks).into_iter().flatten().flatten() {
        let id = task.file_name().to_string_lossy().parse().ok();
        // One that has ended meanwhile needs no place.
        let _ = id
            .and_then(Pid::from_raw)
            .map(|id| sched_setaffinity(Some(id), set));
    }
}
