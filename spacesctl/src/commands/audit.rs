use clap::Args;
use spaces_client::spaces_api::ServerRef;
use spaces_client::spaces_api::methods::audit;

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, DIM, ago, clean_line};

/// Show who did what in a server, newest first (moderators and up)
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl audit --limit 20")]
pub struct Audit {
    /// The server; not needed where there is only one
    #[arg(long, add = names::servers())]
    server: Option<ServerRef>,
    /// Most entries to show, 1 to 500
    #[arg(long, short = 'n')]
    limit: Option<u32>,
    /// Only entries with a lower id
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
}

impl Audit {
    /// Shows the entries.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = audit::ListParams {
            server: self.server,
            limit: self.limit,
            before: self.before,
        };
        ctl.read::<audit::List>(&params, |out, list| {
            if list.entries.is_empty() {
                out.line("no entries");
            }
            for entry in &list.entries {
                let said: Vec<_> = [entry.target.as_deref(), entry.detail.as_deref()]
                    .into_iter()
                    .flatten()
                    .collect();
                out.line(format_args!(
                    "{BOLD}@{}{BOLD:#} {} {} {DIM}{} · id {}{DIM:#}",
                    clean_line(&entry.actor),
                    clean_line(&entry.action),
                    clean_line(&said.join(": ")),
                    ago(entry.at),
                    entry.id,
                ));
            }
            out.freshness(&list.meta);
        })
    }
}
