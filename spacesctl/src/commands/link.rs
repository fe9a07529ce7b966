//! `reconnect` and `reload`: small orders to the daemon.

use clap::Args;
use spaces_client::spaces_api::methods::{None as NoParams, daemon};

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::output::clean_line;

/// Try to reach the hub at once
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl reconnect")]
pub struct Reconnect {}

/// Read the configuration file again
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl reload")]
pub struct Reload {}

impl Reconnect {
    /// Has the daemon try.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        ctl.read::<daemon::Reconnect>(&NoParams {}, |out, pong| {
            out.line(format_args!("hub {}", pong.meta.hub.as_str()));
        })
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
