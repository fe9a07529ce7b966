use clap::{Args, Subcommand};
use spaces_client::spaces_api::methods::{None as NoParams, dm};
use spaces_client::spaces_api::{MessageRef, UserRef};

use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Delivery, Place, write_params};
use crate::failure::Failure;
use crate::output::{BOLD, DIM, WARN, ago, clean_line};
use crate::{names, render};

use super::text::Text;

/// Direct messages, private to their two ends
#[derive(Debug, Subcommand)]
pub enum Dm {
    /// Send a direct message
    Send(Send),
    /// Read the direct messages exchanged with one user
    List(List),
    /// List all conversations, the last active first
    Conversations(Conversations),
}

/// Send a direct message
///
/// An agent's address keeps for it until the agent runs.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl dm send @alice 'can you look at the parser?'
  spacesctl dm send @alice/claude.spaces.main - < question.md")]
pub struct Send {
    /// User or agent: `@alice`, `@alice/claude.spaces.main`
    #[arg(add = names::users())]
    to: UserRef,
    #[command(flatten)]
    text: Text,
    /// Message that this one answers
    #[arg(long, value_name = "MESSAGE")]
    reply_to: Option<MessageRef>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    delivery: Delivery,
}

/// Read the direct messages exchanged with one user
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl dm list @alice --limit 20")]
pub struct List {
    /// The other user
    #[arg(add = names::users())]
    with: UserRef,
    /// Most messages to show, 1 to 500
    #[arg(long, short = 'n')]
    limit: Option<u32>,
    /// Only messages with a lower id: the page before
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
    /// Only messages with a higher id: the page after
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
}

/// List all conversations, the last active first
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl dm conversations")]
pub struct Conversations {}

impl Dm {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Send(send) => send.run(ctl),
            Self::List(list) => list.run(ctl),
            Self::Conversations(Conversations {}) => conversations(ctl),
        }
    }
}

impl Send {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let content = self.text.read()?;
        let delivery = self.delivery;
        let what = format!("direct message to {}", self.to);
        let params = write_params!(
            delivery,
            dm::SendParams {
                to: self.to,
                content,
                reply_to: self.reply_to,
                cwd: self.place.cwd(),
                context: self.place.context(),
            }
        );
        ctl.write_or_spool::<dm::Send>(
            &delivery,
            &what,
            &params,
            |result| &result.receipt,
            |out, result| out.line(receipt_line(&result.receipt, &what)),
        )
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = dm::ListParams {
            with: self.with,
            limit: self.limit,
            before: self.before,
            after: self.after,
        };
        ctl.read::<dm::List>(&params, |out, page| {
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

fn conversations(ctl: &mut Ctl) -> Result<(), Failure> {
    ctl.read::<dm::Conversations>(&NoParams {}, |out, list| {
        if list.conversations.is_empty() {
            out.line("no conversations");
        }
        for conversation in &list.conversations {
            let unread = match conversation.unread {
                0 => String::new(),
                unread => format!(" {WARN}{unread} unread{WARN:#}"),
            };
            let last = match &conversation.last {
                Some(message) => format!(
                    "{DIM}{}{DIM:#} {}",
                    ago(message.created_at),
                    clean_line(&message.content)
                        .chars()
                        .take(80)
                        .collect::<String>()
                ),
                None => String::new(),
            };
            out.line(format_args!(
                "{BOLD}{}{BOLD:#}{unread} {last}",
                clean_line(&format!("@{}", conversation.with.username))
            ));
        }
        out.freshness(&list.meta);
    })
}
