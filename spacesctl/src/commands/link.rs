//! `reconnect` and `reload`: small orders to the daemon.

use std::time::{Duration, Instant};

use clap::Args;
use spaces_client::spaces_api::methods::{None as NoParams, daemon};

use super::up;
use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::output::clean_line;

/// Try to reach the hub at once
///
/// Waits until the link is live, and says why where it is not; with `--json` it
/// only asks for the attempt.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl reconnect --timeout 1m")]
pub struct Reconnect {
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = crate::words::duration)]
    timeout: Duration,
}

/// Read the configuration file again
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl reload")]
pub struct Reload {}

impl Reconnect {
    /// Has the daemon try.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let deadline = Instant::now() + self.timeout;
        ctl.read::<daemon::Reconnect>(&NoParams {}, |_, _| {})?;
        if ctl.out.is_json() {
            return Ok(());
        }
        let status = up::ask(ctl)?;
        let before = status.hub.detail.clone();
        let status = up::wait_until_live(ctl, status, deadline, before)?;
        let hub = status.hub;
        ctl.out.line(format_args!("hub {}", hub.state.as_str()));
        ctl.out.flush()
    }
}

impl Reload {
    /// Has the daemon read it.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        ctl.read::<daemon::Reload>(&NoParams {}, |out, reloaded| {
            if reloaded.applied.is_empty() && reloaded.needs_restart.is_empty() {
                out.line("nothing has changed");
            }
            for key in &reloaded.applied {
                out.line(format_args!("in force: {}", clean_line(key)));
            }
            for key in &reloaded.needs_restart {
                out.line(format_args!("after a restart: {}", clean_line(key)));
            }
        })
    }
}
