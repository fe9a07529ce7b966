//! Hot path: see `main.rs`.

use clap::Args;
use spaces_client::spaces_api::methods::message;
use spaces_client::spaces_api::model::MessageKind;
use spaces_client::spaces_api::{ChannelRef, MessageRef};

use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Delivery, Place, write_params};
use crate::failure::Failure;
use crate::names;
use crate::words::words;

use super::text::Text;

/// Post a message to a channel
///
/// The message is on disk when the command ends. Without a daemon it is left in
/// the spool, and the daemon takes it from there when it starts.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl post agent-logs 'tests are green'
  spacesctl post '#general' 'merged' --wait sent
  git log -1 | spacesctl post agent-logs -
  spacesctl post agent-logs 'done: parser' --kind summary --reply-to 1234")]
pub struct Post {
    /// Channel: `agent-logs`, `#agent-logs`, `Server/#agent-logs` or its id
    #[arg(add = names::channels())]
    channel: ChannelRef,
    #[command(flatten)]
    text: Text,
    /// What the message is
    #[arg(long, value_parser = words!(MessageKind))]
    kind: Option<MessageKind>,
    /// Id of a thread of the channel
    #[arg(long, value_name = "ID")]
    thread: Option<u64>,
    /// Message that this one answers: id, or client key while pending
    #[arg(long, value_name = "MESSAGE")]
    reply_to: Option<MessageRef>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    delivery: Delivery,
}

impl Post {
    /// Posts, or spools.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let content = self.text.read()?;
        let delivery = self.delivery;
        let what = format!("post to {}", self.channel);
        let params = write_params!(
            delivery,
            message::SendParams {
                channel: self.channel,
                content,
                kind: self.kind,
                thread_id: self.thread,
                reply_to: self.reply_to,
                cwd: self.place.cwd(),
                context: self.place.context(),
            }
        );
        ctl.write_or_spool::<message::Send>(
            &delivery,
            &what,
            &params,
            |result| &result.receipt,
            |out, result| out.line(receipt_line(&result.receipt, &what)),
        )
    }
}
