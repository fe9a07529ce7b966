//! The hub's log on standard error, with the module's own log in it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde::Deserialize;
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt;

use crate::args::LogFormat;
use crate::http::Hub;

/// The engine tells at `info` what concerns its developers, and warns at each
/// start that its snapshots have not begun yet.
const DEFAULT_FILTER: &str = "info,spacetimedb=warn,spacetimedb_engine=warn,\
    spacetimedb_engine::snapshot=error,spacetimedb_commitlog=warn,spacetimedb_durability=warn,\
    spacetimedb_snapshot=warn,spacetimedb_datastore=warn";

/// # Errors
/// When `RUST_LOG` is not a filter.
pub fn init(format: LogFormat) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => parse(&filter)
            .map_err(|error| anyhow::anyhow!("RUST_LOG={filter:?} is not a log filter: {error}"))?,
        _ => EnvFilter::new(DEFAULT_FILTER),
    };
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    // A panic is one event of the log like any other.
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => tracing::error!(%panic, %backtrace, "a task crashed"),
            _ => tracing::error!(%panic, "a task crashed"),
        }
    }));
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, ParseError> {
    // `EnvFilter` (0.3.23) miscounts where a space precedes a directive.
    let directives: Vec<_> = filter.split(',').map(str::trim).collect();
    let builder = EnvFilter::builder().with_regex(false);
    builder.parse(directives.join(","))
}

/// For the time after the engine was stopped: its tasks that are then cut off
/// panic, which means nothing.
pub fn expect_panics() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::debug!(%panic, "a background task of the engine was cut off");
    }));
}

/// What the engine writes into the module's log has this as its target.
const BY_THE_ENGINE: &str = "__spacetimedb__";

#[derive(Deserialize)]
struct Line<'a> {
    level: &'a str,
    #[serde(default)]
    target: Option<&'a str>,
    #[serde(default)]
    function: Option<&'a str>,
    message: std::borrow::Cow<'a, str>,
}

/// How long to wait with the module's log after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// Copies what the module logs from now on into the hub's log, until the hub
/// stops.
pub async fn follow_module(hub: Arc<Hub>) {
    // The log ends when the module crashes; the engine then starts it again
    // with a new one.
    let follow = async {
        loop {
            if let Err(error) = copy_log(&hub).await {
                tracing::warn!(error = %format!("{error:#}"), "the module's log cannot be followed");
                sleep(PAUSE).await;
            }
        }
    };
    tokio::select! {
        biased;
        () = hub.stopping.cancelled() => {}
        () = follow => {}
    }
}

async fn copy_log(hub: &Hub) -> anyhow::Result<()> {
    // Not kept: the log would not end as long as somebody holds it.
    let module = hub.engine.module().await?;
    let mut lines = module.database_logger().tail(Some(0), true).await?;
    drop(module);
    let mut rest = Vec::new();
    while let Some(bytes) = lines.next().await {
        rest.extend_from_slice(&bytes?);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if let Ok(line) = serde_json::from_slice(&line) {
                emit(&line);
            }
        }
    }
    Ok(())
}

fn emit(line: &Line<'_>) {
    let (function, message) = (line.function.unwrap_or_default(), &*line.message);
    // A reducer that refuses a call is no error of the hub's, and its text may
    // repeat what the caller sent.
    if line.target == Some(BY_THE_ENGINE) {
        tracing::debug!(target: "module", function, "{message}");
        return;
    }
    match line.level.to_ascii_lowercase().as_str() {
        "error" | "panic" => tracing::error!(target: "module", function, "{message}"),
        "warn" => tracing::warn!(target: "module", function, "{message}"),
        "info" => tracing::info!(target: "module", function, "{message}"),
        "debug" => tracing::debug!(target: "module", function, "{message}"),
        _ => tracing::trace!(target: "module", function, "{message}"),
    }
}
