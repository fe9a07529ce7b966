use clap::{Args, Subcommand};
use spaces_client::spaces_api::methods::note;
use spaces_client::spaces_api::{ChannelRef, MessageRef};

use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Delivery, Place, write_params};
use crate::failure::Failure;
use crate::{names, render};

use super::text::Text;

/// Notes for the next session on a repository or branch
#[derive(Debug, Subcommand)]
pub enum Note {
    /// Leave a note for the next session here
    Leave(Leave),
    /// List open notes for a place, newest first
    List(List),
    /// Mark a note as done
    // The module's word for it.
    #[command(alias = "resolve")]
    Done(Done),
}

/// Leave a note for the next session here
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl note leave 'the flaky test is tests/a.rs; see #1234'
  spacesctl note leave - --branch main < handover.md")]
pub struct Leave {
    #[command(flatten)]
    text: Text,
    /// Where it is posted; the configured agent log if absent
    #[arg(long, add = names::channels())]
    channel: Option<ChannelRef>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    delivery: Delivery,
}

/// List open notes for a place, newest first
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl note list
  spacesctl note list --repo github.com/acme/app --all")]
pub struct List {
    /// Also those that are done
    #[arg(long)]
    all: bool,
    /// Most notes to show, 1 to 200
    #[arg(long, short = 'n')]
    limit: Option<u32>,
    #[command(flatten)]
    place: Place,
}

/// Mark a note as done
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl note done 1234")]
pub struct Done {
    /// The note: id, or client key while pending
    note: MessageRef,
    #[command(flatten)]
    delivery: Delivery,
}

impl Note {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Leave(leave) => leave.run(ctl),
            Self::List(list) => list.run(ctl),
            Self::Done(done) => done.run(ctl),
        }
    }
}

impl Leave {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let content = self.text.read()?;
        let delivery = self.delivery;
        let params = write_params!(
            delivery,
            note::LeaveParams {
                content,
                channel: self.channel,
                cwd: self.place.cwd(),
                context: self.place.context(),
            }
        );
        let what = "note for the next session";
        ctl.write_or_spool::<note::Leave>(
            &delivery,
            what,
            &params,
            |result| &result.receipt,
            |out, result| out.line(receipt_line(&result.receipt, what)),
        )
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = note::ListParams {
            cwd: self.place.cwd(),
            context: self.place.context(),
            all: self.all,
            limit: self.limit,
        };
        ctl.read::<note::List>(&params, |out, list| {
            if list.notes.is_empty() {
                out.line("no notes");
            }
            for note in &list.notes {
                render::note(out, note);
            }
            out.freshness(&list.meta);
        })
    }
}

impl Done {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let delivery = self.delivery;
        let what = format!("note {} is done", self.note);
        let params = write_params!(delivery, note::DoneParams { note: self.note });
        ctl.write_or_spool::<note::Done>(
            &delivery,
            &what,
            &params,
            |result| &result.receipt,
            |out, result| out.line(receipt_line(&result.receipt, &what)),
        )
    }
}
