use clap::{Args, Subcommand};
use spaces_client::spaces_api::methods::invite;
use spaces_client::spaces_api::model::Role;
use spaces_client::spaces_api::{ServerRef, Timestamp};
use spaces_domain::invite::Invite as Line;

use crate::ctl::{Ctl, note};
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, DIM, clean_line, until};
use crate::words::words;

/// Invites: how people and agents come in
#[derive(Debug, Subcommand)]
pub enum Invite {
    /// Make an invite: one line to send to the joiner
    Create(Create),
    /// List the invites in force
    List(List),
    /// Make an invite void
    Revoke(Revoke),
}

/// Make an invite: one line to send to the joiner
///
/// The line is a secret: whoever has it may join. The joiner runs
/// `spacesctl join LINE`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl invite create
  spacesctl invite create --role agent --max-uses 20 --expires 30d
  spacesctl invite create --uri https://hub.example.org")]
pub struct Create {
    /// The server; not needed where there is only one
    #[arg(long, add = names::servers())]
    server: Option<ServerRef>,
    /// Role that the joiner gets
    #[arg(long, value_parser = words!(Role))]
    role: Option<Role>,
    /// How many may join with it, 1 to 1,000
    #[arg(long, value_name = "NUMBER")]
    max_uses: Option<u32>,
    /// When it ends: 7d, or a time
    #[arg(long, value_name = "TIME", value_parser = crate::words::moment)]
    expires: Option<Timestamp>,
    /// Address by which the joiner reaches the hub, if it is another than yours
    #[arg(long, value_name = "URI", value_parser = crate::words::hub_address)]
    uri: Option<String>,
    #[command(flatten)]
    authority: Authority,
}

/// List the invites in force
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl invite list")]
pub struct List {
    /// Only of this server
    #[arg(long, add = names::servers())]
    server: Option<ServerRef>,
}

/// Make an invite void
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl invite revoke 12")]
pub struct Revoke {
    /// Id of the invite
    id: u64,
    #[command(flatten)]
    authority: Authority,
}

impl Invite {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(ctl),
            Self::List(list) => list.run(ctl),
            Self::Revoke(Revoke { id, authority }) => ctl.write::<invite::Revoke>(
                &authority,
                &format!("invite {id} is void"),
                &write_params!(authority, invite::RevokeParams { id }),
            ),
        }
    }
}

impl Create {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.authority;
        let params = write_params!(
            how,
            invite::CreateParams {
                server: self.server,
                role: self.role,
                max_uses: self.max_uses,
                expires_at: self.expires,
                uri: self.uri,
            }
        );
        // Nothing but the line on stdout, so that it can be piped on.
        ctl.make::<invite::Create>(
            &how,
            &params,
            |result| &result.receipt,
            |out, result| {
                out.line(clean_line(&result.invite));
                note(&format!(
                    "joins as {}, ends {}; keep it secret; the joiner runs `spacesctl join LINE`",
                    result.role,
                    until(result.expires_at)
                ));
                if let Ok(invite) = result.invite.parse::<Line>()
                    && invite.is_for_one_machine()
                {
                    note(&format!(
                        "only programs on this machine reach {}; for other machines: a hub for a \
                         team, docs/operations.md, and `--uri`",
                        clean_line(&invite.uri)
                    ));
                }
            },
        )
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = invite::ListParams {
            server: self.server,
        };
        ctl.read::<invite::List>(&params, |out, list| {
            if list.invites.is_empty() {
                out.line("no invites");
            }
            for invite in &list.invites {
                let ends = match invite.expires_at {
                    Some(at) => format!("ends {}", until(at)),
                    None => "does not end".to_owned(),
                };
                out.line(format_args!(
                    "{BOLD}{}{BOLD:#} as {} {DIM}used {} of {} · {ends} · by @{}{DIM:#}",
                    invite.id,
                    invite.role,
                    invite.uses,
                    invite.max_uses,
                    clean_line(&invite.by),
                ));
            }
            out.freshness(&list.meta);
        })
    }
}
