use clap::{Args, Subcommand};
use spaces_client::spaces_api::ChannelRef;
use spaces_client::spaces_api::methods::{None as NoParams, inbox, read};

use crate::ctl::Ctl;
use crate::delivery::{Delivery, write_params};
use crate::failure::Failure;
use crate::output::{BOLD, WARN, clean_line, count};
use crate::{names, render};

/// What is addressed to you: direct messages, mentions, replies
#[derive(Debug, Subcommand)]
pub enum Inbox {
    /// List items, newest first
    List(List),
    /// Mark items as read
    Ack(Ack),
    /// Show unread counts by channel and conversation
    Unread(Unread),
    /// Mark a channel as read
    Mark(Mark),
}

/// List items, newest first
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl inbox list
  spacesctl inbox list --ack       and mark them as read")]
pub struct List {
    /// Also what has been read
    #[arg(long)]
    all: bool,
    /// Mark what is shown as read
    #[arg(long)]
    ack: bool,
    /// Most items to show, 1 to 500
    #[arg(long, short = 'n')]
    limit: Option<u32>,
    /// Only items with a lower id
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
}

/// Mark items as read
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl inbox ack 12 13
  spacesctl inbox ack --all")]
pub struct Ack {
    /// Ids of items
    #[arg(required_unless_present = "all", value_name = "ID")]
    ids: Vec<u64>,
    /// All up to now
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

/// Show unread counts by channel and conversation
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl inbox unread")]
pub struct Unread {}

/// Mark a channel as read
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl inbox mark general")]
pub struct Mark {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// Up to this `seq`; the newest message here if absent
    #[arg(long)]
    seq: Option<u64>,
    #[command(flatten)]
    delivery: Delivery,
}

impl Inbox {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(ctl),
            // No ids mean all: the command line has seen to it that it was meant.
            Self::Ack(ack) => {
                ctl.read::<inbox::Ack>(&inbox::AckParams { ids: ack.ids }, |out, acked| {
                    out.line(format_args!(
                        "{} marked as read",
                        count(acked.acked, "item")
                    ))
                })
            }
            Self::Unread(Unread {}) => unread(ctl),
            Self::Mark(mark) => {
                let how = mark.delivery;
                let what = format!("{} is read", mark.channel);
                ctl.write::<read::Mark>(
                    &how,
                    &what,
                    &write_params!(
                        how,
                        read::MarkParams {
                            channel: mark.channel,
                            seq: mark.seq
                        }
                    ),
                )
            }
        }
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = inbox::ListParams {
            all: self.all,
            limit: self.limit,
            before: self.before,
            ack: self.ack,
        };
        ctl.read::<inbox::List>(&params, |out, list| {
            if list.items.is_empty() {
                out.line("nothing unread");
            }
            for item in &list.items {
                render::inbox_item(out, item);
            }
            out.freshness(&list.meta);
        })
    }
}

fn unread(ctl: &mut Ctl) -> Result<(), Failure> {
    ctl.read::<inbox::Unread>(&NoParams {}, |out, counts| {
        out.line(format_args!("inbox: {} unread", counts.inbox));
        for channel in &counts.channels {
            let mentions = match channel.mentions {
                0 => String::new(),
                mentions => format!(" {WARN}{}{WARN:#}", count(mentions, "mention")),
            };
            out.line(format_args!(
                "{BOLD}{}{BOLD:#} {} unread{mentions}",
                clean_line(&channel.channel),
                channel.unread
            ));
        }
        out.freshness(&counts.meta);
    })
}
