//! What deserves the agent's attention: the digest and the inbox.

use schemars::JsonSchema;
use serde::Deserialize;
use spaces_api::methods::{activity, inbox};
use spaces_api::model::Context;

use super::{Nature, Tool, page};
use crate::mcp::daemon::Daemon;
use crate::mcp::failure::ToolError;
use crate::peers::{Entry, Keep, place};

/// Items where the agent asks for no number.
const ITEMS: u32 = 20;
const MAX_ITEMS: u32 = 100;

pub enum Activity {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivityInput {
    /// Default 20
    limit: Option<u32>,
}

impl Tool for Activity {
    const NAME: &'static str = "activity";
    const DESCRIPTION: &'static str = "What peers did that matters for your repository and branch: claims, notes, unread messages, summaries, sessions. Look before you start";
    const NATURE: Nature = Nature::Reads;
    type Input = ActivityInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        digest(daemon, input.limit.unwrap_or(ITEMS).min(MAX_ITEMS)).await
    }
}

/// The digest of where the agent works; also a resource.
pub async fn digest(daemon: &Daemon, limit: u32) -> Result<String, ToolError> {
    let session = daemon.session();
    let params = activity::ListParams {
        cwd: session.cwd,
        context: Context::default(),
        session: Some(session.id),
        limit: Some(limit),
        max_tokens: None,
        mark_shown: false,
    };
    let found = daemon.ask::<activity::List>(&params).await?;
    let entries: Vec<_> = found.items.iter().filter_map(Entry::of_activity).collect();
    let here = place(&found.context).map_or_else(String::new, |place| format!(" for {place}"));
    let mut text = page(
        &format!("What others left{here}, most relevant first."),
        &entries,
        Keep::First,
        &format!("Nothing from others{here}."),
        "ask for fewer.",
        &found.meta,
    );
    if found.omitted > 0 {
        text.push_str(&format!("\n{} less relevant items exist.", found.omitted));
    }
    Ok(text)
}

pub enum Inbox {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxInput {
    /// Item ids to mark as read first
    ack: Option<Vec<u64>>,
    /// Also read items
    all: Option<bool>,
    limit: Option<u32>,
}

impl Tool for Inbox {
    const NAME: &'static str = "inbox";
    const DESCRIPTION: &'static str =
        "Unread direct messages, mentions and replies; `ack` marks items as read";
    const NATURE: Nature = Nature::Sets;
    type Input = InboxInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let mut text = String::new();
        // No ids mean all of them to the daemon: an empty list is none.
        if let Some(ids) = input.ack.filter(|ids| !ids.is_empty()) {
            let acked = daemon.ask::<inbox::Ack>(&inbox::AckParams { ids }).await?;
            text = format!("{} marked as read.\n", acked.acked);
        }
        let params = inbox::ListParams {
            all: input.all.unwrap_or(false),
            limit: Some(input.limit.unwrap_or(ITEMS).min(MAX_ITEMS)),
            before: None,
            ack: false,
        };
        let found = daemon.ask::<inbox::List>(&params).await?;
        let entries: Vec<_> = found.items.iter().filter_map(Entry::of_inbox).collect();
        text.push_str(&page(
            &format!("{} unread; newest first.", found.unread),
            &entries,
            Keep::First,
            "Nothing unread.",
            "mark some as read, or ask for fewer.",
            &found.meta,
        ));
        Ok(text)
    }
}
