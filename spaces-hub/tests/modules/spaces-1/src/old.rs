//! Rows that are over every age.

use crate::fill::{GENERAL, HOME};
use crate::schema::*;
use spacetimedb::{Identity, ReducerContext, Table, TimeDuration, Timestamp, reducer};

const OLD: u64 = 17;
const AGE_DAYS: i64 = 400;

pub fn days_ago(ctx: &ReducerContext, days: i64) -> Timestamp {
    ctx.timestamp - TimeDuration::from_micros(days * 86_400_000_000)
}

/// `count` old rows of each kind that ages; `away` never fetched its deliveries.
/// Half of the messages of the channel `old` are from today.
#[reducer]
pub fn fill_old(ctx: &ReducerContext, away: Identity, count: u32) {
    let db = &ctx.db;
    db.admission().insert(Admission {
        identity: away,
        redeem_only: false,
        by: ctx.sender(),
        created_at: ctx.timestamp,
        expires_at: None,
    });
    db.channel().insert(Channel {
        id: OLD,
        key: format!("{HOME}:old"),
        server_id: HOME,
        name: "old".into(),
        topic: None,
        channel_type: ChannelType::Text,
        visibility: ChannelVisibility::Open,
        position: 9,
        slow_mode_secs: 0,
        archived: false,
        created_at: ctx.timestamp,
    });
    db.channel_tail().insert(ChannelTail {
        channel_id: OLD,
        last_ordinal: count.into(),
        pruned_ordinal: 0,
        readers: 0,
    });
    let shown = count.min(64);
    db.inbox_state().insert(InboxState {
        identity: away,
        pending: count,
        shown,
        gap_delivery_id: None,
    });
    for n in 0..count {
        let at = days_ago(ctx, AGE_DAYS) + TimeDuration::from_micros(i64::from(n) * 1_000_000);
        delivery(ctx, away, at, n < shown);
        message(ctx, if n < count / 2 { at } else { ctx.timestamp }, n);
        work(ctx, at, n);
        hub(ctx, at, n);
    }
}

fn delivery(ctx: &ReducerContext, away: Identity, at: Timestamp, is_shown: bool) {
    ctx.db.delivery().insert(Delivery {
        id: 0,
        recipient: away,
        shown_to: if is_shown { away } else { Identity::ZERO },
        reason: DeliveryReason::Mention,
        channel_id: GENERAL,
        message_id: 31,
        claim: None,
        signal: None,
        created_at: at,
    });
}

fn message(ctx: &ReducerContext, at: Timestamp, n: u32) {
    let id = 100_000 + u64::from(n);
    ctx.db.message().insert(Message {
        id,
        seq: id,
        channel_id: OLD,
        ordinal: u64::from(n) + 1,
        thread_id: None,
        author: ctx.sender(),
        agent_address: None,
        session_id: None,
        to_agent: None,
        kind: MessageKind::Text,
        content: format!("old {n}"),
        context: MessageContext::default(),
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: at,
        edited_at: None,
        deleted: false,
        client_key: String::new(),
    });
}

fn work(ctx: &ReducerContext, at: Timestamp, n: u32) {
    let db = &ctx.db;
    db.agent_session().insert(AgentSession {
        id: format!("old {n}"),
        agent_id: 1,
        agent_address: "@olga/old".into(),
        owner: ctx.sender(),
        tool: "tool".into(),
        repo: "example.org/old".into(),
        branch: None,
        commit: None,
        task: None,
        state: SessionState::Ended,
        paths: Vec::new(),
        started_at: at,
        last_seen: at,
        ended_at: Some(at),
        expired: true,
    });
    let note = db.note().insert(Note {
        id: 0,
        author: ctx.sender(),
        agent_address: None,
        session_id: None,
        repo: "example.org/old".into(),
        branch: None,
        content: "old".into(),
        paths: Vec::new(),
        created_at: at,
        done_at: Some(at),
        done_by: Some(ctx.sender()),
        client_key: String::new(),
    });
    db.done_note().insert(DoneNote {
        note_id: note.id,
        at,
    });
}

fn hub(ctx: &ReducerContext, at: Timestamp, n: u32) {
    let db = &ctx.db;
    db.idempotency_key().insert(IdempotencyKey {
        key: format!("old {n}"),
        content_hash: n.into(),
        created_at: at,
    });
    db.audit_entry().insert(AuditEntry {
        id: 0,
        server_id: HOME,
        ordinal: 1_000 + u64::from(n),
        actor: ctx.sender(),
        session_id: None,
        action: "old".into(),
        target: None,
        detail: None,
        at,
    });
    db.slow_mode().insert(SlowMode {
        key: format!("old {n}"),
        at,
    });
    let mut bytes = [9; 32];
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    let identity = Identity::from_byte_array(bytes);
    db.rate_bucket().insert(RateBucket {
        identity,
        millitokens: 0,
        at,
    });
}
