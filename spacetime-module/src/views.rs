//! What a client sees of tables that are not public: its own, or what its tier
//! in a server shows it.
//!
//! A view is run again in every commit that touches what it read. The engine
//! notes the key of an index that was looked up whole; a range, or the first
//! columns of an index, it notes as the whole table. So views look up whole keys
//! only, but for the audit, which seldom grows.

use crate::schema::*;
use spaces_domain::{Action, Role as Tier, limits};
use spacetimedb::{ViewContext, view};

/// Whether the caller is (still) let in: connections outlive admissions. What
/// is not let in sees nothing here.
fn is_admitted(ctx: &ViewContext) -> bool {
    match ctx.db.admission().identity().find(ctx.sender()) {
        Some(admission) => !admission.redeem_only,
        None => ctx.db.hub_settings().id().find(0).is_some_and(|settings| {
            settings.admission == AdmissionPolicy::Open || settings.publisher == ctx.sender()
        }),
    }
}

/// The oldest deliveries to the caller, with what they deliver. Acknowledging
/// them brings up the next.
#[view(accessor = my_inbox, public, primary_key = id)]
fn my_inbox(ctx: &ViewContext) -> Vec<InboxItem> {
    if !is_admitted(ctx) {
        return Vec::new();
    }
    let shown = ctx.db.delivery().shown_to().filter(ctx.sender());
    shown.map(|delivery| with_content(ctx, delivery)).collect()
}

fn with_content(ctx: &ViewContext, delivery: Delivery) -> InboxItem {
    let id = delivery.message_id;
    let message = match delivery.reason {
        DeliveryReason::Direct | DeliveryReason::Private => ctx.db.private_message().id().find(id),
        DeliveryReason::Mention | DeliveryReason::Reply => ctx.db.message().id().find(id),
        DeliveryReason::Claim | DeliveryReason::VoiceSignal | DeliveryReason::Gap => None,
    };
    InboxItem {
        id: delivery.id,
        reason: delivery.reason,
        channel_id: delivery.channel_id,
        message,
        claim: delivery.claim,
        signal: delivery.signal,
        created_at: delivery.created_at,
    }
}

#[view(accessor = my_read_markers, public, primary_key = id)]
fn my_read_markers(ctx: &ViewContext) -> Vec<ReadMarker> {
    ctx.db.read_marker().identity().filter(ctx.sender()).collect()
}

/// The channels that are not open and that the caller reads, direct messages
/// among them.
#[view(accessor = my_channels, public, primary_key = id)]
fn my_channels(ctx: &ViewContext) -> Vec<Channel> {
    own_channels(ctx).collect()
}

fn own_channels(ctx: &ViewContext) -> impl Iterator<Item = Channel> {
    let admitted = is_admitted(ctx);
    ctx.db
        .channel_member()
        .identity()
        .filter(ctx.sender())
        .filter(move |_| admitted)
        .filter_map(|reader| ctx.db.private_channel().id().find(reader.channel_id))
}

/// Who else reads the caller's private and direct-message channels. Who reads a
/// channel for all members of a server is in `server_member`.
#[view(accessor = my_channel_members, public, primary_key = id)]
fn my_channel_members(ctx: &ViewContext) -> Vec<ChannelMemberRow> {
    own_channels(ctx)
        .filter(|channel| channel.visibility == ChannelVisibility::Private)
        .flat_map(|channel| ctx.db.channel_member().channel_id().filter(channel.id))
        .map(|reader| ChannelMemberRow {
            id: reader.id,
            channel_id: reader.channel_id,
            identity: reader.identity,
            added_at: reader.added_at,
        })
        .collect()
}

#[view(accessor = my_threads, public, primary_key = id)]
fn my_threads(ctx: &ViewContext) -> Vec<Thread> {
    own_channels(ctx)
        .flat_map(|channel| ctx.db.private_thread().by_channel().filter(channel.id))
        .collect()
}

#[view(accessor = my_voice_states, public, primary_key = identity)]
fn my_voice_states(ctx: &ViewContext) -> Vec<VoiceState> {
    own_channels(ctx)
        .filter(|channel| channel.channel_type == ChannelType::Voice)
        .flat_map(|channel| ctx.db.private_voice_state().by_channel().filter(channel.id))
        .collect()
}

#[view(accessor = my_typing, public, primary_key = identity)]
fn my_typing(ctx: &ViewContext) -> Vec<PrivateTyping> {
    own_channels(ctx)
        .flat_map(|channel| ctx.db.private_typing().channel_id().filter(channel.id))
        .filter(|typing| typing.identity != ctx.sender())
        .collect()
}

/// The servers in which the caller's tier allows an action.
fn servers_where(ctx: &ViewContext, action: Action) -> impl Iterator<Item = u64> {
    ctx.db
        .server_member()
        .identity()
        .filter(ctx.sender())
        .filter(move |member| Tier::from(member.role).may(action))
        .map(|member| member.server_id)
}

/// Bans of the servers where the caller may kick.
#[view(accessor = my_bans, public, primary_key = id)]
fn my_bans(ctx: &ViewContext) -> Vec<Ban> {
    servers_where(ctx, Action::KickMember)
        .flat_map(|server_id| ctx.db.ban().server_id().filter(server_id))
        .collect()
}

/// The newest audit entries of the servers where the caller may read them; the
/// procedure `audit_history` has the others.
#[view(accessor = my_audit, public, primary_key = id)]
fn my_audit(ctx: &ViewContext) -> Vec<AuditEntry> {
    servers_where(ctx, Action::ReadAudit)
        .filter_map(|server_id| ctx.db.audit_tail().server_id().find(server_id))
        .flat_map(|tail| {
            let from = tail.last_ordinal.saturating_sub(limits::AUDIT_WINDOW) + 1;
            ctx.db.audit_entry().by_server_ordinal().filter((tail.server_id, from..))
        })
        .collect()
}

/// Invites that the caller made, and all of the servers where the caller may
/// invite members.
#[view(accessor = my_invites, public, primary_key = secret_hash)]
fn my_invites(ctx: &ViewContext) -> Vec<InviteRow> {
    let sender = ctx.sender();
    let own = ctx.db.invite().by().filter(sender);
    // Only for those who see all: who looks up a server's invites is run again
    // with each of them.
    let others = servers_where(ctx, Action::InviteMember)
        .flat_map(|server_id| ctx.db.invite().by_server().filter(server_id))
        .filter(|invite| invite.by != sender);
    own.chain(others)
        .map(|invite| InviteRow {
            secret_hash: invite.secret_hash,
            server_id: invite.server_id,
            role: invite.role,
            uses: invite.uses,
            max_uses: invite.max_uses,
            expires_at: invite.expires_at,
            by: invite.by,
            created_at: invite.created_at,
        })
        .collect()
}
