use std::process::Child;
use std::time::{Duration, Instant};

use clap::Args;
use spaces_client::Error;
use spaces_client::spaces_api::methods::{None as NoParams, daemon};
use spaces_client::spaces_api::model::DaemonStatus;
use spaces_client::spaces_api::{ErrorKind, HubState};

use super::{launch, status};
use crate::ctl::{Ctl, note};
use crate::failure::Failure;
use crate::output::clean_line;

/// Start the daemon, and in local mode the hub, if they do not run
///
/// Waits until the daemon answers and its link to the hub is live, then says
/// what runs where. Run again it does no harm.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl up
  spacesctl up --timeout 5m     first start on a slow machine
  spacesctl up --no-wait-hub    enough that the daemon answers")]
pub struct Up {
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = crate::words::duration)]
    timeout: Duration,
    /// Do not wait until the hub is live
    #[arg(long)]
    no_wait_hub: bool,
}

/// Time between two looks at a daemon that is starting.
const LOOK_EVERY: Duration = Duration::from_millis(25);

impl Up {
    /// Starts what does not run and waits for it.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let deadline = Instant::now() + self.timeout;
        let first = ensure_daemon(ctl, deadline)?;
        let status = match self.no_wait_hub {
            true => first,
            false => wait_until_live(ctl, first, deadline, String::new())?,
        };
        if ctl.out.is_json() {
            ctl.out.json(&status)?;
        } else {
            status::show(&mut ctl.out, &status);
        }
        ctl.out.flush()
    }
}

/// Starts the daemon where none runs, and waits until it answers.
///
/// # Errors
/// Where it does not; then with what it said last.
pub fn ensure_daemon(ctl: &mut Ctl, deadline: Instant) -> Result<DaemonStatus, Failure> {
    match ask(ctl) {
        Ok(status) => Ok(status),
        Err(Error::DaemonUnreachable { .. }) => {
            let mut child = launch::start_daemon(&ctl.paths)?;
            progress(ctl, "starting spacesd");
            wait_until_it_answers(ctl, &mut child, deadline)
        }
        Err(error) => Err(error.into()),
    }
}

/// How the daemon is.
///
/// # Errors
/// That it cannot be reached.
pub fn ask(ctl: &mut Ctl) -> Result<DaemonStatus, Error> {
    ctl.client
        .call_within::<daemon::Status>(&NoParams {}, Duration::from_secs(5))
}

fn wait_until_it_answers(
    ctl: &mut Ctl,
    child: &mut Child,
    deadline: Instant,
) -> Result<DaemonStatus, Failure> {
    loop {
        let error = match ask(ctl) {
            Ok(status) => return Ok(status),
            Err(error) if error.is_daemon_down() => error,
            Err(error) => return Err(error.into()),
        };
        if let Some(ended) = child.try_wait()? {
            // Another `up` may have been quicker: then its daemon answers.
            return ask(ctl).map_err(|_| {
                with_log(
                    ctl,
                    Failure::new(
                        ErrorKind::DaemonUnreachable,
                        format!("spacesd was started and ended at once ({ended})"),
                    ),
                )
            });
        }
        if Instant::now() >= deadline {
            return Err(with_log(ctl, error.into()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until the link to the hub is live, saying on stderr what it does, but
/// not `said` as the first.
///
/// # Errors
/// Where it is not live at the deadline; then with what the daemon knows.
pub fn wait_until_live(
    ctl: &mut Ctl,
    mut status: DaemonStatus,
    deadline: Instant,
    mut said: String,
) -> Result<DaemonStatus, Failure> {
    while status.hub.state != HubState::Live {
        if status.hub.detail != said {
            said.clone_from(&status.hub.detail);
            progress(
                ctl,
                &format!("hub {}: {}", status.hub.state.as_str(), clean_line(&said)),
            );
        }
        if Instant::now() >= deadline {
            let why = status
                .hub
                .last_error
                .as_deref()
                .unwrap_or(&status.hub.detail);
            return Err(Failure::new(
                ErrorKind::HubUnreachable,
                format!(
                    "spacesd runs (pid {}), but its hub is not live: {why}",
                    status.pid
                ),
            )
            .hint(format!(
                "posts are queued until it is; the daemon tries on by itself. Log: {}",
                ctl.paths.log_file().display()
            )));
        }
        std::thread::sleep(LOOK_EVERY);
        status = ask(ctl)?;
    }
    Ok(status)
}

/// Progress is for people and goes to stderr.
fn progress(ctl: &Ctl, what: &str) {
    if !ctl.out.is_json() {
        note(what);
    }
}

/// Adds what the daemon said last.
fn with_log(ctl: &Ctl, mut failure: Failure) -> Failure {
    let log_file = ctl.paths.log_file();
    let log = std::fs::read_to_string(&log_file).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    let last = &lines[lines.len().saturating_sub(5)..];
    if !last.is_empty() {
        failure.message = format!(
            "{}; it said last:\n    {}",
            failure.message,
            last.join("\n    ")
        );
    }
    failure.hint(format!("the whole log is {}", log_file.display()))
}
