//! The record of what was done by those who may do more than others.

use crate::call::Call;
use crate::hub;
use crate::schema::*;
use spaces_domain::Refusal;
use spacetimedb::Table;

/// Records an act in a server.
pub fn record(
    call: &Call,
    server_id: u64,
    action: &str,
    target: Option<String>,
    detail: Option<String>,
) {
    let db = &call.ctx.db;
    let tail = db.audit_tail().server_id().find(server_id);
    let ordinal = tail.as_ref().map_or(0, |tail| tail.last_ordinal) + 1;
    let row = AuditTail { server_id, last_ordinal: ordinal };
    match tail {
        Some(_) => drop(db.audit_tail().server_id().update(row)),
        None => drop(db.audit_tail().insert(row)),
    }
    db.audit_entry().insert(AuditEntry {
        id: 0,
        server_id,
        ordinal,
        actor: call.sender,
        session_id: call.session.as_ref().map(|session| session.id.clone()),
        action: action.into(),
        target,
        detail,
        at: call.ctx.timestamp,
    });
}

/// Records an act on the hub itself, in the home server's audit.
pub fn hub(
    call: &Call,
    action: &str,
    target: Option<String>,
    detail: Option<String>,
) -> Result<(), Refusal> {
    record(call, hub::info(call.ctx)?.home_server_id, action, target, detail);
    Ok(())
}
