//! Channels: what there is, who is there, what was said.

use schemars::JsonSchema;
use serde::Deserialize;
use spaces_api::methods::{channel, dm, member, message};
use spaces_api::model::{ChannelType, Member, Older, User, Visibility};
use spaces_api::{ChannelRef, ErrorKind, ServerRef, UserRef};

use super::{Nature, Tool, freshness, page};
use crate::mcp::daemon::Daemon;
use crate::mcp::failure::ToolError;
use crate::peers::{Entry, Keep, inline};
use crate::render::ONLY_ON_HUB;

/// Messages of a page where the agent asks for no number.
const MESSAGES: u32 = 20;
const MAX_MESSAGES: u32 = 100;

pub enum ListChannels {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListChannelsInput {
    server: Option<String>,
}

impl Tool for ListChannels {
    const NAME: &'static str = "list_channels";
    const DESCRIPTION: &'static str = "Channels you may read: type, unread count, topic";
    const NATURE: Nature = Nature::Reads;
    type Input = ListChannelsInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let params = channel::ListParams {
            server: input.server.map(ServerRef::from),
            all: false,
        };
        let listed = daemon.ask::<channel::List>(&params).await?;
        Ok(channels(&listed))
    }
}

/// A list of channels; also a resource.
pub fn channels(listed: &channel::Channels) -> String {
    let lines: Vec<_> = listed
        .channels
        .iter()
        .map(|channel| {
            let topic = channel.topic.as_deref().unwrap_or_default();
            format!(
                "#{} (id {}, server {}, {}, {}, {} unread) {}",
                inline(&channel.name, 80),
                channel.id,
                inline(&channel.server, 80),
                channel.channel_type,
                channel.visibility,
                channel.unread,
                inline(topic, 200),
            )
        })
        .collect();
    list("channels", &lines, &freshness(&listed.meta))
}

pub enum ReadMessages {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadMessagesInput {
    /// `#name`, `server/#name`, id, or `@user` for direct messages
    channel: String,
    /// 1 to 100, default 20
    limit: Option<u32>,
    /// Only messages with a lower id
    before: Option<u64>,
    thread: Option<u64>,
}

impl Tool for ReadMessages {
    const NAME: &'static str = "read_messages";
    const DESCRIPTION: &'static str = "Newest messages of a channel or direct conversation";
    const NATURE: Nature = Nature::Reads;
    type Input = ReadMessagesInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let limit = Some(input.limit.unwrap_or(MESSAGES).min(MAX_MESSAGES));
        let found = if input.channel.starts_with('@') {
            let params = dm::ListParams {
                with: UserRef::from(input.channel.as_str()),
                limit,
                before: input.before,
                after: None,
            };
            daemon.ask::<dm::List>(&params).await?
        } else {
            let params = message::ListParams {
                channel: ChannelRef::from(input.channel.as_str()),
                thread_id: input.thread,
                limit,
                before: input.before,
                after: None,
                author: None,
                kind: None,
            };
            daemon.ask::<message::List>(&params).await?
        };
        Ok(messages(&input.channel, &found))
    }
}

/// A page of messages; also a resource.
pub fn messages(channel: &str, found: &message::Page) -> String {
    let entries: Vec<_> = found.messages.iter().map(Entry::in_channel).collect();
    let name = inline(channel, 120);
    let mut text = page(
        &format!("{name}: {} messages, oldest first.", entries.len()),
        &entries,
        Keep::Last,
        &format!("{name} has no messages here."),
        "ask for fewer.",
        &found.meta,
    );
    if let Some(before) = found.before {
        text.push_str(&format!("\nEarlier ones: before={before}"));
    }
    if found.older == Some(Older::OnHub) {
        text.push_str(&format!("\nNot all: {ONLY_ON_HUB}."));
    }
    text
}

pub enum ListMembers {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMembersInput {
    server: Option<String>,
    /// Who can read this channel
    channel: Option<String>,
}

impl Tool for ListMembers {
    const NAME: &'static str = "list_members";
    const DESCRIPTION: &'static str = "Members of a server or channel: role, online";
    const NATURE: Nature = Nature::Reads;
    type Input = ListMembersInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let of_member = |member: &Member| user(&member.user, member.role.as_str());
        let (lines, meta) = match input.channel {
            Some(channel) => {
                let channel = ChannelRef::from(channel);
                let params = channel::MembersParams { channel };
                let listed = daemon.ask::<channel::Members>(&params).await?;
                let members = listed.members.iter().map(of_member);
                let users = listed.users.iter().map(|one| user(one, "reader"));
                (members.chain(users).collect::<Vec<_>>(), listed.meta)
            }
            None => {
                let server = input.server.map(ServerRef::from);
                let listed = daemon
                    .ask::<member::List>(&member::ListParams { server })
                    .await?;
                (listed.members.iter().map(of_member).collect(), listed.meta)
            }
        };
        Ok(list("members", &lines, &freshness(&meta)))
    }
}

fn user(user: &User, role: &str) -> String {
    let presence = if user.online { "online" } else { "offline" };
    format!("@{} {role} {presence}", inline(&user.username, 80))
}

pub enum CreateChannel {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateChannelInput {
    /// a-z 0-9 - _
    name: String,
    topic: Option<String>,
    r#type: Option<Kind>,
    private: Option<bool>,
    server: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Text,
    Voice,
    Announcement,
    AgentLog,
}

impl Tool for CreateChannel {
    const NAME: &'static str = "create_channel";
    const DESCRIPTION: &'static str =
        "Create a channel. Reserved for admins: an agent is told whom to ask";
    const NATURE: Nature = Nature::Adds;
    type Input = CreateChannelInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let name = input.name.clone();
        let made = daemon
            .write::<channel::Create>(|how| channel::CreateParams {
                name: input.name,
                server: input.server.map(ServerRef::from),
                channel_type: input.r#type.map(|kind| match kind {
                    Kind::Text => ChannelType::Text,
                    Kind::Voice => ChannelType::Voice,
                    Kind::Announcement => ChannelType::Announcement,
                    Kind::AgentLog => ChannelType::AgentLog,
                }),
                visibility: input
                    .private
                    .unwrap_or(false)
                    .then_some(Visibility::Private),
                topic: input.topic,
                client_key: how.client_key,
                wait: how.wait,
                timeout_ms: how.timeout_ms,
                session: how.session,
            })
            .await;
        match made {
            Ok(made) => Ok(format!(
                "created #{} (id {})",
                made.channel.name, made.channel.id
            )),
            Err(error) if error.kind == ErrorKind::PermissionDenied => Err(error.hint(format!(
                "ask your person or an admin (list_members) to run `spacesctl channel create {}`",
                inline(&name, 64)
            ))),
            Err(error) => Err(error),
        }
    }
}

/// Lines that hold words of others, in one block.
fn list(what: &'static str, lines: &[String], fresh: &str) -> String {
    let entry = Entry {
        what,
        from: "Spaces".to_owned(),
        at: None,
        place: None,
        why: String::new(),
        ids: Vec::new(),
        text: lines.join("\n").into(),
    };
    let opening = format!("{} {what}. {fresh}", lines.len());
    super::PAGE.render(&opening, &[entry]).0
}
