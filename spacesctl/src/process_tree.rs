//! The processes above this one. A hook and an MCP server of the same agent
//! session have the agent's process above them and need not know of each other.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

/// Enough for shells and wrappers between an agent and what it starts.
const MOST: usize = 16;

/// Their ids, nearest first; without the first process of the system, which is
/// above everything.
pub fn above() -> Vec<u32> {
    let mut listed = None;
    let mut above = Vec::new();
    let mut next = parent();
    while let Some(pid) = next.filter(|pid| *pid > 1 && above.len() < MOST) {
        above.push(pid);
        next = from_proc(pid).or_else(|| listed.get_or_insert_with(from_ps).get(&pid).copied());
    }
    above
}

/// The process that started this one, if it is still there.
pub fn parent() -> Option<u32> {
    let parent = rustix::process::getppid()?.as_raw_nonzero();
    u32::try_from(parent.get()).ok().filter(|pid| *pid > 1)
}

/// As Linux tells it.
fn from_proc(pid: u32) -> Option<u32> {
    // What is asked for stands near the beginning.
    let mut stat = [0; 512];
    let length = File::open(format!("/proc/{pid}/stat"))
        .ok()?
        .read(&mut stat)
        .ok()?;
    let stat = String::from_utf8_lossy(&stat[..length]);
    // The name of the program stands in parentheses and may hold any character.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// As every Unix tells it, at the cost of a process.
fn from_ps() -> HashMap<u32, u32> {
    let listed = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid="])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = listed.map(|listed| listed.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().map(str::parse);
            Some((words.next()?.ok()?, words.next()?.ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{above, from_proc, from_ps, parent};

    #[test]
    fn the_nearest_is_the_parent_and_both_ways_tell_the_same() {
        let above = above();
        assert_eq!(above.first().copied(), parent());
        let own = std::process::id();
        assert_eq!(from_ps().get(&own).copied(), parent());
        #[cfg(target_os = "linux")]
        assert_eq!(from_proc(own), parent());
        assert_eq!(from_proc(u32::MAX), None);
    }
}
