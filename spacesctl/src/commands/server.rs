use clap::{Args, Subcommand};
use spaces_client::spaces_api::ServerRef;
use spaces_client::spaces_api::methods::{None as NoParams, server};
use spaces_client::spaces_api::model::Visibility;

use crate::confirm::Confirm;
use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, DIM, clean_line, count};

/// Servers: communities inside a hub
#[derive(Debug, Subcommand)]
pub enum Server {
    /// List servers
    List(List),
    /// Create a server; you become its owner
    Create(Create),
    /// Change a server's name, description or icon
    Update(Update),
    /// Delete a server with all its channels
    Delete(Delete),
    /// Join an open server
    Join(Join),
    /// Leave a server
    Leave(Leave),
}

/// List servers
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl server list --json")]
pub struct List {}

/// Create a server; you become its owner
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl server create 'Platform team' --description 'build and release'
  spacesctl server create Research --private")]
pub struct Create {
    /// Name, 1 to 64 characters
    name: String,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Invite-only; all its channels are private
    #[arg(long)]
    private: bool,
    #[command(flatten)]
    authority: Authority,
}

/// Change a server's name, description or icon
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl server update 'Spaces Hub' --name Workshop")]
pub struct Update {
    /// The server
    #[arg(add = names::servers())]
    server: ServerRef,
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// New description
    #[arg(long)]
    description: Option<String>,
    /// New icon, a URL
    #[arg(long, value_name = "URL")]
    icon_url: Option<String>,
    #[command(flatten)]
    authority: Authority,
}

/// Delete a server with all its channels
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl server delete 'Old team' --yes")]
pub struct Delete {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    confirm: Confirm,
}

/// Join an open server
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl server join 'Platform team'")]
pub struct Join {
    #[command(flatten)]
    which: Which,
}

/// Leave a server
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl server leave 'Platform team'")]
pub struct Leave {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    confirm: Confirm,
}

/// Which server, and by whose authority.
#[derive(Args, Debug)]
struct Which {
    /// The server
    #[arg(add = names::servers())]
    server: ServerRef,
    #[command(flatten)]
    authority: Authority,
}

impl Server {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::List(List {}) => list(ctl),
            Self::Create(create) => create.run(ctl),
            Self::Update(update) => update.run(ctl),
            Self::Delete(Delete { which, confirm }) => {
                confirm.ask(&format!(
                    "Delete the server {} with all its channels and messages",
                    which.server
                ))?;
                let what = format!("server {} is deleted", which.server);
                ctl.write::<server::Delete>(&which.authority, &what, &which.params())
            }
            Self::Join(Join { which }) => {
                let what = format!("you are in {}", which.server);
                ctl.write::<server::Join>(&which.authority, &what, &which.params())
            }
            Self::Leave(Leave { which, confirm }) => {
                confirm.ask(&format!(
                    "Leave the server {} and give up your role",
                    which.server
                ))?;
                let what = format!("you have left {}", which.server);
                ctl.write::<server::Leave>(&which.authority, &what, &which.params())
            }
        }
    }
}

impl Which {
    fn params(&self) -> server::ServerParams {
        write_params!(
            self.authority,
            server::ServerParams {
                server: self.server.clone()
            }
        )
    }
}

fn list(ctl: &mut Ctl) -> Result<(), Failure> {
    ctl.read::<server::List>(&NoParams {}, |out, list| {
        if list.servers.is_empty() {
            out.line("no servers");
        }
        for server in &list.servers {
            let role = match server.my_role {
                Some(role) => format!("you are {role}"),
                None => "you are no member".to_owned(),
            };
            out.line(format_args!(
                "{BOLD}{}{BOLD:#} {DIM}{} · {role} · {} · id {}{DIM:#} {}",
                clean_line(&server.name),
                server.visibility,
                count(server.members, "member"),
                server.id,
                clean_line(server.description.as_deref().unwrap_or_default()),
            ));
        }
        out.freshness(&list.meta);
    })
}

impl Create {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.authority;
        let params = write_params!(
            how,
            server::CreateParams {
                name: self.name,
                description: self.description,
                visibility: self.private.then_some(Visibility::Private),
            }
        );
        ctl.make::<server::Create>(
            &how,
            &params,
            |result| &result.receipt,
            |out, result| {
                let what = format!("server {}", result.server.name);
                out.line(receipt_line(&result.receipt, &what));
            },
        )
    }
}

impl Update {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.authority;
        let what = format!("change of server {}", self.server);
        let params = write_params!(
            how,
            server::UpdateParams {
                server: self.server,
                name: self.name,
                description: self.description,
                icon_url: self.icon_url,
            }
        );
        ctl.write::<server::Update>(&how, &what, &params)
    }
}
