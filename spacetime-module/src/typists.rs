//! Who is writing.

use crate::call::unkeyed;
use crate::clock::seconds;
use crate::schema::*;
use crate::{channels, members};
use spaces_domain::{Action, limits};
use spacetimedb::{ReducerContext, Table, reducer};

const EXPIRE_BATCH: usize = 500;

/// Tells those who read a channel that the sender is writing there: in an open
/// channel by an event, else by a row of `my_typing` that stays some seconds.
#[reducer]
pub fn start_typing(ctx: &ReducerContext, channel_id: u64) -> Result<(), String> {
    unkeyed(ctx, |call| {
        let channel = channels::find(call, channel_id)?;
        channels::require_live(&channel)?;
        if channel.server_id != DIRECT_SERVER_ID {
            let member = call.membership(channel.server_id)?;
            call.held_to(&member).require(Action::PostText)?;
            members::require_not_muted(ctx, &member)?;
        }
        if channel.visibility == ChannelVisibility::Open {
            ctx.db.typing().insert(Typing { channel_id, identity: call.sender });
            return Ok(());
        }
        ctx.db.private_typing().identity().delete(call.sender);
        ctx.db.private_typing().insert(PrivateTyping {
            identity: call.sender,
            channel_id,
            until: ctx.timestamp + seconds(limits::TYPING_SECS),
        });
        Ok(())
    })
}

pub fn expire(ctx: &ReducerContext) {
    let over: Vec<PrivateTyping> =
        ctx.db.private_typing().until().filter(..=ctx.timestamp).take(EXPIRE_BATCH).collect();
    for typing in over {
        ctx.db.private_typing().identity().delete(typing.identity);
    }
}
