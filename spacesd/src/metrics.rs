//! What is counted while the daemon runs, for `daemon.status` and `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use spaces_api::ErrorKind;

/// Bounds of the buckets of request durations, in seconds.
const BUCKETS: [f64; 11] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0,
];

/// All counters; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    requests: Family<MethodLabel, Counter>,
    errors: Family<ErrorLabels, Counter>,
    durations: Histogram,
    all_requests: Counter,
    connections: Gauge,
    connections_total: Counter,
    turned_away: Counter,
    subscribers: Gauge,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            errors: Family::default(),
            durations: Histogram::new(BUCKETS),
            all_requests: Counter::default(),
            connections: Gauge::default(),
            connections_total: Counter::default(),
            turned_away: Counter::default(),
            subscribers: Gauge::default(),
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MethodLabel {
    method: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabels {
    kind: KindLabel,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct KindLabel(ErrorKind);

impl EncodeLabelValue for KindLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_str().encode(encoder)
    }
}

/// Values that are read from elsewhere at the moment of asking.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    pub hub_live: bool,
    pub hub_stale_seconds: f64,
    pub hub_reconnects: u64,
    pub hub_round_trip_seconds: Option<f64>,
    pub outbox_queued: u64,
    pub outbox_bytes: u64,
    pub outbox_rejected: u64,
    pub outbox_sent: u64,
    pub outbox_fault: bool,
    pub cache_ready: bool,
    pub cache_messages: u64,
    pub cache_bytes: u64,
    pub cache_last_seq: u64,
    pub spool_waiting: u64,
    pub spool_set_aside: u64,
    pub uptime_seconds: f64,
    pub resident_bytes: Option<u64>,
}

impl Metrics {
    /// Counts a call that was answered. `method` is none where there is no such
    /// method: names that clients make up are not kept.
    pub(crate) fn answered(
        &self,
        method: Option<&'static str>,
        took: Duration,
        error: Option<ErrorKind>,
    ) {
        self.0.all_requests.inc();
        self.0.durations.observe(took.as_secs_f64());
        let method = method.unwrap_or("unknown");
        self.0.requests.get_or_create(&MethodLabel { method }).inc();
        if let Some(kind) = error {
            self.0
                .errors
                .get_or_create(&ErrorLabels {
                    kind: KindLabel(kind),
                })
                .inc();
        }
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> Guard {
        self.0.connections_total.inc();
        Guard::raise(&self.0.connections)
    }

    /// Counts a subscriber until the guard is dropped.
    pub(crate) fn subscriber(&self) -> Guard {
        Guard::raise(&self.0.subscribers)
    }

    pub(crate) fn turned_away(&self) {
        self.0.turned_away.inc();
    }

    /// Calls answered since the start.
    pub fn requests(&self) -> u64 {
        self.0.all_requests.get()
    }

    /// Connections that are open.
    pub fn connections(&self) -> u64 {
        self.0.connections.get().unsigned_abs()
    }

    /// Subscriptions that are open.
    pub fn subscribers(&self) -> u64 {
        self.0.subscribers.get().unsigned_abs()
    }

    /// Everything in the OpenMetrics text format.
    pub fn text(&self, readings: &Readings) -> String {
        let mut registry = Registry::with_prefix("spaces");
        let inner = &self.0;
        registry.register(
            "requests",
            "Calls answered, by method",
            inner.requests.clone(),
        );
        registry.register(
            "errors",
            "Calls answered with an error, by kind",
            inner.errors.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from a call's arrival to its reply",
            Unit::Seconds,
            inner.durations.clone(),
        );
        registry.register(
            "connections",
            "Connections open now",
            inner.connections.clone(),
        );
        registry.register(
            "accepted_connections",
            "Connections accepted since the start",
            inner.connections_total.clone(),
        );
        registry.register(
            "turned_away_connections",
            "Connections refused because all seats were taken",
            inner.turned_away.clone(),
        );
        registry.register(
            "subscribers",
            "Event subscriptions open now",
            inner.subscribers.clone(),
        );
        readings.register(&mut registry);
        let mut text = String::new();
        // Writing to memory; only a faulty label could fail, and ours are words.
        let _ = encode(&mut text, &registry);
        text
    }
}

impl Readings {
    fn register(&self, registry: &mut Registry) {
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = Gauge::<i64, AtomicI64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        };
        gauge(
            "hub_live",
            "1 while the hub is connected and all is synced",
            self.hub_live.into(),
        );
        gauge(
            "outbox_queued",
            "Writes that wait for the hub",
            self.outbox_queued,
        );
        gauge(
            "outbox_bytes",
            "Bytes of the writes that wait",
            self.outbox_bytes,
        );
        gauge(
            "outbox_rejected",
            "Writes that the hub refused and nobody has dropped",
            self.outbox_rejected,
        );
        gauge(
            "outbox_fault",
            "1 while the outbox cannot be written",
            self.outbox_fault.into(),
        );
        gauge(
            "cache_ready",
            "1 once the cache has been loaded",
            self.cache_ready.into(),
        );
        gauge(
            "cache_messages",
            "Messages in the cache",
            self.cache_messages,
        );
        gauge(
            "cache_bytes",
            "Bytes of the cache on disk",
            self.cache_bytes,
        );
        gauge("cache_last_seq", "Highest seq applied", self.cache_last_seq);
        gauge(
            "spool_waiting",
            "Requests in the spool directory",
            self.spool_waiting,
        );
        gauge(
            "spool_set_aside",
            "Spooled requests that could not be read",
            self.spool_set_aside,
        );
        if let Some(bytes) = self.resident_bytes {
            gauge("resident_memory_bytes", "Memory of this process", bytes);
        }
        for (name, help, value) in [
            (
                "outbox_sent",
                "Writes confirmed by the hub since the start",
                self.outbox_sent,
            ),
            (
                "hub_reconnects",
                "Links to the hub that were live and ended",
                self.hub_reconnects,
            ),
        ] {
            let counter = Counter::<u64, AtomicU64>::default();
            counter.inc_by(value);
            registry.register(name, help, counter);
        }
        let mut seconds = |name: &str, help: &str, value: f64| {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(value);
            registry.register_with_unit(name, help, Unit::Seconds, gauge);
        };
        seconds(
            "hub_stale",
            "Age of the cache against the hub",
            self.hub_stale_seconds,
        );
        seconds("uptime", "Time since the start", self.uptime_seconds);
        if let Some(round_trip) = self.hub_round_trip_seconds {
            seconds(
                "hub_round_trip",
                "Last measured round trip to the hub",
                round_trip,
            );
        }
    }
}

/// Lowers a gauge again when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard(Gauge);

impl Guard {
    fn raise(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use spaces_api::ErrorKind;

    use super::{Metrics, Readings};

    #[test]
    fn counts_are_shown_and_guards_count_down() {
        let metrics = Metrics::default();
        metrics.answered(Some("daemon.ping"), Duration::from_micros(80), None);
        metrics.answered(
            None,
            Duration::from_micros(80),
            Some(ErrorKind::MethodNotFound),
        );
        let guard = metrics.connection();
        assert_eq!(metrics.connections(), 1);
        drop(guard);
        let readings = Readings {
            outbox_queued: 7,
            ..Readings::default()
        };
        let text = metrics.text(&readings);
        for line in [
            "spaces_requests_total{method=\"daemon.ping\"} 1",
            "spaces_errors_total{kind=\"method_not_found\"} 1",
            "spaces_connections 0",
            "spaces_outbox_queued 7",
            "spaces_request_duration_seconds_count 2",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} not in\n{text}"
            );
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
