//! Voice channels: who is in them, and signals between participants. The audio
//! itself goes another way; spoken turns are messages.

use crate::call::{Call, arguments, keyed, unkeyed};
use crate::schema::*;
use crate::{channels, deliveries, members};
use spaces_domain::{Action, Refusal, content, limits};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

/// Puts the sender into a voice channel, and out of any other.
#[reducer]
pub fn join_voice(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
    muted: bool,
    deafened: bool,
) -> Result<(), String> {
    let arguments = arguments!("join_voice"; agent_session, channel_id, muted, deafened);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let channel = channels::find(call, channel_id)?;
        if channel.channel_type != ChannelType::Voice {
            return Err(Refusal::invalid(format!("{} is no voice channel", channel.name)));
        }
        channels::require_live(&channel)?;
        call.require(channel.server_id, Action::PostText)?;
        leave(ctx, call.sender);
        if participants(ctx, &channel) >= limits::VOICE_PARTICIPANTS {
            return Err(Refusal::conflict(format!(
                "a voice channel has at most {} participants",
                limits::VOICE_PARTICIPANTS
            )));
        }
        let state = VoiceState {
            identity: call.sender,
            channel_id,
            muted: muted || is_muted(call, &channel)?,
            deafened,
            speaking: false,
            since: ctx.timestamp,
            agent_address: call.session.as_ref().map(|session| session.agent_address.clone()),
        };
        match channel.visibility {
            ChannelVisibility::Open => drop(ctx.db.voice_state().insert(state)),
            _ => drop(ctx.db.private_voice_state().insert(state)),
        }
        Ok(())
    })
}

fn is_muted(call: &Call, channel: &Channel) -> Result<bool, Refusal> {
    let member = call.membership(channel.server_id)?;
    Ok(members::require_not_muted(call.ctx, &member).is_err())
}

fn participants(ctx: &ReducerContext, channel: &Channel) -> usize {
    match channel.visibility {
        ChannelVisibility::Open => ctx.db.voice_state().by_channel().filter(channel.id).count(),
        _ => ctx.db.private_voice_state().by_channel().filter(channel.id).count(),
    }
}

/// Where an identity is, if it is in a voice channel.
fn state_of(ctx: &ReducerContext, identity: Identity) -> Option<VoiceState> {
    let open = ctx.db.voice_state().identity().find(identity);
    open.or_else(|| ctx.db.private_voice_state().identity().find(identity))
}

fn own_state(call: &Call) -> Result<(Channel, VoiceState), Refusal> {
    let absent = || Refusal::conflict("you are in no voice channel");
    let state = state_of(call.ctx, call.sender).ok_or_else(absent)?;
    let channel = channels::find(call, state.channel_id).map_err(|_| absent())?;
    Ok((channel, state))
}

fn save(ctx: &ReducerContext, state: VoiceState) {
    match ctx.db.voice_state().identity().find(state.identity) {
        Some(_) => drop(ctx.db.voice_state().identity().update(state)),
        None => drop(ctx.db.private_voice_state().identity().update(state)),
    }
}

/// Takes the sender out of the voice channel it is in, if any.
#[reducer]
pub fn leave_voice(ctx: &ReducerContext, client_key: String) -> Result<(), String> {
    keyed(ctx, &client_key, None, arguments!("leave_voice"), |call| {
        leave(ctx, call.sender);
        Ok(())
    })
}

/// What was signalled to somebody is worth nothing once they have left.
pub fn leave(ctx: &ReducerContext, identity: Identity) {
    if let Some(state) = state_of(ctx, identity) {
        ctx.db.voice_state().identity().delete(identity);
        ctx.db.private_voice_state().identity().delete(identity);
        deliveries::withdraw_signals(ctx, identity, state.channel_id);
    }
}

/// Takes an identity out of one voice channel, if it is there.
pub fn leave_channel(ctx: &ReducerContext, identity: Identity, channel_id: u64) {
    if state_of(ctx, identity).is_some_and(|state| state.channel_id == channel_id) {
        leave(ctx, identity);
    }
}

/// Takes everybody out of a voice channel.
pub fn clear(ctx: &ReducerContext, channel_id: u64) {
    let open = ctx.db.voice_state().by_channel().filter(channel_id);
    let private = ctx.db.private_voice_state().by_channel().filter(channel_id);
    let there: Vec<Identity> = open.chain(private).map(|state| state.identity).collect();
    there.into_iter().for_each(|identity| leave(ctx, identity));
}

/// Takes an identity out of a voice channel of a server it is no longer in.
pub fn leave_server(ctx: &ReducerContext, identity: Identity, server_id: u64) {
    if is_in_server(ctx, identity, server_id) {
        leave(ctx, identity);
    }
}

/// Mutes an identity in a voice channel of a server.
pub fn silence(ctx: &ReducerContext, identity: Identity, server_id: u64) {
    if is_in_server(ctx, identity, server_id)
        && let Some(state) = state_of(ctx, identity)
    {
        save(ctx, VoiceState { muted: true, speaking: false, ..state });
    }
}

fn is_in_server(ctx: &ReducerContext, identity: Identity, server_id: u64) -> bool {
    state_of(ctx, identity)
        .and_then(|state| channels::find_any(ctx, state.channel_id))
        .is_some_and(|channel| channel.server_id == server_id)
}

/// Says how the sender takes part. Who is muted in the server stays muted; who
/// is muted does not speak.
#[reducer]
pub fn set_voice_state(
    ctx: &ReducerContext,
    muted: bool,
    deafened: bool,
    speaking: bool,
) -> Result<(), String> {
    unkeyed(ctx, |call| {
        let (channel, state) = own_state(call)?;
        let muted = muted || is_muted(call, &channel)?;
        save(ctx, VoiceState { muted, deafened, speaking: speaking && !muted, ..state });
        Ok(())
    })
}

/// Passes an offer, an answer, a candidate or a hang-up to another participant
/// of the sender's voice channel, and to nobody else.
#[reducer]
pub fn voice_signal(
    ctx: &ReducerContext,
    client_key: String,
    recipient: Identity,
    kind: SignalKind,
    payload: String,
) -> Result<(), String> {
    let arguments = arguments!("voice_signal"; recipient, kind, payload);
    keyed(ctx, &client_key, None, arguments, |call| {
        if recipient == call.sender {
            return Err(Refusal::invalid("a signal goes to another participant"));
        }
        if kind != SignalKind::Hangup || !payload.is_empty() {
            content::check_text("a signal", &payload, limits::SIGNAL_CHARS)?;
        }
        let (channel, _) = own_state(call)?;
        let there = state_of(ctx, recipient).is_some_and(|one| one.channel_id == channel.id);
        if !there {
            return Err(Refusal::not_found("the recipient is not in your voice channel"));
        }
        let signal = VoiceSignal { from: call.sender, kind, payload };
        deliveries::put(
            ctx,
            recipient,
            DeliveryReason::VoiceSignal,
            deliveries::Content::Signal(channel.id, signal),
        );
        Ok(())
    })
}
