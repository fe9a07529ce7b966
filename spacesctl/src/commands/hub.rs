use clap::{Args, Subcommand};
use spaces_client::spaces_api::UserRef;
use spaces_client::spaces_api::methods::{None as NoParams, hub};
use spaces_client::spaces_api::model::Admission;

use crate::confirm::Confirm;
use crate::ctl::Ctl;
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, clean_line};
use crate::words::words;

/// The hub: its settings, and who may come in
#[derive(Debug, Subcommand)]
pub enum Hub {
    /// Show the hub's settings
    Settings(Settings),
    /// Change the hub's settings (owner and admins of its first server)
    Set(Set),
    /// Let somebody into a closed hub without an invite
    Admit(Admit),
    /// Shut a user out of the hub and of all its servers
    ShutOut(ShutOut),
}

/// Show the hub's settings
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl hub settings")]
pub struct Settings {}

/// Change the hub's settings (owner and admins of its first server)
///
/// What is not given stays as it is. What is older than it may be is deleted
/// soon after.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl hub set --message-days 90 --messages-per-channel 100000 --yes
  spacesctl hub set --admission open           whoever reaches it may come in
  spacesctl hub set --rate-per-sec 50 --rate-burst 500")]
pub struct Set {
    /// Name of the hub
    #[arg(long)]
    name: Option<String>,
    /// Whether one needs an invite
    #[arg(long, value_parser = words!(Admission))]
    admission: Option<Admission>,
    /// Calls per second that one user may make in the long run
    #[arg(long, value_name = "NUMBER")]
    rate_per_sec: Option<u32>,
    /// Calls that one user may make at once after a pause
    #[arg(long, value_name = "NUMBER")]
    rate_burst: Option<u32>,
    /// Delete messages older than this; 0 keeps them
    #[arg(long, value_name = "DAYS")]
    message_days: Option<u32>,
    /// Delete messages beyond so many in a channel, the oldest first; 0 keeps them
    #[arg(long, value_name = "NUMBER")]
    messages_per_channel: Option<u64>,
    /// Delete what waits in an inbox longer than this
    #[arg(long, value_name = "DAYS")]
    delivery_days: Option<u32>,
    /// How long a write is known by its client key
    #[arg(long, value_name = "DAYS")]
    idempotency_days: Option<u32>,
    /// Delete entries of the audit older than this
    #[arg(long, value_name = "DAYS")]
    audit_days: Option<u32>,
    /// Delete ended sessions and done notes older than this
    #[arg(long, value_name = "DAYS")]
    session_days: Option<u32>,
    /// End a session of which nothing is heard for so long
    #[arg(long, value_name = "SECONDS")]
    session_timeout_secs: Option<u32>,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    authority: Authority,
}

/// Let somebody into a closed hub without an invite
///
/// `spacesctl status` shows their identity to those whom the hub does not admit.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  spacesctl hub admit c200e07089074cf9b13f3e3dc4e1fc13e7c19339676545e49afe978f96a85760")]
pub struct Admit {
    /// The identity, 64 hexadecimal digits
    identity: String,
    #[command(flatten)]
    authority: Authority,
}

/// Shut a user out of the hub and of all its servers
///
/// A server that they own goes to its highest other member. What they wrote stays.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl hub shut-out @mallory --yes")]
pub struct ShutOut {
    /// The user
    #[arg(add = names::users())]
    user: UserRef,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    authority: Authority,
}

impl Hub {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Settings(Settings {}) => settings(ctl),
            Self::Set(set) => set.run(ctl),
            Self::Admit(Admit {
                identity,
                authority,
            }) => {
                let what = format!("{identity} may come in");
                let params = write_params!(authority, hub::AdmitParams { identity });
                ctl.write::<hub::Admit>(&authority, &what, &params)
            }
            Self::ShutOut(ShutOut {
                user,
                confirm,
                authority,
            }) => {
                confirm.ask(&format!("Shut {user} out of the hub and of all servers"))?;
                let what = format!("{user} is shut out");
                let params = write_params!(authority, hub::ShutOutParams { user });
                ctl.write::<hub::ShutOut>(&authority, &what, &params)
            }
        }
    }
}

fn settings(ctl: &mut Ctl) -> Result<(), Failure> {
    ctl.read::<hub::Settings>(&NoParams {}, |out, hub| {
        let days = |days: u32| match days {
            0 => "kept".to_owned(),
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        let most = match hub.messages_per_channel {
            0 => "kept".to_owned(),
            most => format!("the last {most}"),
        };
        let admission = match hub.admission {
            Admission::Closed => "closed: by invite",
            Admission::Open => "open: whoever reaches it",
        };
        for (name, value) in [
            ("name", clean_line(&hub.name).into_owned()),
            ("admission", admission.to_owned()),
            (
                "rate",
                format!(
                    "{} calls a second, {} at once",
                    hub.rate_per_sec, hub.rate_burst
                ),
            ),
            ("messages", days(hub.message_days)),
            ("messages per channel", most),
            ("inboxes", days(hub.delivery_days)),
            ("client keys", days(hub.idempotency_days)),
            ("audit", days(hub.audit_days)),
            ("ended sessions", days(hub.session_days)),
            ("session timeout", format!("{} s", hub.session_timeout_secs)),
        ] {
            out.line(format_args!("{BOLD}{name:<20}{BOLD:#} {value}"));
        }
        out.freshness(&hub.meta);
    })
}

impl Set {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        if self.deletes() {
            self.confirm
                .ask("Delete from the hub what it then keeps no longer")?;
        }
        let how = self.authority;
        let params = write_params!(
            how,
            hub::SetParams {
                name: self.name,
                admission: self.admission,
                rate_per_sec: self.rate_per_sec,
                rate_burst: self.rate_burst,
                message_days: self.message_days,
                messages_per_channel: self.messages_per_channel,
                delivery_days: self.delivery_days,
                idempotency_days: self.idempotency_days,
                audit_days: self.audit_days,
                session_days: self.session_days,
                session_timeout_secs: self.session_timeout_secs,
            }
        );
        ctl.write::<hub::Set>(&how, "settings of the hub", &params)
    }

    /// Whether something may be kept for less long than it is. 0 keeps for ever.
    fn deletes(&self) -> bool {
        let bounds = [
            self.message_days.map(u64::from),
            self.messages_per_channel,
            self.delivery_days.map(u64::from),
            self.audit_days.map(u64::from),
            self.session_days.map(u64::from),
        ];
        bounds.into_iter().flatten().any(|bound| bound > 0)
    }
}
