//! The daemon, by talking to it.

use std::time::{Duration, Instant};

use spaces_api::methods::daemon;
use spaces_api::model::DaemonStatus;
use spaces_api::{ErrorKind, HubState, PROTOCOL, Timestamp, VERSION};
use spaces_client::{Client, Error, Paths};

use super::report::Check;
use crate::commands::status;
use crate::output::{ago, count, span};
use crate::skew;

const LIMIT: Duration = Duration::from_secs(3);
/// A queued write older than this, with a live hub, is stuck.
const STUCK_MS: u64 = 5 * 60 * 1000;
const SKEW_WARN_MS: u64 = 5_000;
const SKEW_FAIL_MS: u64 = 5 * 60 * 1000;

/// A daemon that was talked to.
pub struct Examined {
    answer: Result<(daemon::Pong, Duration), Error>,
    pub status: Option<DaemonStatus>,
    /// The process behind the socket, where it can be told.
    pid: Option<u32>,
    spool_files: usize,
}

impl Examined {
    pub fn examine(paths: &Paths) -> Self {
        let mut client = Client::new(&paths.socket)
            .connect_timeout(Duration::from_secs(1))
            .call_timeout(LIMIT);
        // The first call pays for the connection; the second is the round trip.
        let answer = client
            .call::<daemon::Ping>(&Default::default())
            .and_then(|_| {
                let begun = Instant::now();
                let pong = client.call::<daemon::Ping>(&Default::default())?;
                Ok((pong, begun.elapsed()))
            });
        let status = match &answer {
            Ok(_) => client.call::<daemon::Status>(&Default::default()).ok(),
            Err(_) => None,
        };
        Self {
            pid: answer.is_err().then(|| listener(paths)).flatten(),
            answer,
            status,
            spool_files: waiting_in(&paths.spool_dir()),
        }
    }

    pub fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.answers(), self.version()];
        match &self.status {
            Some(status) => {
                checks.extend([hub(status), clock(status), outbox(status), cache(status)]);
                checks.push(spool(status));
                // The outbox's fault is among them, and was said.
                let others = status
                    .warnings
                    .iter()
                    .filter(|warning| Some(*warning) != status.outbox.fault.as_ref());
                checks.extend(others.map(|warning| {
                    Check::warn(
                        "daemon warning",
                        warning,
                        "see the daemon's log: `spacesctl service logs`",
                    )
                }));
            }
            None => {
                let why = "the daemon does not answer";
                checks.extend(
                    ["hub link", "clock", "outbox", "cache"].map(|name| Check::skipped(name, why)),
                );
                checks.push(match self.spool_files {
                    0 => Check::ok("spool", "nothing waits"),
                    waiting => Check::warn(
                        "spool",
                        format!(
                            "{} kept on disk for the daemon",
                            count(waiting as u64, "write")
                        ),
                        "start the daemon: `spacesctl up`",
                    ),
                });
            }
        }
        checks
    }

    fn answers(&self) -> Check {
        const NAME: &str = "daemon";
        let error = match &self.answer {
            Ok((pong, took)) => {
                return Check::ok(
                    NAME,
                    format!(
                        "pid {} answered in {:.2} ms",
                        pong.pid,
                        took.as_secs_f64() * 1000.0
                    ),
                );
            }
            Err(error) => error,
        };
        // A process that is there and silent must not pass for one that is down.
        if let Some(pid) = self.pid {
            return Check::fail(
                NAME,
                error.kind(),
                format!("pid {pid} holds the socket and does not answer: {error}"),
                format!(
                    "`spacesctl service restart`, or `kill -CONT {pid}` if it was stopped, or `kill -9 {pid}` and `spacesctl up`: nothing that was accepted is lost"
                ),
            );
        }
        let remedy = error
            .hint()
            .unwrap_or_else(|| "start it with `spacesctl up`".to_owned());
        Check::fail(NAME, error.kind(), error.to_string(), remedy)
    }

    fn version(&self) -> Check {
        const NAME: &str = "version";
        let (version, protocol) = match &self.answer {
            Ok((pong, _)) => (pong.version.as_str(), pong.protocol),
            Err(Error::VersionSkew {
                daemon_version,
                daemon_protocol,
            }) => (daemon_version.as_str(), *daemon_protocol),
            Err(_) => return Check::skipped(NAME, "the daemon does not answer"),
        };
        let evidence = format!(
            "spacesd {version} (protocol {protocol}), spacesctl {VERSION} (protocol {PROTOCOL})"
        );
        let remedy = || skew::remedy(version);
        if protocol != PROTOCOL {
            Check::fail(NAME, ErrorKind::VersionSkew, evidence, remedy())
        } else if version != VERSION {
            Check::warn(NAME, evidence, remedy())
        } else {
            Check::ok(NAME, evidence)
        }
    }
}

fn hub(status: &DaemonStatus) -> Check {
    const NAME: &str = "hub link";
    let hub = &status.hub;
    let where_ = hub.uri.as_deref().unwrap_or("no address");
    match hub.state {
        HubState::Live => {
            let trip = hub
                .round_trip_ms
                .map_or_else(|| "not measured yet".to_owned(), |ms| format!("{ms:.1} ms"));
            Check::ok(
                NAME,
                format!("{} at {where_}, round trip {trip}", hub.database),
            )
        }
        HubState::Syncing => Check::warn(
            NAME,
            format!("catching up with {where_}: {}", hub.detail),
            "wait; reads say how fresh they are",
        ),
        HubState::Offline => Check::warn(
            NAME,
            format!(
                "{where_} is not reached since {}: {}{}",
                ago(hub.since),
                hub.detail,
                status::further_trouble(hub)
                    .map(|error| format!("; last error: {error}"))
                    .unwrap_or_default()
            ),
            "what you post is queued and sent later; `spacesctl reconnect` tries at once",
        ),
    }
}

fn clock(status: &DaemonStatus) -> Check {
    const NAME: &str = "clock";
    let Some(skew) = status.hub.clock_skew_ms else {
        return Check::skipped(NAME, "not measured: there was no connection to the hub yet");
    };
    let evidence = format!(
        "the hub's clock is {} {} this machine's",
        span(skew.unsigned_abs()),
        if skew < 0 { "behind" } else { "ahead of" }
    );
    let remedy = "set the clock of this machine by NTP";
    if skew.unsigned_abs() >= SKEW_FAIL_MS {
        Check::fail(NAME, ErrorKind::Conflict, evidence, remedy)
    } else if skew.unsigned_abs() >= SKEW_WARN_MS {
        Check::warn(NAME, evidence, remedy)
    } else {
        Check::ok(NAME, evidence)
    }
}

fn outbox(status: &DaemonStatus) -> Check {
    const NAME: &str = "outbox";
    let outbox = &status.outbox;
    let oldest = outbox
        .oldest_queued_at
        .map_or(0, |at| at.millis_until(Timestamp::now()));
    let evidence = format!(
        "{} queued, {} rejected, {} sent",
        outbox.queued, outbox.rejected, outbox.sent_total
    );
    if let Some(fault) = &outbox.fault {
        Check::fail(
            NAME,
            ErrorKind::DiskFull,
            fault,
            "correct what it says; while it cannot be written nothing is accepted",
        )
    } else if status.hub.state == HubState::Live && oldest >= STUCK_MS {
        Check::fail(
            NAME,
            ErrorKind::Timeout,
            format!(
                "{evidence}; the oldest waits for {} though the hub is live",
                span(oldest)
            ),
            "`spacesctl outbox list` shows its last error",
        )
    } else if outbox.queued * 10 >= outbox.max_items * 9
        || outbox.bytes * 10 >= outbox.max_bytes * 9
    {
        Check::warn(
            NAME,
            format!("{evidence}; nearly full"),
            "`spacesctl reconnect`, or raise its limits",
        )
    } else if outbox.rejected > 0 {
        Check::warn(
            NAME,
            evidence,
            "`spacesctl outbox list --rejected` says why; then retry or drop them",
        )
    } else {
        Check::ok(NAME, evidence)
    }
}

fn cache(status: &DaemonStatus) -> Check {
    const NAME: &str = "cache";
    let cache = &status.cache;
    if cache.ready {
        Check::ok(NAME, format!("ready, {}", count(cache.messages, "message")))
    } else {
        Check::warn(
            NAME,
            "not loaded yet: reads answer `not_ready`",
            "wait for the first connection to the hub",
        )
    }
}

fn spool(status: &DaemonStatus) -> Check {
    const NAME: &str = "spool";
    let spool = &status.spool;
    let evidence = format!(
        "{} waiting, {} taken, {} set aside",
        spool.waiting, spool.accepted_total, spool.set_aside
    );
    if spool.set_aside > 0 {
        Check::warn(
            NAME,
            evidence,
            "look at spool/set-aside in the state directory: these could not be taken",
        )
    } else if spool.waiting > 0 {
        Check::warn(
            NAME,
            evidence,
            "the daemon takes them shortly; run doctor again",
        )
    } else {
        Check::ok(NAME, evidence)
    }
}

fn waiting_in(spool: &std::path::Path) -> usize {
    std::fs::read_dir(spool)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| spaces_api::spool::is_request(&entry.file_name().to_string_lossy()))
        .count()
}

/// The process that listens on the socket, whether it answers or not.
#[cfg(target_os = "linux")]
fn listener(paths: &Paths) -> Option<u32> {
    let stream = std::os::unix::net::UnixStream::connect(&paths.socket).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

#[cfg(not(target_os = "linux"))]
fn listener(_: &Paths) -> Option<u32> {
    None
}
