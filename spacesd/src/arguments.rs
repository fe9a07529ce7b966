use std::collections::HashMap;
use std::path::PathBuf;

use clap::{Parser, ValueEnum as _};
use spaces_client::{PathError, Paths};

use crate::config::{Flag, LogFormat, Source};

/// The Spaces sidecar daemon: one hub connection, a durable outbox and a local
/// cache behind a Unix socket.
#[derive(Debug, Parser)]
#[command(name = "spacesd", version, after_help = EXAMPLES)]
pub struct Arguments {
    /// Configuration file [default: ~/.config/spaces/config.toml] [env: SPACES_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Path of the Unix socket [default: $XDG_RUNTIME_DIR/spaces/spacesd.sock] [env: SPACES_SOCKET]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// What must survive: outbox, token, spool [default: ~/.local/state/spaces] [env: SPACES_STATE_DIR]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,

    /// What may be deleted [default: ~/.cache/spaces] [env: SPACES_CACHE_DIR]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,

    /// Form of the log lines on standard error
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// Print every configuration key with its documentation and default, and exit
    #[arg(long)]
    pub print_config: bool,

    /// Check the configuration, and exit
    #[arg(long)]
    pub check_config: bool,
}

const EXAMPLES: &str = "\
Examples:
  spacesd                                  serve with the settings of the configuration file
  spacesd --print-config > config.toml     begin a configuration file
  spacesd --check-config                   find mistakes in it, with line and column
  SPACES_LOG_LEVEL=debug spacesd           any key by the environment: log.level
  spacesctl up                             start hub and daemon in the background

Signals: SIGTERM and SIGINT finish what was begun and stop; SIGHUP reads the configuration again.";

impl Arguments {
    /// The places of this run.
    ///
    /// # Errors
    /// Where one cannot be told or cannot work.
    pub fn places(&self) -> Result<Paths, PathError> {
        let mut places = Paths::from_env()?;
        let given = [
            (&self.config, &mut places.config_file),
            (&self.socket, &mut places.socket),
            (&self.state_dir, &mut places.state_dir),
            (&self.cache_dir, &mut places.cache_dir),
        ];
        for (given, place) in given {
            if let Some(given) = given {
                // A relative path means what it means to the shell that started us.
                place.clone_from(&std::path::absolute(given).unwrap_or_else(|_| given.clone()));
            }
        }
        Ok(places)
    }

    /// Where the settings come from.
    pub fn settings_source(&self, places: &Paths) -> Source {
        let environment: HashMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("SPACES_"))
            .collect();
        let log_format = self
            .log_format
            .and_then(|format| format.to_possible_value());
        Source {
            file: places.config_file.clone(),
            must_exist: self.config.is_some(),
            environment,
            flags: log_format
                .map(|format| Flag {
                    key: "log.format",
                    name: "--log-format",
                    value: format.get_name().to_owned(),
                })
                .into_iter()
                .collect(),
        }
    }
}
