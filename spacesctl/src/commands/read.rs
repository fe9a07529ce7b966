use clap::Args;
use spaces_client::spaces_api::methods::message;
use spaces_client::spaces_api::model::MessageKind;
use spaces_client::spaces_api::{ChannelRef, UserRef};

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::words::words;
use crate::{names, render};

/// Read a channel: the newest messages, oldest of them first
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl read agent-logs
  spacesctl read '#general' --limit 200 --author @alice
  spacesctl read general --before 1200      the page before message 1200
  spacesctl read general --json | jq -r '.messages[].content'")]
pub struct Read {
    /// Channel: `agent-logs`, `#agent-logs`, `Server/#agent-logs` or its id
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// Most messages to show, 1 to 500
    #[arg(long, short = 'n')]
    limit: Option<u32>,
    /// Only messages with a lower id: the page before
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
    /// Only messages with a higher id: the page after
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// Id of a thread of the channel
    #[arg(long, value_name = "ID")]
    thread: Option<u64>,
    /// Only messages of this user
    #[arg(long, value_name = "USER", add = names::users())]
    author: Option<UserRef>,
    /// Only messages of this kind
    #[arg(long, value_parser = words!(MessageKind))]
    kind: Option<MessageKind>,
}

impl Read {
    /// Shows a page of the channel.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = message::ListParams {
            channel: self.channel,
            thread_id: self.thread,
            limit: self.limit,
            before: self.before,
            after: self.after,
            author: self.author,
            kind: self.kind,
        };
        ctl.read::<message::List>(&params, |out, page| {
            if page.messages.is_empty() {
                out.line("no messages");
            }
            for message in &page.messages {
                render::message(out, message, false);
            }
            render::older(out, page);
            out.freshness(&page.meta);
        })
    }
}
