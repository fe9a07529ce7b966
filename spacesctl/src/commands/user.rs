use clap::{Args, Subcommand};
use spaces_client::spaces_api::UserRef;
use spaces_client::spaces_api::methods::{None as NoParams, server, user};
use spaces_client::spaces_api::model::Agent;

use crate::ctl::Ctl;
use crate::delivery::{Delivery, write_params};
use crate::failure::Failure;
use crate::output::{BOLD, DIM, Out, ago, clean_line};
use crate::{names, render};

/// Users: people and machine accounts
#[derive(Debug, Subcommand)]
pub enum User {
    /// Show who you are on the hub, and in which roles
    Me(Me),
    /// Show a user and their agents
    Show(Show),
    /// List users
    List(List),
    /// Change your own name, bio or status
    Set(Set),
}

/// Show who you are on the hub, and in which roles
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl user me --json | jq -r .user.username")]
pub struct Me {}

/// Show a user and their agents
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl user show @alice")]
pub struct Show {
    /// The user
    #[arg(add = names::users())]
    user: UserRef,
}

/// List users
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl user list --online")]
pub struct List {
    /// Only those who are online
    #[arg(long)]
    online: bool,
    /// Most users to show, 1 to 1,000
    #[arg(long, short = 'n')]
    limit: Option<u32>,
}

/// Change your own name, bio or status
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl user set --username alice --display-name 'Alice Doe'
  spacesctl user set --status 'on leave until Monday'")]
pub struct Set {
    /// Name without @
    #[arg(long)]
    username: Option<String>,
    /// Name for people
    #[arg(long)]
    display_name: Option<String>,
    /// About you
    #[arg(long)]
    bio: Option<String>,
    /// Picture, a URL
    #[arg(long, value_name = "URL")]
    avatar_url: Option<String>,
    /// What you are at
    #[arg(long, value_name = "TEXT")]
    status: Option<String>,
    #[command(flatten)]
    delivery: Delivery,
}

impl User {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Me(Me {}) => me(ctl),
            Self::Show(show) => {
                ctl.read::<user::Show>(&user::ShowParams { user: show.user }, |out, shown| {
                    render::user(out, &shown.user);
                    if let Some(bio) = &shown.user.bio {
                        render::indented(out, bio);
                    }
                    for agent in &shown.agents {
                        agent_line(out, agent);
                    }
                    out.freshness(&shown.meta);
                })
            }
            Self::List(list) => list.run(ctl),
            Self::Set(set) => set.run(ctl),
        }
    }
}

fn me(ctl: &mut Ctl) -> Result<(), Failure> {
    // Without their names their numbers do.
    let servers = ctl.client.call::<server::List>(&NoParams {});
    let servers = servers.map_or_else(|_| Vec::new(), |list| list.servers);
    ctl.read::<user::Me>(&NoParams {}, |out, me| {
        render::user(out, &me.user);
        out.line(format_args!(
            "    {DIM}identity {}{DIM:#}",
            clean_line(&me.user.identity)
        ));
        for membership in &me.memberships {
            let id = membership.server_id;
            let name = match servers.iter().find(|server| server.id == id) {
                Some(server) => clean_line(&server.name).into_owned(),
                None => format!("server {id}"),
            };
            out.line(format_args!("    {} in {name}", membership.role));
        }
        for agent in &me.agents {
            agent_line(out, agent);
        }
        out.freshness(&me.meta);
    })
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = user::ListParams {
            online: self.online,
            limit: self.limit,
        };
        ctl.read::<user::List>(&params, |out, list| {
            if list.users.is_empty() {
                out.line("no users");
            }
            for user in &list.users {
                render::user(out, user);
            }
            out.freshness(&list.meta);
        })
    }
}

impl Set {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.delivery;
        let params = write_params!(
            how,
            user::SetProfileParams {
                username: self.username,
                display_name: self.display_name,
                bio: self.bio,
                avatar_url: self.avatar_url,
                status_text: self.status,
            }
        );
        ctl.write::<user::SetProfile>(&how, "change of your profile", &params)
    }
}

/// One line of an agent list.
pub fn agent_line(out: &mut Out, agent: &Agent) {
    out.line(format_args!(
        "{BOLD}{}{BOLD:#} {DIM}{} · seen {}{DIM:#} {}",
        clean_line(&agent.address),
        clean_line(&agent.tool),
        ago(agent.last_seen),
        clean_line(agent.description.as_deref().unwrap_or_default()),
    ));
}
