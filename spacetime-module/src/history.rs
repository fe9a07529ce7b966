//! Pages of what is not subscribed: the history of a channel, the audit of a
//! server. The answer goes to the caller only.

use crate::call::{self, Call};
use crate::channels;
use crate::schema::*;
use spaces_domain::{Action, Refusal, limits};
use spacetimedb::{ProcedureContext, ReducerContext, procedure};

/// The messages of a channel that the caller may read, before `before_ordinal`
/// or up to the newest: at most `limit` (1 to 500), oldest first.
#[procedure]
pub fn channel_history(
    ctx: &mut ProcedureContext,
    channel_id: u64,
    before_ordinal: Option<u64>,
    limit: u32,
) -> HistoryPage {
    let page = ctx.with_tx(|ctx| read_channel(ctx, channel_id, before_ordinal, limit));
    page.unwrap_or_else(|refusal| HistoryPage {
        error: Some(refusal.to_string()),
        messages: Vec::new(),
        next_before: None,
    })
}

fn read_channel(
    ctx: &ReducerContext,
    channel_id: u64,
    before_ordinal: Option<u64>,
    limit: u32,
) -> Result<HistoryPage, Refusal> {
    let channel = channels::find(&caller(ctx)?, channel_id)?;
    let tail = channels::tail(ctx, channel_id)?;
    let span = Span::before(before_ordinal, limit, tail.pruned_ordinal, tail.last_ordinal)?;
    let range = (channel_id, span.from..span.to);
    let messages = match channel.visibility {
        ChannelVisibility::Open => ctx.db.message().by_channel_ordinal().filter(range).collect(),
        _ => ctx.db.private_message().by_channel_ordinal().filter(range).collect(),
    };
    Ok(HistoryPage { error: None, messages, next_before: span.next_before })
}

/// The audit entries of a server where the caller may read them, before
/// `before_ordinal` or up to the newest: at most `limit` (1 to 500), oldest first.
#[procedure]
pub fn audit_history(
    ctx: &mut ProcedureContext,
    server_id: u64,
    before_ordinal: Option<u64>,
    limit: u32,
) -> AuditPage {
    let page = ctx.with_tx(|ctx| read_audit(ctx, server_id, before_ordinal, limit));
    page.unwrap_or_else(|refusal| AuditPage {
        error: Some(refusal.to_string()),
        entries: Vec::new(),
        next_before: None,
    })
}

fn read_audit(
    ctx: &ReducerContext,
    server_id: u64,
    before_ordinal: Option<u64>,
    limit: u32,
) -> Result<AuditPage, Refusal> {
    caller(ctx)?.require(server_id, Action::ReadAudit)?;
    let last = ctx.db.audit_tail().server_id().find(server_id).map_or(0, |tail| tail.last_ordinal);
    let span = Span::before(before_ordinal, limit, 0, last)?;
    let range = (server_id, span.from..span.to);
    let entries = ctx.db.audit_entry().by_server_ordinal().filter(range).collect();
    Ok(AuditPage { error: None, entries, next_before: span.next_before })
}

fn caller(ctx: &ReducerContext) -> Result<Call<'_>, Refusal> {
    call::require_admitted(ctx)?;
    Ok(Call { ctx, sender: ctx.sender(), session: None, client_key: "" })
}

/// The ordinals `from..to` of a page.
struct Span {
    from: u64,
    to: u64,
    next_before: Option<u64>,
}

impl Span {
    fn before(before: Option<u64>, limit: u32, pruned: u64, last: u64) -> Result<Self, Refusal> {
        if !(1..=limits::HISTORY_PAGE).contains(&limit) {
            return Err(Refusal::invalid(format!(
                "a page has 1 to {} entries",
                limits::HISTORY_PAGE
            )));
        }
        let first = pruned + 1;
        let to = before.unwrap_or(u64::MAX).clamp(first, last + 1);
        let from = to.saturating_sub(u64::from(limit)).max(first);
        Ok(Self { from, to, next_before: Some(from).filter(|from| *from > first) })
    }
}
