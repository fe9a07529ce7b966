use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use spaces_client::Error;
use spaces_client::spaces_api::ErrorKind;
use spaces_client::spaces_api::methods::daemon;

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::output::count;

/// Stop the daemon; what is queued stays on disk
///
/// The daemon takes no new work, sends what it can in the given time, and ends;
/// a hub that it supervises ends with it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl down
  spacesctl down --drain 30s    give the outbox more time to empty")]
pub struct Down {
    /// How long the daemon may try to send what is queued
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = crate::words::duration)]
    drain: Duration,
}

/// Time beyond the drain for the daemon, and the hub that it supervises, to end.
const TIME_TO_END: Duration = Duration::from_secs(30);

impl Down {
    /// Drains the daemon and waits until its process has ended.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let Some(Stopped { pid, still_queued }) = stop(ctl, self.drain)? else {
            return not_running(ctl);
        };
        if ctl.out.is_json() {
            ctl.out
                .json(&json!({ "stopped": true, "pid": pid, "still_queued": still_queued }))?;
        } else {
            ctl.out
                .line(format_args!("spacesd (pid {pid}) has stopped"));
            if let Some(queued) = still_queued.filter(|queued| *queued > 0) {
                ctl.out.line(format_args!(
                    "{} in the outbox; sent after the next start",
                    count(queued, "write")
                ));
            }
        }
        ctl.out.flush()
    }
}

/// A daemon that has ended.
pub struct Stopped {
    pid: u32,
    /// Writes in the outbox; none where it ended before it could tell.
    still_queued: Option<u64>,
}

/// Drains the daemon and waits until its process has ended; none where none runs.
///
/// # Errors
/// It does not answer, or does not end.
pub fn stop(ctl: &mut Ctl, drain: Duration) -> Result<Option<Stopped>, Failure> {
    let pong = ctl
        .client
        .call_within::<daemon::Ping>(&Default::default(), Duration::from_secs(5));
    let pid = match pong {
        Ok(pong) => pong.pid,
        Err(Error::DaemonUnreachable { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let process = Process::of(pid)?;
    let params = daemon::DrainParams {
        timeout_ms: Some(u64::try_from(drain.as_millis()).unwrap_or(u64::MAX)),
        stay: false,
    };
    let limit = drain + TIME_TO_END;
    let still_queued = match ctl.client.call_within::<daemon::Drain>(&params, limit) {
        Ok(drained) => Some(drained.still_queued),
        // It may end before the answer is read.
        Err(Error::ConnectionLost { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    process.wait(Instant::now() + TIME_TO_END).map_err(|()| {
        Failure::new(
            ErrorKind::Timeout,
            format!("spacesd (pid {pid}) was drained, but its process has not ended"),
        )
        .hint(format!(
            "see {}; `kill {pid}` ends it, nothing queued is lost",
            ctl.paths.log_file().display()
        ))
    })?;
    Ok(Some(Stopped { pid, still_queued }))
}

fn not_running(ctl: &mut Ctl) -> Result<(), Failure> {
    if ctl.out.is_json() {
        ctl.out.json(&json!({ "stopped": false }))?;
    } else {
        ctl.out.line("spacesd is not running");
    }
    ctl.out.flush()
}

/// A process whose end can be waited for.
#[cfg(target_os = "linux")]
struct Process(Option<std::os::fd::OwnedFd>);

#[cfg(target_os = "linux")]
impl Process {
    /// Taken before the process is told to end: its id cannot be reused so.
    fn of(pid: u32) -> Result<Self, Failure> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};

        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let handle = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty()));
        match handle {
            Some(Ok(handle)) => Ok(Self(Some(handle))),
            None | Some(Err(rustix::io::Errno::SRCH)) => Ok(Self(None)),
            Some(Err(error)) => Err(std::io::Error::from(error).into()),
        }
    }

    fn wait(&self, deadline: Instant) -> Result<(), ()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let Some(handle) = &self.0 else {
            return Ok(());
        };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(drop)?;
            let mut waited = [PollFd::new(handle, PollFlags::IN)];
            match poll(&mut waited, Some(&timeout)) {
                Ok(0) => return Err(()),
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(()),
            }
        }
    }
}

/// A process whose end can be looked for.
#[cfg(not(target_os = "linux"))]
struct Process(Option<rustix::process::Pid>);

#[cfg(not(target_os = "linux"))]
impl Process {
    fn of(pid: u32) -> Result<Self, Failure> {
        Ok(Self(
            i32::try_from(pid)
                .ok()
                .and_then(rustix::process::Pid::from_raw),
        ))
    }

    fn wait(&self, deadline: Instant) -> Result<(), ()> {
        let Some(pid) = self.0 else {
            return Ok(());
        };
        while rustix::process::test_kill_process(pid).is_ok() {
            if Instant::now() >= deadline {
                return Err(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
