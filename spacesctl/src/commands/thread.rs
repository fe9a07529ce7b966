use clap::{Args, Subcommand};
use spaces_client::spaces_api::ChannelRef;
use spaces_client::spaces_api::methods::thread;

use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, DIM, ago, clean_line};

/// Threads of a channel
#[derive(Debug, Subcommand)]
pub enum Thread {
    /// List threads, the last active first
    List(List),
    /// Start a thread
    Create(Create),
    /// Close a thread
    Archive(Archive),
    /// Open a thread again
    Unarchive(Unarchive),
}

/// List threads, the last active first
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl thread list general --all")]
pub struct List {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// Also archived ones
    #[arg(long)]
    all: bool,
}

/// Start a thread
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  spacesctl thread create general 'release 1.2'
  spacesctl post general 'branch is cut' --thread 12")]
pub struct Create {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// Name, 1 to 64 characters
    name: String,
    #[command(flatten)]
    authority: Authority,
}

/// Close a thread
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl thread archive 12")]
pub struct Archive {
    /// Id of the thread
    id: u64,
    #[command(flatten)]
    authority: Authority,
}

/// Open a thread again
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl thread unarchive 12")]
pub struct Unarchive {
    /// Id of the thread
    id: u64,
    #[command(flatten)]
    authority: Authority,
}

impl Thread {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(ctl),
            Self::Create(create) => create.run(ctl),
            Self::Archive(Archive { id, authority }) => ctl.write::<thread::Archive>(
                &authority,
                &format!("thread {id} is closed"),
                &write_params!(authority, thread::ThreadParams { id }),
            ),
            Self::Unarchive(Unarchive { id, authority }) => ctl.write::<thread::Unarchive>(
                &authority,
                &format!("thread {id} is open again"),
                &write_params!(authority, thread::ThreadParams { id }),
            ),
        }
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = thread::ListParams {
            channel: self.channel,
            all: self.all,
        };
        ctl.read::<thread::List>(&params, |out, list| {
            if list.threads.is_empty() {
                out.line("no threads");
            }
            for thread in &list.threads {
                let archived = match thread.archived {
                    true => " · archived",
                    false => "",
                };
                out.line(format_args!(
                    "{BOLD}{}{BOLD:#} {DIM}id {} · by @{} · last message {}{archived}{DIM:#}",
                    clean_line(&thread.name),
                    thread.id,
                    clean_line(&thread.creator),
                    ago(thread.last_message_at),
                ));
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
            thread::CreateParams {
                channel: self.channel,
                name: self.name,
            }
        );
        ctl.make::<thread::Create>(
            &how,
            &params,
            |result| &result.receipt,
            |out, result| {
                let what = format!("thread {} with id {}", result.thread.name, result.thread.id);
                out.line(receipt_line(&result.receipt, &what));
            },
        )
    }
}
