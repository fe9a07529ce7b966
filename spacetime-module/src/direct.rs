//! Direct messages: private channels of two, made with the first message.

use crate::call::{Call, arguments, keyed};
use crate::hub::{self, Standing};
use crate::schema::*;
use crate::{channels, counter, messages, readers, users};
use spaces_domain::names::Address;
use spaces_domain::{ChannelType as Channels, Refusal};
use spacetimedb::{Identity, ReducerContext, reducer};

/// Sends to another user, to one of the user's agents (`to_agent`, its whole
/// address), or to another agent of the sender's own.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn send_direct_message(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    recipient: Identity,
    to_agent: Option<String>,
    kind: MessageKind,
    content: String,
    context: MessageContext,
    reply_to: Option<u64>,
) -> Result<(), String> {
    let arguments = arguments!(
        "send_direct_message"; agent_session, recipient, to_agent, kind, content, context, reply_to
    );
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        require_recipient(call, recipient, to_agent.as_deref())?;
        if !Channels::Text.accepts(kind.into()) {
            return Err(Refusal::invalid("only the hub writes messages of this kind"));
        }
        let channel = channel_of(ctx, call.sender, recipient)?;
        let draft = messages::Draft {
            thread_id: None,
            to_agent,
            kind,
            content,
            context,
            reply_to,
            client_key: call.client_key,
        };
        messages::post(call, &channel, draft).map(drop)
    })
}

fn require_recipient(
    call: &Call,
    recipient: Identity,
    to_agent: Option<&str>,
) -> Result<(), Refusal> {
    users::find(call.ctx, recipient)?;
    if hub::standing(call.ctx, recipient)? != Standing::Full {
        return Err(Refusal::not_found(format!("{recipient} is no longer on this hub")));
    }
    match to_agent {
        Some(address) => require_agent(call.ctx, recipient, address),
        None if recipient == call.sender => {
            Err(Refusal::invalid("a message to yourself must name one of your agents"))
        }
        None => Ok(()),
    }
}

fn require_agent(ctx: &ReducerContext, owner: Identity, address: &str) -> Result<(), Refusal> {
    address.parse::<Address>()?;
    let agent = ctx.db.agent().address().find(address.to_owned());
    match agent.filter(|agent| agent.owner == owner) {
        Some(_) => Ok(()),
        None => Err(Refusal::not_found(format!("there is no agent {address} of this user"))),
    }
}

/// The channel of a pair, made if there is none. A user's messages among own
/// agents are in a channel of that one user.
fn channel_of(ctx: &ReducerContext, a: Identity, b: Identity) -> Result<Channel, Refusal> {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let key = format!("dm:{low}:{high}");
    if let Some(channel) = ctx.db.private_channel().key().find(&key) {
        return Ok(channel);
    }
    let channel = Channel {
        id: counter::next(ctx)?,
        key,
        server_id: DIRECT_SERVER_ID,
        name: "dm".into(),
        topic: None,
        channel_type: ChannelType::Text,
        visibility: ChannelVisibility::Private,
        position: 0,
        slow_mode_secs: 0,
        archived: false,
        created_at: ctx.timestamp,
    };
    channels::save_new(ctx, channel.clone());
    readers::add_reader(ctx, &channel, low)?;
    readers::add_reader(ctx, &channel, high)?;
    Ok(channel)
}
