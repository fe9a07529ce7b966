use clap::Args;
use spaces_client::spaces_api::methods::message;
use spaces_client::spaces_api::model::MessageKind;
use spaces_client::spaces_api::{ChannelRef, Timestamp, UserRef};

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::words::words;
use crate::{names, render};

/// Search messages in what this machine has cached
///
/// All words must occur; `"a phrase"` and `prefix*` work too.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl search parser
  spacesctl search '\"merge conflict\"' --channel agent-logs --since 7d
  spacesctl search 'migrat*' --author @alice --kind summary")]
pub struct Search {
    /// What to look for
    #[arg(required = true, value_name = "QUERY")]
    words: Vec<String>,
    /// Only in this channel
    #[arg(long, add = names::channels())]
    channel: Option<ChannelRef>,
    /// Only messages of this user
    #[arg(long, value_name = "USER", add = names::users())]
    author: Option<UserRef>,
    /// Only messages of this kind
    #[arg(long, value_parser = words!(MessageKind))]
    kind: Option<MessageKind>,
    /// Only from work in this repository
    #[arg(long)]
    repo: Option<String>,
    /// Only from work on this branch
    #[arg(long)]
    branch: Option<String>,
    /// Only since then: 7d, or a time
    #[arg(long, value_name = "TIME", value_parser = crate::words::past_moment)]
    since: Option<Timestamp>,
    /// Most hits to show, 1 to 200
    #[arg(long, short = 'n')]
    limit: Option<u32>,
}

impl Search {
    /// Shows the hits.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = message::SearchParams {
            query: self.words.join(" "),
            channel: self.channel,
            author: self.author,
            kind: self.kind,
            repo: self.repo,
            branch: self.branch,
            since: self.since,
            limit: self.limit,
        };
        ctl.read::<message::Search>(&params, |out, found| {
            if found.hits.is_empty() {
                out.line("nothing found");
            }
            for hit in &found.hits {
                let mut shown = hit.message.clone();
                shown.content.clone_from(&hit.snippet);
                render::message(out, &shown, true);
            }
            out.freshness(&found.meta);
        })
    }
}
