//! Posting, direct messages, search.

use schemars::JsonSchema;
use serde::Deserialize;
use spaces_api::methods::{dm, message};
use spaces_api::model::Context;
use spaces_api::{ChannelRef, MessageRef, UserRef};

use super::{Nature, Tool, page};
use crate::mcp::daemon::Daemon;
use crate::mcp::failure::ToolError;
use crate::peers::{Entry, Keep, inline};

pub enum SendMessage {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessageInput {
    /// `#name`, `server/#name` or id
    channel: String,
    /// At most 8,000 characters
    content: String,
    /// Message id
    reply_to: Option<u64>,
    thread: Option<u64>,
}

impl Tool for SendMessage {
    const NAME: &'static str = "send_message";
    const DESCRIPTION: &'static str =
        "Post to a channel. Kept while offline; the receipt says sent or queued";
    const NATURE: Nature = Nature::Adds;
    type Input = SendMessageInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let told = daemon
            .post::<message::Send>(
                |how| message::SendParams {
                    channel: ChannelRef::from(input.channel),
                    content: input.content,
                    kind: None,
                    thread_id: input.thread,
                    reply_to: input.reply_to.map(MessageRef::Id),
                    cwd: how.cwd,
                    context: Context::default(),
                    client_key: how.client_key,
                    wait: how.wait,
                    timeout_ms: how.timeout_ms,
                    session: how.session,
                },
                |written| written.receipt,
            )
            .await?;
        Ok(told.to_string())
    }
}

pub enum SendDm {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendDmInput {
    /// `@user` or `@user/agent`, who need not be running
    to: String,
    content: String,
    reply_to: Option<u64>,
}

impl Tool for SendDm {
    const NAME: &'static str = "send_dm";
    const DESCRIPTION: &'static str = "Send a private message to a user or agent";
    const NATURE: Nature = Nature::Adds;
    type Input = SendDmInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let told = daemon
            .post::<dm::Send>(
                |how| dm::SendParams {
                    to: UserRef::from(input.to),
                    content: input.content,
                    reply_to: input.reply_to.map(MessageRef::Id),
                    cwd: how.cwd,
                    context: Context::default(),
                    client_key: how.client_key,
                    wait: how.wait,
                    timeout_ms: how.timeout_ms,
                    session: how.session,
                },
                |written| written.receipt,
            )
            .await?;
        Ok(told.to_string())
    }
}

pub enum Search {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchInput {
    /// Words that all occur, `"a phrase"`, `prefix*`
    query: String,
    channel: Option<String>,
    /// `@user`
    author: Option<String>,
    limit: Option<u32>,
}

impl Tool for Search {
    const NAME: &'static str = "search";
    const DESCRIPTION: &'static str = "Full-text search of messages";
    const NATURE: Nature = Nature::Reads;
    type Input = SearchInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let params = message::SearchParams {
            query: input.query,
            channel: input.channel.map(ChannelRef::from),
            author: input.author.map(UserRef::from),
            kind: None,
            repo: None,
            branch: None,
            since: None,
            limit: input.limit,
        };
        let found = daemon.ask::<message::Search>(&params).await?;
        let entries: Vec<_> = found.hits.iter().map(Entry::of_hit).collect();
        Ok(page(
            &format!("{} hits; [..] marks the words found.", entries.len()),
            &entries,
            Keep::First,
            &format!("Nothing found for {}.", inline(&params.query, 200)),
            "narrow the search.",
            &found.meta,
        ))
    }
}
