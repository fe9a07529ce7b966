use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use spaces_client::Error;
use spaces_client::spaces_api::ErrorKind;
use spaces_client::spaces_api::methods::{None as NoParams, daemon, invite};
use spaces_client::spaces_api::model::{DaemonStatus, HubMode};
use spaces_domain::invite::{Invite, canonical_address};

use super::config::{self, Before};
use super::{down, status, up};
use crate::ctl::{Ctl, note};
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::output::clean_line;

/// Join a hub with an invite that somebody sent
///
/// Writes the hub's address into the configuration, starts the daemon if it does
/// not run, redeems the invite, and waits until the hub is live.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl join 'spaces-invite:1:...'
  spacesctl join -                       reads the line from stdin: it is a secret
  spacesctl join --switch -              from a hub of one's own to that of a team")]
pub struct Join {
    /// The whole line; `-` reads it from stdin
    invite: String,
    /// Leave the hub that the daemon serves, if it is another. What belongs to that
    /// one is kept for the day that the settings name it again
    #[arg(long)]
    switch: bool,
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = crate::words::duration)]
    timeout: Duration,
    #[command(flatten)]
    authority: Authority,
}

const ASK_FOR_ANOTHER: &str = "ask for a new one: they make it with `spacesctl invite create`";

/// How long a daemon that goes over to another hub may send what is queued.
const TIME_TO_SEND: Duration = Duration::from_secs(5);

/// Time between two tries while the daemon is on its way to the hub.
const TRY_EVERY: Duration = Duration::from_millis(200);

impl Join {
    /// Joins.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let deadline = Instant::now() + self.timeout;
        let line = match self.invite.as_str() {
            "-" => std::io::read_to_string(std::io::stdin())?.trim().to_owned(),
            _ => self.invite.trim().to_owned(),
        };
        let invite: Invite = line.parse().map_err(|error| {
            Failure::new(ErrorKind::InvalidParams, format!("{error}")).hint(ASK_FOR_ANOTHER)
        })?;
        let file = ctl.paths.config_file.clone();
        let left = self.go_there(ctl, &file, &invite, deadline)?;
        match redeem(ctl, &self.authority, line, deadline) {
            Ok(()) => {}
            // A member already: what was wanted is so.
            Err(failure) if failure.kind == ErrorKind::Conflict => {
                if !ctl.out.is_json() {
                    note(&format!("{}; the invite was not used", failure.message));
                }
            }
            Err(failure) => {
                if let Some(before) = left {
                    self.go_back(ctl, before)?;
                }
                return Err(failure);
            }
        }
        let status = up::ask(ctl)?;
        // That the hub did not admit us, if that is still the last word.
        let before = status.hub.detail.clone();
        let status = up::wait_until_live(ctl, status, deadline, before)?;
        if ctl.out.is_json() {
            ctl.out.json(&status)?;
        } else {
            status::show(&mut ctl.out, &status);
        }
        ctl.out.flush()?;
        if let Some(name) = status.hub.username.filter(|name| name.starts_with("user-"))
            && !ctl.out.is_json()
        {
            note(&format!(
                "others see you as @{}; to choose a name: `spacesctl user set --username NAME`",
                clean_line(&name)
            ));
        }
        Ok(())
    }

    /// Has the daemon serve the hub of the invite; gives the settings of another
    /// one that it served.
    fn go_there<'a>(
        &self,
        ctl: &mut Ctl,
        file: &'a Path,
        invite: &Invite,
        deadline: Instant,
    ) -> Result<Option<Before<'a>>, Failure> {
        let running = running(ctl)?;
        match &running {
            Some(status) if is_at(status, invite) => return Ok(None),
            Some(status) if !self.switch => return Err(elsewhere(status, invite)),
            _ => {}
        }
        let before = config::point_at(file, &invite.uri, &invite.database)?;
        if !ctl.out.is_json() {
            let file = file.display();
            note(&format!("{file} now names the hub {}", invite.uri));
        }
        restart(ctl, TIME_TO_SEND, deadline)?;
        Ok(running.map(|_| before))
    }

    fn go_back(&self, ctl: &mut Ctl, before: Before<'_>) -> Result<(), Failure> {
        before.put_back()?;
        restart(ctl, Duration::ZERO, Instant::now() + self.timeout)?;
        if !ctl.out.is_json() {
            note("the daemon serves the hub that it served before");
        }
        Ok(())
    }
}

/// Has a daemon run that has read the settings as they are now.
fn restart(ctl: &mut Ctl, drain: Duration, deadline: Instant) -> Result<(), Failure> {
    down::stop(ctl, drain)?;
    // Where a service manager has the socket, the first call starts it.
    up::ensure_daemon(ctl, deadline).map(drop)
}

/// Where the daemon is, if it runs.
fn running(ctl: &mut Ctl) -> Result<Option<DaemonStatus>, Failure> {
    match ctl.client.call::<daemon::Status>(&NoParams {}) {
        Ok(status) => Ok(Some(status)),
        Err(Error::DaemonUnreachable { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_at(status: &DaemonStatus, invite: &Invite) -> bool {
    status.hub.database == invite.database
        && status.hub.uri.as_deref().map(canonical_address) == Some(canonical_address(&invite.uri))
}

/// A daemon serves one hub, and what it has queued is for that hub: which of the
/// two is meant, its user must say.
fn elsewhere(status: &DaemonStatus, invite: &Invite) -> Failure {
    let here = match (status.hub.mode, &status.hub.uri) {
        (HubMode::Local, _) => "a local hub of this machine".to_owned(),
        (HubMode::Remote, Some(uri)) => format!("the hub {uri}"),
        (HubMode::Remote, None) => "another hub".to_owned(),
    };
    let queued = match status.outbox.queued {
        0 => String::new(),
        1 => ", with a write that it has not sent yet".to_owned(),
        queued => format!(", with {queued} writes that it has not sent yet"),
    };
    Failure::new(
        ErrorKind::Conflict,
        format!(
            "the daemon of this machine serves {here}{queued}; the invite is for {}. Nothing was changed",
            invite.uri
        ),
    )
    .hint(
        "`--switch` goes over to the other hub; what is queued for this one waits until you come \
         back to it. To use both at once: give the other one places of its own (SPACES_CONFIG, \
         SPACES_STATE_DIR, SPACES_CACHE_DIR, SPACES_SOCKET)",
    )
}

fn redeem(ctl: &mut Ctl, how: &Authority, line: String, deadline: Instant) -> Result<(), Failure> {
    // One key for all tries, so that the invite is used once.
    let params = write_params!(how, invite::RedeemParams { invite: line });
    loop {
        let error = match ctl
            .client
            .call_within::<invite::Redeem>(&params, Duration::from_secs(30))
        {
            Ok(written) => {
                return ctl.judge(&written.receipt, how.wait());
            }
            Err(error) => error,
        };
        // The daemon is still on its way to the hub.
        let may_pass = matches!(
            error.kind(),
            ErrorKind::HubUnreachable | ErrorKind::NotReady | ErrorKind::Busy
        );
        if !may_pass || Instant::now() >= deadline {
            let used_up = error.kind() == ErrorKind::NotFound;
            let failure = Failure::from(error);
            return Err(match used_up {
                true => failure.hint(ASK_FOR_ANOTHER),
                false => failure,
            });
        }
        std::thread::sleep(TRY_EVERY);
    }
}
