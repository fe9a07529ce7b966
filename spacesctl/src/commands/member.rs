use clap::{Args, Subcommand};
use spaces_client::spaces_api::methods::member;
use spaces_client::spaces_api::model::{Member as MemberRow, Role};
use spaces_client::spaces_api::{ServerRef, Timestamp, UserRef};

use crate::confirm::Confirm;
use crate::ctl::Ctl;
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, DIM, Out, WARN, ago, clean_line, until};
use crate::words::words;

/// Members of a server: roles, kicks, bans, mutes
#[derive(Debug, Subcommand)]
pub enum Member {
    /// List members, highest role first
    List(List),
    /// Give a member a role below one's own
    SetRole(SetRole),
    /// Take a member out of the server; they may come back
    Kick(Kick),
    /// Take a user out and keep them out
    Ban(Ban),
    /// Let a banned user come back
    Unban(Unban),
    /// List the bans in force
    Bans(Bans),
    /// Stop a member from posting for a time
    Mute(Mute),
    /// Let a muted member post again
    Unmute(Unmute),
    /// Hand the server to another member; you become an admin
    TransferOwnership(Transfer),
}

/// Which server.
#[derive(Args, Debug)]
struct InServer {
    /// The server; not needed where there is only one
    #[arg(long, add = names::servers())]
    server: Option<ServerRef>,
}

/// Which member, and by whose authority.
#[derive(Args, Debug)]
struct Whom {
    /// The user
    #[arg(add = names::users())]
    user: UserRef,
    #[command(flatten)]
    within: InServer,
    #[command(flatten)]
    authority: Authority,
}

/// List members, highest role first
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member list")]
pub struct List {
    #[command(flatten)]
    within: InServer,
}

/// Give a member a role below one's own
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member set-role @bob moderator")]
pub struct SetRole {
    /// The user
    #[arg(add = names::users())]
    user: UserRef,
    /// The role
    #[arg(value_parser = words!(Role))]
    role: Role,
    #[command(flatten)]
    within: InServer,
    #[command(flatten)]
    authority: Authority,
}

/// Take a member out of the server; they may come back
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member kick @bob")]
pub struct Kick {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    confirm: Confirm,
}

/// Take a user out and keep them out
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl member ban @bob --reason spam
  spacesctl member ban @bob --until 7d --yes")]
pub struct Ban {
    #[command(flatten)]
    whom: Whom,
    /// Why; members of the moderation see it
    #[arg(long)]
    reason: Option<String>,
    /// Until when, as 7d or a time; for ever if absent
    #[arg(long, alias = "for", value_name = "TIME", value_parser = crate::words::moment)]
    until: Option<Timestamp>,
    #[command(flatten)]
    confirm: Confirm,
}

/// Let a banned user come back
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member unban @bob")]
pub struct Unban {
    #[command(flatten)]
    whom: Whom,
}

/// List the bans in force
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member bans")]
pub struct Bans {
    #[command(flatten)]
    within: InServer,
}

/// Stop a member from posting for a time
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member mute @bob --until 10m")]
pub struct Mute {
    #[command(flatten)]
    whom: Whom,
    /// Until when, as 10m or a time
    #[arg(long, alias = "for", value_name = "TIME", value_parser = crate::words::moment)]
    until: Timestamp,
}

/// Let a muted member post again
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member unmute @bob")]
pub struct Unmute {
    #[command(flatten)]
    whom: Whom,
}

/// Hand the server to another member; you become an admin
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl member transfer-ownership @alice")]
pub struct Transfer {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    confirm: Confirm,
}

impl Member {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(ctl),
            Self::SetRole(set_role) => set_role.run(ctl),
            Self::Kick(kick) => {
                let whom = kick.whom;
                kick.confirm
                    .ask(&format!("Take {} out of the server", whom.user))?;
                let what = format!("{} is out", whom.user);
                ctl.write::<member::Kick>(&whom.authority, &what, &whom.params())
            }
            Self::Ban(ban) => ban.run(ctl),
            Self::Unban(Unban { whom }) => {
                let what = format!("{} may come back", whom.user);
                ctl.write::<member::Unban>(&whom.authority, &what, &whom.params())
            }
            Self::Bans(bans) => bans.run(ctl),
            Self::Mute(mute) => mute.run(ctl),
            Self::Unmute(Unmute { whom }) => {
                let what = format!("{} may post again", whom.user);
                ctl.write::<member::Unmute>(&whom.authority, &what, &whom.params())
            }
            Self::TransferOwnership(transfer) => {
                let whom = transfer.whom;
                transfer.confirm.ask(&format!(
                    "Make {} the owner of the server in your place",
                    whom.user
                ))?;
                let what = format!("{} owns the server", whom.user);
                ctl.write::<member::TransferOwnership>(&whom.authority, &what, &whom.params())
            }
        }
    }
}

impl Whom {
    fn params(&self) -> member::MemberParams {
        write_params!(
            self.authority,
            member::MemberParams {
                server: self.within.server.clone(),
                user: self.user.clone(),
            }
        )
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = member::ListParams {
            server: self.within.server,
        };
        ctl.read::<member::List>(&params, |out, list| {
            if list.members.is_empty() {
                out.line("no members");
            }
            for member in &list.members {
                line(out, member);
            }
            out.freshness(&list.meta);
        })
    }
}

impl SetRole {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.authority;
        let what = format!("{} is {}", self.user, self.role);
        let params = write_params!(
            how,
            member::SetRoleParams {
                server: self.within.server,
                user: self.user,
                role: self.role,
            }
        );
        ctl.write::<member::SetRole>(&how, &what, &params)
    }
}

impl Ban {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let whom = self.whom;
        self.confirm
            .ask(&format!("Ban {} from the server", whom.user))?;
        let what = format!("{} is banned", whom.user);
        let params = write_params!(
            whom.authority,
            member::BanParams {
                server: whom.within.server,
                user: whom.user,
                reason: self.reason,
                until: self.until,
            }
        );
        ctl.write::<member::Ban>(&whom.authority, &what, &params)
    }
}

impl Bans {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = member::ListParams {
            server: self.within.server,
        };
        ctl.read::<member::Bans>(&params, |out, list| {
            if list.bans.is_empty() {
                out.line("no bans");
            }
            for ban in &list.bans {
                let until = match ban.until {
                    Some(at) => format!("ends {}", until(at)),
                    None => "for ever".to_owned(),
                };
                out.line(format_args!(
                    "{BOLD}{}{BOLD:#} {DIM}{until} · by @{}{DIM:#} {}",
                    clean_line(&ban.user),
                    clean_line(&ban.by),
                    clean_line(ban.reason.as_deref().unwrap_or_default()),
                ));
            }
            out.freshness(&list.meta);
        })
    }
}

impl Mute {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let whom = self.whom;
        let what = format!("{} may post again {}", whom.user, until(self.until));
        let params = write_params!(
            whom.authority,
            member::MuteParams {
                server: whom.within.server,
                user: whom.user,
                until: self.until,
            }
        );
        ctl.write::<member::Mute>(&whom.authority, &what, &params)
    }
}

/// One line of a member list.
pub fn line(out: &mut Out, member: &MemberRow) {
    let seen = match (member.user.online, member.user.last_seen) {
        (true, _) => "online".to_owned(),
        (false, Some(at)) => format!("seen {}", ago(at)),
        (false, None) => "not seen".to_owned(),
    };
    let muted = match member.muted_until {
        Some(at) if Timestamp::now() < at => format!(" {WARN}muted, ends {}{WARN:#}", until(at)),
        _ => String::new(),
    };
    out.line(format_args!(
        "{BOLD}{:<24}{BOLD:#} {:<10} {DIM}{seen}{DIM:#}{muted}",
        clean_line(&format!("@{}", member.user.username)),
        member.role,
    ));
}
