//! The hub's log on standard error, with the module's own log in it.

use std::io::IsTerminal;

use futures::StreamExt;
use serde::Deserialize;
use spacetimedb::host::ModuleHost;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::args::LogFormat;

/// The engine tells at `info` what concerns its developers, and warns at each
/// start that its snapshots have not begun yet.
const DEFAULT_FILTER: &str = "info,spacetimedb=warn,spacetimedb_engine=warn,\
    spacetimedb_engine::snapshot=error,spacetimedb_commitlog=warn,spacetimedb_durability=warn,\
    spacetimedb_snapshot=warn,spacetimedb_datastore=warn";

/// # Errors
/// When `RUST_LOG` is not a filter.
pub fn init(format: LogFormat) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => EnvFilter::try_new(&filter)
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
    Ok(())
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

/// Copies what the module logs from now on into the hub's log.
pub fn follow_module(module: &ModuleHost) {
    let logger = module.database_logger().clone();
    tokio::spawn(async move {
        let mut lines = match logger.tail(Some(0), true).await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::warn!(%error, "the module's log cannot be followed");
                return;
            }
        };
        let mut rest = Vec::new();
        while let Some(Ok(bytes)) = lines.next().await {
            rest.extend_from_slice(&bytes);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if let Ok(line) = serde_json::from_slice(&line) {
                    emit(&line);
                }
            }
        }
    });
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
