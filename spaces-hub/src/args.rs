//! The command line and its environment twins.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use spacetimedb_client_api_messages::name::DatabaseName;

const EXAMPLES: &str = "\
Examples:
  spaces-hub --data-dir ~/.local/state/spaces/hub
      A hub for this machine on 127.0.0.1:3300. The first start leaves an
      owner.invite in the data directory: who redeems it owns the first server.

  spaces-hub --data-dir /var/lib/spaces-hub --listen 0.0.0.0:3300 --uri http://hub.lan:3300
      A hub for a network; invites carry the address given with --uri.

  spaces-hub --ephemeral --listen 127.0.0.1:0 --port-file port
      A throw-away hub for tests on a free port, which is written to the file
      `port` once the hub answers.

Logs go to standard error. RUST_LOG selects them, as in RUST_LOG=debug.";

/// The SpacetimeDB engine with the Spaces module inside, as one server.
#[derive(Debug, Parser)]
#[command(name = "spaces-hub", version, after_help = EXAMPLES)]
pub struct Args {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "SPACES_HUB_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:3300"
    )]
    pub listen: SocketAddr,

    /// Where the hub keeps its data; created if missing
    #[arg(
        long,
        env = "SPACES_HUB_DATA_DIR",
        value_name = "DIR",
        required_unless_present = "ephemeral",
        conflicts_with = "ephemeral"
    )]
    pub data_dir: Option<PathBuf>,

    /// Keep the data in a temporary directory that is removed on exit
    #[arg(long, env = "SPACES_HUB_EPHEMERAL")]
    pub ephemeral: bool,

    /// File to write the port to, once the hub answers; removed on exit
    #[arg(long, env = "SPACES_HUB_PORT_FILE", value_name = "FILE")]
    pub port_file: Option<PathBuf>,

    /// Run this WebAssembly module instead of the one inside the binary
    #[arg(long, env = "SPACES_HUB_MODULE", value_name = "FILE")]
    pub module: Option<PathBuf>,

    /// Name under which clients find the database
    #[arg(
        long,
        env = "SPACES_HUB_DATABASE",
        value_name = "NAME",
        default_value = "spaces"
    )]
    pub database: DatabaseName,

    /// Address by which others reach the hub, written into invites
    /// [default: http:// and the address it listens on]
    #[arg(long, env = "SPACES_HUB_URI", value_name = "URI")]
    pub uri: Option<String>,

    /// How to write logs
    #[arg(long, env = "SPACES_HUB_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    /// One JSON object per line
    Json,
}
