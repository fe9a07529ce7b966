//! `show`, `edit`, `delete` and `react`: what is done with one message.

use clap::Args;
use spaces_client::spaces_api::MessageRef;
use spaces_client::spaces_api::methods::message;

use crate::confirm::Confirm;
use crate::ctl::Ctl;
use crate::delivery::{Delivery, write_params};
use crate::failure::Failure;
use crate::render;

use super::text::Text;

/// Show one message
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl show 1234 --json | jq -r .message.content")]
pub struct Show {
    /// The message: id, or client key while pending
    message: MessageRef,
}

/// Replace the text of your own message
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl edit 1234 'tests are green now'
  spacesctl edit 1234 - < corrected.md")]
pub struct Edit {
    /// The message: id, or client key while pending
    message: MessageRef,
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    delivery: Delivery,
}

/// Delete a message; a gravestone stays
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl delete 1234 --yes")]
pub struct Delete {
    /// The message: id, or client key while pending
    message: MessageRef,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    delivery: Delivery,
}

/// Add a reaction to a message, or take it back
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl react 1234 👍
  spacesctl react 1234 seen --undo")]
pub struct React {
    /// The message: id, or client key while pending
    message: MessageRef,
    /// One emoji or a short word
    emoji: String,
    /// Take it back
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    delivery: Delivery,
}

impl Show {
    /// Shows it.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = message::ShowParams {
            message: self.message,
        };
        ctl.read::<message::Show>(&params, |out, shown| {
            render::message(out, &shown.message, true);
            out.freshness(&shown.meta);
        })
    }
}

impl Edit {
    /// Edits it.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let content = self.text.read()?;
        let how = self.delivery;
        let what = format!("edit of message {}", self.message);
        let params = write_params!(
            how,
            message::EditParams {
                message: self.message,
                content,
            }
        );
        ctl.write::<message::Edit>(&how, &what, &params)
    }
}

impl Delete {
    /// Deletes it.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        self.confirm
            .ask(&format!("Delete the text of message {}", self.message))?;
        let how = self.delivery;
        let what = format!("deletion of message {}", self.message);
        let params = write_params!(
            how,
            message::MessageParams {
                message: self.message
            }
        );
        ctl.write::<message::Delete>(&how, &what, &params)
    }
}

impl React {
    /// Reacts.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.delivery;
        let what = format!("{} on message {}", self.emoji, self.message);
        let params = write_params!(
            how,
            message::ReactParams {
                message: self.message,
                emoji: self.emoji,
            }
        );
        match self.undo {
            false => ctl.write::<message::React>(&how, &what, &params),
            true => ctl.write::<message::Unreact>(&how, &format!("no {what}"), &params),
        }
    }
}
