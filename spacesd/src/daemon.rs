//! The parts of a running daemon in one place, and what is known from all of
//! them together.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use spaces_api::model::{DaemonStatus, HubMode, HubStatus, Role, SpoolStatus};
use spaces_api::{ErrorKind, HubState, Meta, PROTOCOL, RpcError, Timestamp, VERSION};
use tokio::sync::watch;

use crate::activity::Activity;
use crate::cache::{Cache, CacheError};
use crate::config::Settings;
use crate::events::Events;
use crate::hub_process::HubProcessState;
use crate::live_sessions::LiveSessions;
use crate::metrics::{Metrics, Readings};
use crate::outbox::Outbox;
use crate::rpc::{Destinations, Overlay, Renderings, own_username};
use crate::session_ids::SessionIds;
use crate::spool::Spool;
use crate::uplink::{LinkStatus, Uplink};

/// Clocks that differ by less are taken to agree: one is slewed, not set.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// A running daemon.
pub struct Daemon {
    pub settings: Arc<Settings>,
    pub cache: Cache,
    pub events: Events,
    pub outbox: Outbox,
    pub uplink: Uplink,
    pub sessions: Arc<LiveSessions>,
    pub hub: Hub,
    pub places: Places,
    /// What is known of the directories in which agents work.
    pub directories: crate::place::Places,
    pub activity: Activity,
    pub session_ids: SessionIds,
    pub metrics: Metrics,
    pub renderings: Renderings,
    pub destinations: Destinations,
    /// Absent where its directory cannot be used.
    pub spool: Option<Spool>,
    /// What an operator should know of since the start.
    pub notices: Notices,
    pub lifetime: Lifetime,
}

/// The hub as it was configured.
pub struct Hub {
    pub mode: HubMode,
    pub database: String,
    /// Where it is; none until a local hub runs.
    pub uri: watch::Receiver<Option<String>>,
    /// The local hub, where there is one.
    pub process: Option<watch::Receiver<HubProcessState>>,
    pub link: watch::Receiver<LinkStatus>,
}

impl Hub {
    /// What the link says, or why the local hub does not run, which explains it.
    pub fn detail(&self) -> String {
        let down = self
            .process
            .as_ref()
            .and_then(|process| match &*process.borrow() {
                HubProcessState::Down(why) => Some(format!("the local hub does not run: {why}")),
                HubProcessState::Starting => Some("the local hub is starting".to_owned()),
                HubProcessState::Running { .. } | HubProcessState::Stopped => None,
            });
        down.unwrap_or_else(|| self.link.borrow().detail.clone())
    }

    fn pid(&self) -> Option<u32> {
        match &*self.process.as_ref()?.borrow() {
            HubProcessState::Running { pid, .. } => *pid,
            _ => None,
        }
    }
}

/// Where the daemon keeps its things.
#[derive(Clone, Debug)]
pub struct Places {
    pub socket: PathBuf,
    pub state_dir: PathBuf,
    pub cache_dir: PathBuf,
}

/// Faults that do not stop the daemon, for `daemon.status`. A few at most.
#[derive(Debug, Default)]
pub struct Notices(Mutex<Vec<String>>);

impl Notices {
    /// Keeps what an operator should know, and logs it.
    pub fn add(&self, notice: impl Into<String>) {
        let notice = notice.into();
        tracing::warn!("{notice}");
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(notice);
    }

    fn all(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// From the start to the end of the daemon.
#[derive(Debug)]
pub struct Lifetime {
    started: Instant,
    started_at: Timestamp,
    draining: AtomicBool,
    stop: watch::Sender<bool>,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            started_at: Timestamp::now(),
            draining: AtomicBool::new(false),
            stop: watch::Sender::new(false),
        }
    }
}

impl Lifetime {
    /// Resolves when the daemon is to stop.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        async move {
            // An error means that the daemon is gone, which is a stop too.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}

impl Daemon {
    /// How the link to the hub is now.
    pub fn link(&self) -> LinkStatus {
        self.hub.link.borrow().clone()
    }

    /// True while the hub is connected and the cache holds what it holds.
    pub fn live(&self) -> bool {
        self.hub.link.borrow().state == HubState::Live
    }

    /// The freshness of what is read now. A clock that is set makes it neither
    /// fresher nor older.
    pub fn meta(&self) -> Meta {
        let link = self.hub.link.borrow();
        let state = match link.state {
            // What the hub sends cannot be stored: reads show an older state.
            HubState::Live if self.cache.fault().is_some() => HubState::Syncing,
            state => state,
        };
        let age = Age {
            as_of: match link.fresh_at {
                Some(_) => link.as_of,
                None => self.cache.as_of(),
            },
            fresh_ago: link.fresh_at.map(|at| at.elapsed()),
            running_for: self.lifetime.started.elapsed(),
        };
        let (as_of, stale_for_ms) = age.at(Timestamp::now());
        Meta {
            as_of,
            hub: state,
            stale_for_ms,
        }
    }

    /// What time it is on the hub, by whose clock its leases run: as it told,
    /// and as time went on here since. Our own clock may be wrong or be set.
    pub fn hub_time(&self) -> Timestamp {
        let link = self.hub.link.borrow();
        let now = Timestamp::now().as_micros();
        let by_skew = now.saturating_add(link.clock_skew_ms.unwrap_or(0).saturating_mul(1000));
        let by_duration = link.hub_time.map_or(i64::MIN, |(told, at)| {
            let since = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
            told.as_micros().saturating_add(since)
        });
        // A clock that was set back makes the first too early, a machine that
        // slept the second.
        Timestamp::from_micros(by_skew.max(by_duration))
    }

    /// Whether reads can be answered truthfully.
    ///
    /// # Errors
    /// `not_ready` before the first load.
    pub fn readiness(&self) -> Result<(), RpcError> {
        if self.cache.ready() {
            return Ok(());
        }
        let link = self.hub.link.borrow();
        let message = format!(
            "nothing has been loaded from the hub yet: {}",
            self.hub.detail()
        );
        let error = RpcError::new(ErrorKind::NotReady, message).retry_after_ms(500);
        Err(match link.state {
            HubState::Offline => error
                .hint("the hub must be reached once; `spacesctl status` says what is in the way"),
            HubState::Live | HubState::Syncing => error.hint("try again in a moment"),
        })
    }

    /// Whether writes are still taken.
    ///
    /// # Errors
    /// `busy` while the daemon drains.
    pub fn accepting(&self) -> Result<(), RpcError> {
        if !self.lifetime.draining.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(RpcError::new(
            ErrorKind::Busy,
            "the daemon is stopping and takes no new writes",
        )
        .hint("try again when it is back")
        .retry_after_ms(2000))
    }

    /// From now on no writes are taken.
    pub fn accept_no_more(&self) {
        self.lifetime.draining.store(true, Ordering::Release);
    }

    /// Begins the orderly end of the program.
    pub fn stop(&self) {
        self.accept_no_more();
        self.lifetime.stop.send_replace(true);
    }

    /// There is something to send: while offline, try at once.
    pub fn hasten(&self) {
        if self.hub.link.borrow().state == HubState::Offline {
            self.uplink.reconnect();
        }
    }

    /// Reads with pending writes in them.
    pub fn overlay(&self) -> Overlay<'_> {
        Overlay::new(&self.cache, self.outbox.pending())
    }

    /// The hub's id of a session, from whatever its tool calls it.
    pub fn session_id(&self, id: &str) -> String {
        self.session_ids.uuid(id)
    }

    /// The name under which this machine's writes appear.
    pub fn username(&self) -> String {
        own_username(&self.cache).unwrap_or_else(|_| "me".into())
    }

    /// The caller's role in a server; none for who is no member.
    ///
    /// # Errors
    /// Where the cache cannot be read.
    pub fn role_in(&self, server_id: u64) -> Result<Option<Role>, CacheError> {
        let Some(me) = self.cache.me() else {
            return Ok(None);
        };
        Ok(self.cache.member(server_id, &me)?.map(|member| member.role))
    }

    /// Where others can reach the hub.
    ///
    /// # Errors
    /// `hub_unreachable` while a local hub is not up.
    pub fn hub_address(&self) -> Result<String, RpcError> {
        self.hub.uri.borrow().clone().ok_or_else(|| {
            RpcError::new(ErrorKind::HubUnreachable, "the local hub is not running")
                .hint("`spacesctl status` says more")
        })
    }

    /// Everything that an operator asks for first. Does not touch the disk.
    pub fn status(&self) -> DaemonStatus {
        let link = self.link();
        let meta = self.meta();
        let outbox = self.outbox.status();
        let mut warnings = self.notices.all();
        warnings.extend(outbox.fault.clone());
        warnings.extend(self.cache.fault());
        DaemonStatus {
            version: VERSION.to_owned(),
            protocol: PROTOCOL,
            pid: std::process::id(),
            started_at: self.lifetime.started_at,
            uptime_ms: u64::try_from(self.lifetime.started.elapsed().as_millis())
                .unwrap_or(u64::MAX),
            socket: self.places.socket.display().to_string(),
            config_file: Some(self.settings.file())
                .filter(|file| file.exists())
                .map(|file| file.display().to_string()),
            state_dir: self.places.state_dir.display().to_string(),
            cache_dir: self.places.cache_dir.display().to_string(),
            hub: HubStatus {
                state: link.state,
                mode: self.hub.mode,
                uri: self.hub.uri.borrow().clone(),
                database: self.hub.database.clone(),
                detail: self.hub.detail(),
                since: link.since,
                as_of: meta.as_of,
                stale_for_ms: meta.stale_for_ms,
                identity: link
                    .identity
                    .or(self.cache.me())
                    .map(|identity| identity.to_string()),
                username: Some(self.username()).filter(|name| name != "me"),
                schema_version: link.schema_version,
                module_version: link.module_version,
                last_error: link.last_error,
                reconnects: link.reconnects,
                round_trip_ms: link.round_trip.map(|time| time.as_secs_f64() * 1000.0),
                clock_skew_ms: link.clock_skew_ms,
                pid: self.hub.pid(),
            },
            outbox,
            cache: self.cache.status(),
            connections: self.metrics.connections(),
            subscribers: self.metrics.subscribers(),
            requests: self.metrics.requests(),
            spool: self.spool_status(),
            warnings,
        }
    }

    fn spool_status(&self) -> SpoolStatus {
        let nothing = SpoolStatus {
            waiting: 0,
            accepted_total: 0,
            set_aside: 0,
        };
        self.spool.as_ref().map_or(nothing, Spool::status)
    }

    /// Everything that is measured, as OpenMetrics text.
    pub fn metrics_text(&self) -> String {
        let link = self.link();
        let outbox = self.outbox.status();
        let cache = self.cache.status();
        let spool = self.spool_status();
        let stale_ms = u32::try_from(self.meta().stale_for_ms).unwrap_or(u32::MAX);
        self.metrics.text(&Readings {
            hub_live: link.state == HubState::Live,
            hub_stale_seconds: f64::from(stale_ms) / 1000.0,
            hub_reconnects: link.reconnects,
            hub_round_trip_seconds: link.round_trip.map(|time| time.as_secs_f64()),
            outbox_queued: outbox.queued,
            outbox_bytes: outbox.bytes,
            outbox_rejected: outbox.rejected,
            outbox_sent: outbox.sent_total,
            outbox_fault: outbox.fault.is_some(),
            cache_ready: cache.ready,
            cache_messages: cache.messages,
            cache_bytes: cache.bytes,
            cache_last_seq: cache.last_seq,
            spool_waiting: spool.waiting,
            spool_set_aside: spool.set_aside,
            uptime_seconds: self.lifetime.started.elapsed().as_secs_f64(),
            resident_bytes: resident_bytes(),
        })
    }
}

/// Memory of this process, where the system tells it in a file.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

/// How old what is read is, as far as it is known.
struct Age {
    /// By the wall clock of that time.
    as_of: Timestamp,
    /// The same by a clock that is never set, where it was in this run.
    fresh_ago: Option<Duration>,
    running_for: Duration,
}

impl Age {
    /// When it was as the hub's, on the present wall clock, and the milliseconds
    /// since; at least so many, where the clocks do not agree.
    fn at(&self, now: Timestamp) -> (Timestamp, u64) {
        let told = Duration::from_millis(self.as_of.millis_until(now));
        let (age, tolerance) = match self.fresh_ago {
            Some(ago) => (ago, CLOCK_STEP),
            // From before this run, whatever the wall clock says.
            None => (told.max(self.running_for), Duration::ZERO),
        };
        let millis = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        if age.abs_diff(told) <= tolerance && self.as_of <= now {
            return (self.as_of, millis);
        }
        let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        let as_of = Timestamp::from_micros(now.as_micros().saturating_sub(micros));
        (as_of, millis)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use spaces_api::Timestamp;

    use super::Age;

    const HOUR: i64 = 3_600_000_000;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn an_age_is_that_of_the_clock_that_was_not_set() {
        let as_of = at(1_000 * HOUR);
        let age = Age {
            as_of,
            fresh_ago: Some(Duration::from_secs(60)),
            running_for: Duration::from_secs(7200),
        };
        let minute = 60_000_000;
        assert_eq!(age.at(at(1_000 * HOUR + minute)), (as_of, 60_000));
        for set in [-HOUR, HOUR] {
            let now = 1_000 * HOUR + minute + set;
            assert_eq!(age.at(at(now)), (at(now - minute), 60_000), "set by {set}");
        }
    }

    #[test]
    fn a_time_from_before_the_start_is_never_later_than_the_start() {
        let age = Age {
            as_of: at(1_000 * HOUR),
            fresh_ago: None,
            running_for: Duration::from_secs(60),
        };
        assert_eq!(age.at(at(1_002 * HOUR)), (at(1_000 * HOUR), 7_200_000));
        let back = 999 * HOUR;
        assert_eq!(age.at(at(back)), (at(back - 60_000_000), 60_000));
    }
}
