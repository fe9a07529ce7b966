//! How far each reader has read.

use crate::call::{arguments, keyed};
use crate::schema::*;
use crate::{channels, readers};
use spaces_domain::Refusal;
use spacetimedb::{ReducerContext, Table, reducer};

/// Notes that the sender has read a channel up to a message. A mark never goes
/// back.
#[reducer]
pub fn mark_read(
    ctx: &ReducerContext,
    client_key: String,
    channel_id: u64,
    message_id: u64,
) -> Result<(), String> {
    let arguments = arguments!("mark_read"; channel_id, message_id);
    keyed(ctx, &client_key, None, arguments, |call| {
        let channel = channels::find(call, channel_id)?;
        let last = ctx.db.hub_counter().id().find(0).map_or(0, |counter| counter.seq);
        if message_id > last {
            return Err(Refusal::not_found(format!("there is no message {message_id} yet")));
        }
        let key = readers::reader_key(channel.id, call.sender);
        let marker = ReadMarker {
            id: 0,
            key: key.clone(),
            identity: call.sender,
            channel_id,
            last_message_id: message_id,
            at: ctx.timestamp,
        };
        match ctx.db.read_marker().key().find(&key) {
            None => drop(ctx.db.read_marker().insert(marker)),
            Some(old) if old.last_message_id < message_id => {
                ctx.db.read_marker().id().update(ReadMarker { id: old.id, ..marker });
            }
            Some(_) => {}
        }
        Ok(())
    })
}
