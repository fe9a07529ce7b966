use clap::Args;
use spaces_client::spaces_api::methods::activity;
use spaces_client::spaces_api::model::ActivityKind;

use crate::ctl::Ctl;
use crate::delivery::Place;
use crate::failure::Failure;
use crate::output::{DIM, Out, clean_line};
use crate::render;

/// Show what peers do, most relevant first
///
/// The digest that a session starts with: claims that overlap, notes for this
/// repository and branch, unread direct messages and mentions, summaries and
/// sessions of peers.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl activity
  spacesctl activity --limit 10 --json
  spacesctl activity --repo github.com/acme/app --branch main --path src/lib.rs")]
pub struct Activity {
    /// Most items to show, 1 to 200
    #[arg(long, short = 'n')]
    limit: Option<u32>,
    /// Bound of the text in tokens (about 4 characters each)
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<u32>,
    /// Mark what is shown as unread as shown, so that it is not shown as unread again
    #[arg(long)]
    mark_shown: bool,
    /// One's own session: what it wrote itself is left out
    #[arg(long = "as-session", value_name = "ID", env = "SPACES_SESSION")]
    session: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Activity {
    /// Shows the digest.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = activity::ListParams {
            cwd: self.place.cwd(),
            context: self.place.context(),
            session: self.session,
            limit: self.limit,
            max_tokens: self.max_tokens,
            mark_shown: self.mark_shown,
        };
        ctl.read::<activity::List>(&params, show)
    }
}

fn show(out: &mut Out, digest: &activity::Digest) {
    if digest.items.is_empty() {
        out.line("nothing yet");
    }
    for item in &digest.items {
        if !item.why.is_empty() {
            out.line(format_args!(
                "{DIM}{}:{DIM:#}",
                clean_line(&item.why.join(", "))
            ));
        }
        match &item.what {
            ActivityKind::Claim { claim } => render::claim(out, claim),
            ActivityKind::Note { note } => render::note(out, note),
            ActivityKind::Inbox { item } => render::inbox_item(out, item),
            ActivityKind::Summary { message } | ActivityKind::Message { message } => {
                render::message(out, message, true);
            }
            ActivityKind::Session { session } => render::session(out, session),
        }
    }
    if digest.omitted > 0 {
        out.line(format_args!("{DIM}({} more){DIM:#}", digest.omitted));
    }
    out.freshness(&digest.meta);
}
