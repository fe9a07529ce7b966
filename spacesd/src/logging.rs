//! Logs to standard error: text or JSON, one line per event. Peers' text is
//! never logged at info or above.

mod journal;

use std::io::IsTerminal;

use anyhow::Context as _;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{Log, LogFormat};

/// Changes the level of the running program.
#[derive(Clone, Debug)]
pub struct LevelHandle(reload::Handle<EnvFilter, Registry>);

impl LevelHandle {
    /// Takes a new level over at once.
    ///
    /// # Errors
    /// Where it is neither a level nor a list of directives.
    pub fn set(&self, level: &str) -> anyhow::Result<()> {
        let filter = parse_level(level).with_context(|| format!("`{level}` is not a log level"))?;
        self.0.reload(filter).context("cannot change the log level")
    }
}

/// Reads a level (`info`) or directives (`info,spacesd::uplink=debug`).
///
/// # Errors
/// Where it is neither.
pub fn parse_level(level: &str) -> Result<EnvFilter, ParseError> {
    // `EnvFilter` (0.3.23) counts from the first letter and cuts from the space
    // before it: it takes a wrong target, or panics within a letter.
    let directives: Vec<_> = level.split(',').map(str::trim).collect();
    // Values of fields are compared as they are: as regular expressions, which
    // they otherwise are, a few hundred bytes of them take minutes.
    let builder = EnvFilter::builder().with_regex(false);
    builder.parse(directives.join(","))
}

/// Starts logging for the whole program.
///
/// # Errors
/// Where the level is not one, or logging was started before.
pub fn start(log: &Log) -> anyhow::Result<LevelHandle> {
    let filter = parse_level(&log.level).with_context(|| format!("log.level `{}`", log.level))?;
    let (filter, handle) = reload::Layer::new(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text if journal::reads(std::io::stderr()) => {
            lines.event_format(journal::Lines::default()).boxed()
        }
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .context("cannot start logging")?;
    Ok(LevelHandle(handle))
}

#[cfg(test)]
mod tests {
    use super::parse_level;

    #[test]
    fn spaces_around_directives_mean_nothing() {
        let plain = parse_level("info,spacesd::uplink=debug").unwrap();
        let spaced = parse_level(" info , spacesd::uplink=debug ").unwrap();
        assert_eq!(spaced.to_string(), plain.to_string());
        assert!(parse_level("  größe=").is_ok(), "a target of any letters");
        assert!(parse_level("  ö=ö").is_err());
    }

    #[test]
    fn a_field_s_value_is_no_regular_expression() {
        assert!(parse_level("[span{field=(}]=debug").is_ok());
    }
}
