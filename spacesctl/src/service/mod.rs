//! `spacesctl service`: the daemon (or a hub) kept running by systemd or launchd.

mod launchd;
mod plan;
mod systemd;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use spaces_api::ErrorKind;
use spaces_api::methods::daemon;

use crate::ctl::Ctl;
use crate::failure::Failure;
use plan::{Places, Step};

/// Keep the daemon running: install, start, stop and look after its service
///
/// With systemd the user's own units, with launchd the user's own jobs. A hub
/// for a team can also run as a service of the system (`--system`).
#[derive(Args, Debug)]
pub struct ServiceArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install and start the service; doing it again changes nothing
    #[command(after_help = "\
Examples:
  spacesctl service install
  spacesctl service install --dry-run
  sudo spacesctl service install hub --system --uri https://hub.example.org
                                     a hub for a team, behind a TLS proxy
  sudo spacesctl service install hub --system --listen 0.0.0.0:3300 --uri http://hub.lan:3300
                                     one for a network whose every machine is trusted")]
    Install {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        address: HubAddress,
    },
    /// Stop and remove the service; no data is touched
    #[command(after_help = "\
Examples:
  spacesctl service uninstall")]
    Uninstall(Which),
    /// Start the service
    #[command(after_help = "\
Examples:
  spacesctl service start")]
    Start(Which),
    /// Stop the service; what is queued stays on disk
    #[command(after_help = "\
Examples:
  spacesctl service stop")]
    Stop(Which),
    /// Restart the service, after it has sent what it can: after an upgrade
    #[command(after_help = "\
Examples:
  spacesctl service restart")]
    Restart(Which),
    /// Show what the service manager says of the service
    #[command(after_help = "\
Examples:
  spacesctl service status")]
    Status(Which),
    /// Show the service's log
    #[command(after_help = "\
Examples:
  spacesctl service logs
  spacesctl service logs --follow --lines 20")]
    Logs {
        #[command(flatten)]
        which: Which,
        /// Go on showing what is written
        #[arg(long, short)]
        follow: bool,
        /// How many lines to begin with
        #[arg(long, short = 'n', default_value_t = 100)]
        lines: u32,
    },
}

#[derive(Args, Clone, Copy, Debug)]
struct Which {
    /// Which program
    #[arg(default_value = "daemon")]
    unit: Unit,
    /// A service of the system instead of your own; only for a hub, with systemd
    #[arg(long)]
    system: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Where a hub listens, and how others reach it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "For a hub")]
pub struct HubAddress {
    /// Where it listens [default: 127.0.0.1:3300]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Address by which others reach it, written into its first invite
    /// [default: http:// and where it listens]
    #[arg(long, value_name = "URI", value_parser = crate::words::hub_address)]
    pub uri: Option<String>,
}

/// What can be kept running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// spacesd, with its socket
    Daemon,
    /// spaces-hub on its own, for several machines or people
    Hub,
}

impl HubAddress {
    /// # Errors
    /// The program is no hub, or others could not tell where it is.
    fn check(&self, unit: Unit) -> Result<(), Failure> {
        let refused = |what: &str, hint: &str| {
            Err(Failure::new(ErrorKind::InvalidParams, what.to_owned()).hint(hint))
        };
        if unit != Unit::Hub && (self.listen.is_some() || self.uri.is_some()) {
            return refused(
                "`--listen` and `--uri` are for a hub",
                "for a hub: `spacesctl service install hub`; where the daemon finds its hub is \
                 said by `hub.uri` in the configuration",
            );
        }
        let everywhere = self.listen.filter(|listen| listen.ip().is_unspecified());
        match everywhere {
            Some(listen) if self.uri.is_none() => refused(
                &format!("a hub that listens on {listen} needs `--uri`: invites say it"),
                "give the address that others use, such as `--uri http://hub.lan:3300`",
            ),
            _ => Ok(()),
        }
    }
}

impl Unit {
    pub const fn program(self) -> &'static str {
        match self {
            Self::Daemon => "spacesd",
            Self::Hub => "spaces-hub",
        }
    }
}

/// How long the daemon may send what is queued before a restart.
const DRAIN: Duration = Duration::from_secs(5);

impl ServiceArgs {
    /// Does what was asked of the service manager.
    ///
    /// # Errors
    /// A program or file is missing, or the service manager refuses.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let which = self.command.which();
        if which.system && (which.unit != Unit::Hub || cfg!(target_os = "macos")) {
            return Err(Failure::new(
                ErrorKind::InvalidParams,
                "only a hub under systemd can be a service of the system",
            )
            .hint("the daemon is each user's own: leave `--system` out"));
        }
        let manager = Manager::here();
        let plan = match self.command {
            Command::Install { which, address } => {
                address.check(which.unit)?;
                let places = Places::find(which.unit, &ctl.paths)?;
                match manager {
                    Manager::Systemd => {
                        systemd::install(which.unit, which.system, &places, &address)
                    }
                    Manager::Launchd => launchd::install(which.unit, &places, &address),
                }
            }
            command => {
                if matches!(command, Command::Restart(_)) && !which.dry_run {
                    drain(ctl, which.unit);
                }
                let verb = command.verb();
                match manager {
                    Manager::Systemd => {
                        systemd::act(which.unit, which.system, &config_dir()?, &verb)
                    }
                    Manager::Launchd => launchd::act(which.unit, &home()?, &ctl.paths, &verb),
                }
            }
        };
        if which.dry_run {
            if ctl.out.is_json() {
                ctl.out.json(&json!({ "steps": plan.describe() }))?;
            } else {
                for line in plan.describe() {
                    ctl.out.line(line.trim_end());
                }
            }
            return ctl.out.flush();
        }
        let done = plan.carry_out()?;
        if ctl.out.is_json() {
            ctl.out.json(&json!({ "done": done }))?;
        } else {
            for line in done {
                ctl.out.line(line);
            }
        }
        ctl.out.flush()
    }
}

impl Command {
    fn which(&self) -> Which {
        match self {
            Self::Install { which, .. }
            | Self::Uninstall(which)
            | Self::Start(which)
            | Self::Stop(which)
            | Self::Restart(which)
            | Self::Status(which)
            | Self::Logs { which, .. } => *which,
        }
    }

    fn verb(&self) -> Verb {
        match self {
            // `install` is planned apart, because it needs the programs.
            Self::Install { .. } | Self::Start(_) => Verb::Start,
            Self::Uninstall(_) => Verb::Uninstall,
            Self::Stop(_) => Verb::Stop,
            Self::Restart(_) => Verb::Restart,
            Self::Status(_) => Verb::Status,
            Self::Logs { follow, lines, .. } => Verb::Logs {
                follow: *follow,
                lines: *lines,
            },
        }
    }
}

/// What can be done with an installed service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Uninstall,
    Start,
    Stop,
    Restart,
    Status,
    Logs { follow: bool, lines: u32 },
}

#[derive(Clone, Copy, Debug)]
enum Manager {
    Systemd,
    Launchd,
}

impl Manager {
    const fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::Launchd
        } else {
            Self::Systemd
        }
    }
}

/// Whether this user's daemon is a service here.
pub fn is_installed() -> bool {
    let file = match Manager::here() {
        Manager::Systemd => config_dir().map(|dir| systemd::daemon_file(&dir)),
        Manager::Launchd => home().map(|home| launchd::job_file(Unit::Daemon, &home)),
    };
    file.is_ok_and(|file| file.is_file())
}

/// Lets a daemon that answers send what it can. One that does not answer keeps
/// its outbox on disk; the restart goes on either way.
fn drain(ctl: &mut Ctl, unit: Unit) {
    if unit != Unit::Daemon {
        return;
    }
    let params = daemon::DrainParams {
        timeout_ms: u64::try_from(DRAIN.as_millis()).ok(),
        stay: true,
    };
    let told = ctl
        .client
        .call_within::<daemon::Drain>(&params, DRAIN + Duration::from_secs(2));
    match told {
        Ok(drained) if drained.still_queued > 0 && !ctl.out.is_json() => {
            ctl.out.line(format_args!(
                "{} stay in the outbox and are sent after the restart",
                crate::output::count(drained.still_queued, "write")
            ))
        }
        Ok(_) => {}
        Err(error) => crate::ctl::note(&format!("restarting without a drain: {error}")),
    }
}

fn home() -> Result<PathBuf, Failure> {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .ok_or_else(|| {
            Failure::new(ErrorKind::NotFound, "cannot tell the home directory").hint("set HOME")
        })
}

/// Where the user's own units are.
fn config_dir() -> Result<PathBuf, Failure> {
    match std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => Ok(dir),
        _ => Ok(home()?.join(".config")),
    }
}

/// A step that runs a program.
fn run<const N: usize>(words: [&str; N]) -> Step {
    Step::Run(words.map(str::to_owned).into())
}
