//! Rows for each table, as the Spaces module of schema 1 would have left them.

use crate::schema::*;
use spacetimedb::{
    ConnectionId, Identity, ReducerContext, Table, TimeDuration, Timestamp, reducer,
};

pub const HOME: u64 = 1;
pub const GENERAL: u64 = 11;
const LOUNGE: u64 = 12;
const HIDDEN: u64 = 13;
const HIDDEN_LOUNGE: u64 = 14;
const DIRECT: u64 = 15;
/// A channel that was deleted; its messages are still there.
const GONE: u64 = 16;
const LAST_SEQ: u64 = 1_000;

/// Makes a hub that the caller owns and that `member` uses.
#[reducer]
pub fn fill(ctx: &ReducerContext, member: Identity) {
    hub(ctx, member);
    people(ctx, member);
    home(ctx, member);
    channels(ctx, member);
    messages(ctx, member);
    deliveries(ctx, member);
    work(ctx, member);
}

fn later(ctx: &ReducerContext) -> Timestamp {
    ctx.timestamp + TimeDuration::from_micros(3_600_000_000)
}

fn stranger() -> Identity {
    Identity::from_byte_array([7; 32])
}

fn hub(ctx: &ReducerContext, member: Identity) {
    let (db, now, publisher) = (&ctx.db, ctx.timestamp, ctx.sender());
    db.hub_settings().insert(HubSettings {
        id: 0,
        publisher,
        admission: AdmissionPolicy::Closed,
        rate_per_sec: 21,
        rate_burst: 201,
        message_days: 0,
        messages_per_channel: 0,
        delivery_days: 31,
        idempotency_days: 91,
        audit_days: 366,
        session_days: 32,
        session_timeout_secs: 181,
    });
    db.hub_counter().insert(HubCounter {
        id: 0,
        seq: LAST_SEQ,
    });
    db.admission().insert(Admission {
        identity: member,
        redeem_only: false,
        by: publisher,
        created_at: now,
        expires_at: None,
    });
    db.admission().insert(Admission {
        identity: Identity::from_byte_array([8; 32]),
        redeem_only: true,
        by: publisher,
        created_at: now,
        expires_at: Some(later(ctx)),
    });
    db.invite().insert(Invite {
        secret_hash: "ab".repeat(32),
        server_id: HOME,
        role: Role::Moderator,
        uses: 1,
        max_uses: 3,
        expires_at: Some(later(ctx)),
        by: publisher,
        created_at: now,
        temporary: Some(Identity::from_byte_array([8; 32])),
    });
    db.connection().insert(Connection {
        connection_id: ConnectionId::from_u128(99),
        identity: stranger(),
        since: now,
    });
    db.rate_bucket().insert(RateBucket {
        identity: member,
        millitokens: 123_456,
        at: now,
    });
    db.idempotency_key().insert(IdempotencyKey {
        key: format!("{member}:0190163d-8694-739b-aea5-966c26f8ad90"),
        content_hash: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
        created_at: now,
    });
    db.audit_entry().insert(AuditEntry {
        id: 0,
        server_id: HOME,
        ordinal: 1,
        actor: publisher,
        session_id: Some("0190163d-8694-739b-aea5-966c26f8ad91".into()),
        action: "ban_member".into(),
        target: Some(stranger().to_string()),
        detail: Some("kept".into()),
        at: now,
    });
    db.audit_tail().insert(AuditTail {
        server_id: HOME,
        last_ordinal: 1,
    });
    db.prune_cursor().insert(PruneCursor {
        id: 0,
        channel_id: 4,
    });
    db.deletion().insert(Deletion {
        id: 0,
        what: Deleted::Channel,
        target_id: GONE,
    });
}

fn people(ctx: &ReducerContext, member: Identity) {
    let (db, now) = (&ctx.db, ctx.timestamp);
    for (identity, name) in [(ctx.sender(), "olga"), (member, "mia"), (stranger(), "sam")] {
        db.user().insert(User {
            identity,
            username: name.into(),
            display_name: Some(format!("{name} Ö")),
            bio: Some("writes\ntests".into()),
            avatar_url: Some("https://example.org/a.png".into()),
            kind: UserKind::Human,
            created_at: now,
        });
        db.presence().insert(Presence {
            identity,
            online: false,
            status_text: Some("away".into()),
            last_seen: now,
        });
    }
    db.agent().insert(Agent {
        id: 0,
        address: "@mia/claude.spaces.main".into(),
        owner: member,
        name: "claude.spaces.main".into(),
        tool: "claude-code".into(),
        description: Some("an agent".into()),
        created_at: now,
        last_seen: now,
    });
}

fn home(ctx: &ReducerContext, member: Identity) {
    let (db, now) = (&ctx.db, ctx.timestamp);
    db.server().insert(Server {
        id: 0,
        name: "Spaces Hub".into(),
        description: Some("home".into()),
        icon_url: Some("https://example.org/i.png".into()),
        visibility: ServerVisibility::Open,
        created_at: now,
    });
    for (identity, role, muted_until) in [
        (ctx.sender(), Role::Owner, None),
        (member, Role::Member, None),
    ] {
        db.server_member().insert(ServerMember {
            id: 0,
            key: format!("{HOME}:{identity}"),
            server_id: HOME,
            identity,
            role,
            joined_at: now,
            muted_until,
        });
    }
    db.ban().insert(Ban {
        id: 0,
        key: format!("{HOME}:{}", stranger()),
        server_id: HOME,
        identity: stranger(),
        reason: Some("spam".into()),
        until: Some(later(ctx)),
        by: ctx.sender(),
        created_at: now,
    });
}

fn channels(ctx: &ReducerContext, member: Identity) {
    let (db, now) = (&ctx.db, ctx.timestamp);
    let channel = |id, name: &str, channel_type, visibility| Channel {
        id,
        key: format!("{HOME}:{name}"),
        server_id: HOME,
        name: name.into(),
        topic: Some(format!("about {name}")),
        channel_type,
        visibility,
        position: 3,
        slow_mode_secs: 5,
        archived: false,
        created_at: now,
    };
    let (open, private) = (ChannelVisibility::Open, ChannelVisibility::Private);
    db.channel()
        .insert(channel(GENERAL, "general", ChannelType::Text, open));
    db.channel()
        .insert(channel(LOUNGE, "lounge", ChannelType::Voice, open));
    db.private_channel()
        .insert(channel(HIDDEN, "hidden", ChannelType::Text, private));
    db.private_channel()
        .insert(channel(HIDDEN_LOUNGE, "den", ChannelType::Voice, private));
    let (low, high) = if ctx.sender() < member {
        (ctx.sender(), member)
    } else {
        (member, ctx.sender())
    };
    db.private_channel().insert(Channel {
        key: format!("dm:{low}:{high}"),
        server_id: DIRECT_SERVER_ID,
        ..channel(DIRECT, "dm", ChannelType::Text, private)
    });
    for (channel_id, last_ordinal, readers) in [
        (GENERAL, 1, 0),
        (LOUNGE, 0, 0),
        (HIDDEN, 1, 2),
        (HIDDEN_LOUNGE, 0, 2),
        (DIRECT, 1, 2),
        (GONE, 1, 0),
    ] {
        db.channel_tail().insert(ChannelTail {
            channel_id,
            last_ordinal,
            pruned_ordinal: 0,
            readers,
        });
    }
    for (channel_id, server_id) in [
        (HIDDEN, HOME),
        (HIDDEN_LOUNGE, HOME),
        (DIRECT, DIRECT_SERVER_ID),
    ] {
        for identity in [ctx.sender(), member] {
            db.channel_member().insert(ChannelMember {
                id: 0,
                key: format!("{channel_id}:{identity}"),
                channel_id,
                identity,
                server_id,
                added_at: now,
            });
        }
    }
    let thread = |id, channel_id| Thread {
        id,
        channel_id,
        name: "a thread".into(),
        creator: member,
        archived: false,
        created_at: now,
        last_message_at: now,
        client_key: "0190163d-8694-739b-aea5-966c26f8ad92".into(),
    };
    db.thread().insert(thread(21, GENERAL));
    db.private_thread().insert(thread(22, HIDDEN));
    let state = |identity, channel_id| VoiceState {
        identity,
        channel_id,
        muted: true,
        deafened: false,
        speaking: false,
        since: now,
    };
    db.voice_state().insert(state(ctx.sender(), LOUNGE));
    db.private_voice_state()
        .insert(state(member, HIDDEN_LOUNGE));
    db.private_typing().insert(PrivateTyping {
        identity: member,
        channel_id: HIDDEN,
        until: later(ctx),
    });
}

fn messages(ctx: &ReducerContext, member: Identity) {
    let (db, now) = (&ctx.db, ctx.timestamp);
    let message = |id, channel_id, thread_id, content: &str| Message {
        id,
        seq: id + 10,
        channel_id,
        ordinal: 1,
        thread_id,
        author: member,
        agent_address: Some("@mia/claude.spaces.main".into()),
        session_id: Some("0190163d-8694-739b-aea5-966c26f8ad91".into()),
        to_agent: None,
        kind: MessageKind::Summary,
        content: content.into(),
        context: MessageContext {
            repo: Some("example.org/spaces".into()),
            branch: Some("main".into()),
            commit: Some("0123abc".into()),
            paths: vec!["src/lib.rs".into(), "docs/ö.md".into()],
        },
        reply_to: Some(1),
        mentions: vec![ctx.sender()],
        reactions: vec![Reaction {
            emoji: "👍".into(),
            by: vec![ctx.sender(), member],
        }],
        created_at: now,
        edited_at: Some(now),
        deleted: false,
        client_key: "0190163d-8694-739b-aea5-966c26f8ad93".into(),
    };
    db.message()
        .insert(message(31, GENERAL, Some(21), "said in the open"));
    db.message()
        .insert(message(32, GONE, None, "said where nothing is any more"));
    db.private_message()
        .insert(message(33, HIDDEN, Some(22), "said in private"));
    db.private_message()
        .insert(message(34, DIRECT, None, "said to olga"));
    db.slow_mode().insert(SlowMode {
        key: format!("{GENERAL}:{member}"),
        at: now,
    });
    db.read_marker().insert(ReadMarker {
        id: 0,
        key: format!("{GENERAL}:{member}"),
        identity: member,
        channel_id: GENERAL,
        last_message_id: 31,
        at: now,
    });
}

fn deliveries(ctx: &ReducerContext, member: Identity) {
    let (db, now) = (&ctx.db, ctx.timestamp);
    let delivery = |reason, channel_id, message_id| Delivery {
        id: 0,
        recipient: member,
        shown_to: member,
        reason,
        channel_id,
        message_id,
        claim: None,
        signal: None,
        created_at: now,
    };
    db.delivery()
        .insert(delivery(DeliveryReason::Direct, DIRECT, 34));
    db.delivery().insert(Delivery {
        signal: Some(VoiceSignal {
            from: ctx.sender(),
            kind: SignalKind::Offer,
            payload: "an offer".into(),
        }),
        ..delivery(DeliveryReason::VoiceSignal, HIDDEN_LOUNGE, 0)
    });
    // As if the window were full: this one waits its turn.
    db.delivery().insert(Delivery {
        shown_to: Identity::ZERO,
        ..delivery(DeliveryReason::Private, HIDDEN, 33)
    });
    db.inbox_state().insert(InboxState {
        identity: member,
        pending: 3,
        shown: 2,
        gap_delivery_id: None,
    });
}

fn work(ctx: &ReducerContext, member: Identity) {
    let (db, now) = (&ctx.db, ctx.timestamp);
    let id = "0190163d-8694-739b-aea5-966c26f8ad91".to_owned();
    db.agent_session().insert(AgentSession {
        id: id.clone(),
        agent_id: 1,
        agent_address: "@mia/claude.spaces.main".into(),
        owner: member,
        tool: "claude-code".into(),
        repo: "example.org/spaces".into(),
        branch: Some("main".into()),
        commit: Some("0123abc".into()),
        task: Some("migrate".into()),
        state: SessionState::Waiting,
        paths: vec!["src/lib.rs".into()],
        started_at: now,
        last_seen: now,
        ended_at: None,
        expired: false,
    });
    db.session_lease().insert(SessionLease {
        session_id: id.clone(),
        owner: member,
        last_seen: now,
    });
    // The second is over: the module's own job is to notice.
    for (pattern, expires_at) in [("src/**", later(ctx)), ("over/**", now)] {
        db.claim().insert(Claim {
            id: 0,
            key: format!("{id}:example.org/spaces:paths:{pattern}"),
            session_id: id.clone(),
            owner: member,
            agent_address: "@mia/claude.spaces.main".into(),
            repo: "example.org/spaces".into(),
            target: ClaimTarget::Paths,
            pattern: pattern.into(),
            exclusive: true,
            reason: Some("at work".into()),
            created_at: now,
            expires_at,
        });
    }
    let note = db.note().insert(Note {
        id: 0,
        author: member,
        agent_address: Some("@mia/claude.spaces.main".into()),
        session_id: Some(id),
        repo: "example.org/spaces".into(),
        branch: Some("main".into()),
        content: "for whoever comes next".into(),
        paths: vec!["src/lib.rs".into()],
        created_at: now,
        done_at: Some(now),
        done_by: Some(member),
        client_key: "0190163d-8694-739b-aea5-966c26f8ad94".into(),
    });
    db.done_note().insert(DoneNote {
        note_id: note.id,
        at: now,
    });
}
