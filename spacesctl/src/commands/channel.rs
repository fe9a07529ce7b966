use clap::{Args, Subcommand};
use spaces_client::spaces_api::methods::channel;
use spaces_client::spaces_api::model::{ChannelType, Visibility};
use spaces_client::spaces_api::{ChannelRef, ServerRef, UserRef};

use crate::confirm::Confirm;
use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::words::words;
use crate::{names, render};

use super::member;

/// Channels of a server
#[derive(Debug, Subcommand)]
pub enum Channel {
    /// List channels
    List(List),
    /// Create a channel
    Create(Create),
    /// Change a channel's name, topic, position or slow mode
    Update(Update),
    /// Close a channel to new messages, or open it again
    Archive(Archive),
    /// Delete a channel and all that is in it
    Delete(Delete),
    /// Show who is in a channel
    Members(Members),
    /// Let a user into a private channel
    Add(Membership),
    /// Take a user out of a private channel
    Remove(Removal),
}

/// List channels
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl channel list
  spacesctl channel list --server 'Spaces Hub' --all")]
pub struct List {
    /// Only of this server
    #[arg(long, add = names::servers())]
    server: Option<ServerRef>,
    /// Also archived ones
    #[arg(long)]
    all: bool,
}

/// Create a channel
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl channel create builds --type agent_log --topic 'what CI says'
  spacesctl channel create plans --private")]
pub struct Create {
    /// Name: 1 to 64 of a-z 0-9 - _
    name: String,
    /// The server; not needed where there is only one
    #[arg(long, add = names::servers())]
    server: Option<ServerRef>,
    /// What it is for
    #[arg(long = "type", value_name = "TYPE", value_parser = words!(ChannelType))]
    channel_type: Option<ChannelType>,
    /// Only members of the channel may read it
    #[arg(long)]
    private: bool,
    /// What it is about
    #[arg(long)]
    topic: Option<String>,
    #[command(flatten)]
    authority: Authority,
}

/// Change a channel's name, topic, position or slow mode
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl channel update builds --topic 'CI and releases'
  spacesctl channel update general --slow-mode 30s")]
pub struct Update {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// New topic
    #[arg(long)]
    topic: Option<String>,
    /// Place in the list, from 0
    #[arg(long)]
    position: Option<u32>,
    /// Least time between two messages of one member; 0s ends it
    #[arg(long, value_name = "TIME", value_parser = crate::words::duration)]
    slow_mode: Option<std::time::Duration>,
    #[command(flatten)]
    authority: Authority,
}

/// Close a channel to new messages, or open it again
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl channel archive builds
  spacesctl channel archive builds --undo")]
pub struct Archive {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// Open it again
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    authority: Authority,
}

/// Delete a channel and all that is in it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl channel delete builds
  spacesctl channel delete builds --yes      without asking")]
pub struct Delete {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    authority: Authority,
}

/// Show who is in a channel
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl channel members plans")]
pub struct Members {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
}

/// Let a user into a private channel
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl channel add plans @alice")]
pub struct Membership {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// The user
    #[arg(add = names::users())]
    user: UserRef,
    #[command(flatten)]
    authority: Authority,
}

/// Take a user out of a private channel
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl channel remove plans @alice")]
pub struct Removal {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// The user
    #[arg(add = names::users())]
    user: UserRef,
    #[command(flatten)]
    authority: Authority,
}

impl Channel {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(ctl),
            Self::Create(create) => create.run(ctl),
            Self::Update(update) => update.run(ctl),
            Self::Archive(archive) => archive.run(ctl),
            Self::Delete(delete) => delete.run(ctl),
            Self::Members(members) => members.run(ctl),
            Self::Add(add) => {
                let what = format!("{} may read {}", add.user, add.channel);
                let how = add.authority;
                ctl.write::<channel::AddMember>(
                    &how,
                    &what,
                    &write_params!(
                        how,
                        channel::MemberParams {
                            channel: add.channel,
                            user: add.user
                        }
                    ),
                )
            }
            Self::Remove(remove) => {
                let what = format!("{} is out of {}", remove.user, remove.channel);
                let how = remove.authority;
                ctl.write::<channel::RemoveMember>(
                    &how,
                    &what,
                    &write_params!(
                        how,
                        channel::MemberParams {
                            channel: remove.channel,
                            user: remove.user
                        }
                    ),
                )
            }
        }
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = channel::ListParams {
            server: self.server,
            all: self.all,
        };
        ctl.read::<channel::List>(&params, |out, list| {
            if list.channels.is_empty() {
                out.line("no channels");
            }
            for channel in &list.channels {
                render::channel(out, channel);
            }
            out.freshness(&list.meta);
        })
    }
}

impl Create {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.authority;
        let params = write_params!(
            how,
            channel::CreateParams {
                name: self.name,
                server: self.server,
                channel_type: self.channel_type,
                visibility: self.private.then_some(Visibility::Private),
                topic: self.topic,
            }
        );
        ctl.make::<channel::Create>(
            &how,
            &params,
            |result| &result.receipt,
            |out, result| {
                let what = format!(
                    "channel #{} in {}",
                    result.channel.name, result.channel.server
                );
                out.line(receipt_line(&result.receipt, &what));
            },
        )
    }
}

impl Update {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.authority;
        let what = format!("change of {}", self.channel);
        let slow_mode_secs = self
            .slow_mode
            .map(|time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
        let params = write_params!(
            how,
            channel::UpdateParams {
                channel: self.channel,
                name: self.name,
                topic: self.topic,
                position: self.position,
                slow_mode_secs,
            }
        );
        ctl.write::<channel::Update>(&how, &what, &params)
    }
}

impl Archive {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.authority;
        let what = match self.undo {
            false => format!("{} is archived", self.channel),
            true => format!("{} is open again", self.channel),
        };
        let params = write_params!(
            how,
            channel::ArchiveParams {
                channel: self.channel,
                archived: !self.undo,
            }
        );
        ctl.write::<channel::Archive>(&how, &what, &params)
    }
}

impl Delete {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        self.confirm.ask(&format!(
            "Delete the channel {} with all its messages",
            self.channel
        ))?;
        let how = self.authority;
        let what = format!("{} is deleted", self.channel);
        let params = write_params!(
            how,
            channel::ChannelParams {
                channel: self.channel
            }
        );
        ctl.write::<channel::Delete>(&how, &what, &params)
    }
}

impl Members {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = channel::MembersParams {
            channel: self.channel,
        };
        ctl.read::<channel::Members>(&params, |out, list| {
            for member in &list.members {
                member::line(out, member);
            }
            for user in &list.users {
                render::user(out, user);
            }
            out.freshness(&list.meta);
        })
    }
}
