//! The hub's life, and who may connect to it.

use crate::call::{self, Call, arguments, keyed};
use crate::clock::seconds;
use crate::schema::*;
use crate::{audit, channels, counter, members, retention, sessions, users, voice};
use spaces_domain::{Action, ErrorKind, Refusal, Role as Tier, content, limits};
use spacetimedb::{
    Identity, ProcedureContext, ReducerContext, ScheduleAt, Table, procedure, reducer,
};

const HOME_SERVER: &str = "Spaces Hub";
const PRUNE_EVERY_SECS: u32 = 60;
const EXPIRE_EVERY_SECS: u32 = 5;

#[reducer(init)]
pub fn init(ctx: &ReducerContext) -> Result<(), String> {
    ctx.db.hub_counter().insert(HubCounter { id: 0, seq: 0 });
    ctx.db.hub_settings().insert(first_settings(ctx.sender()));
    users::ensure(ctx, ctx.sender());
    let home = ctx.db.server().insert(Server {
        id: 0,
        name: HOME_SERVER.into(),
        description: Some("The first server of this hub.".into()),
        icon_url: None,
        visibility: ServerVisibility::Open,
        created_at: ctx.timestamp,
    });
    ctx.db.module_info().insert(ModuleInfo {
        id: 0,
        schema_version: SCHEMA_VERSION,
        module_version: env!("CARGO_PKG_VERSION").into(),
        hub_name: HOME_SERVER.into(),
        admission: AdmissionPolicy::Closed,
        home_server_id: home.id,
        created_at: ctx.timestamp,
    });
    counter::tell_block(ctx, 0);
    members::insert(ctx, &home, ctx.sender(), Role::Owner)?;
    for (name, channel_type) in [
        ("general", ChannelType::Text),
        ("agent-logs", ChannelType::AgentLog),
        ("announcements", ChannelType::Announcement),
        ("voice", ChannelType::Voice),
    ] {
        channels::insert(ctx, &home, name, None, channel_type, ChannelVisibility::Open)?;
    }
    ctx.db.retention_timer().insert(RetentionTimer {
        id: 0,
        scheduled_at: ScheduleAt::Interval(seconds(PRUNE_EVERY_SECS)),
    });
    ctx.db.lease_timer().insert(LeaseTimer {
        id: 0,
        scheduled_at: ScheduleAt::Interval(seconds(EXPIRE_EVERY_SECS)),
    });
    counter::next(ctx)?;
    Ok(())
}

fn first_settings(publisher: Identity) -> HubSettings {
    HubSettings {
        id: 0,
        publisher,
        admission: AdmissionPolicy::Closed,
        rate_per_sec: limits::RATE_PER_SEC,
        rate_burst: limits::RATE_BURST,
        message_days: limits::MESSAGE_DAYS,
        messages_per_channel: limits::MESSAGES_PER_CHANNEL,
        delivery_days: limits::DELIVERY_DAYS,
        idempotency_days: limits::IDEMPOTENCY_DAYS,
        audit_days: limits::AUDIT_DAYS,
        session_days: limits::SESSION_DAYS,
        session_timeout_secs: limits::SESSION_TIMEOUT_SECS,
    }
}

/// Runs for each WebSocket and each HTTP call. An error refuses the connection.
#[reducer(client_connected)]
pub fn client_connected(ctx: &ReducerContext) -> Result<(), String> {
    match standing(ctx, ctx.sender())? {
        Standing::None => return Err(not_admitted().into()),
        Standing::RedeemOnly => return Ok(()),
        Standing::Full => {}
    }
    refresh_module_info(ctx);
    users::ensure(ctx, ctx.sender());
    if let Some(connection_id) = ctx.connection_id() {
        ctx.db.connection().connection_id().delete(connection_id);
        ctx.db.connection().insert(Connection {
            connection_id,
            identity: ctx.sender(),
            since: ctx.timestamp,
        });
    }
    users::set_online(ctx, ctx.sender(), true);
    Ok(())
}

#[reducer(client_disconnected)]
pub fn client_disconnected(ctx: &ReducerContext) {
    if let Some(connection_id) = ctx.connection_id() {
        ctx.db.connection().connection_id().delete(connection_id);
    }
    if ctx.db.connection().identity().filter(ctx.sender()).next().is_none() {
        users::set_online(ctx, ctx.sender(), false);
        voice::leave(ctx, ctx.sender());
    }
}

/// How far an identity is let in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Full,
    /// The one-use identity of an invite.
    RedeemOnly,
    None,
}

pub fn standing(ctx: &ReducerContext, identity: Identity) -> Result<Standing, Refusal> {
    if let Some(admission) = ctx.db.admission().identity().find(identity) {
        return Ok(match admission.redeem_only {
            false => Standing::Full,
            true if admission.expires_at.is_some_and(|end| end <= ctx.timestamp) => Standing::None,
            true => Standing::RedeemOnly,
        });
    }
    let settings = settings(ctx)?;
    let open = settings.admission == AdmissionPolicy::Open;
    Ok(if open || settings.publisher == identity { Standing::Full } else { Standing::None })
}

/// Whether the hub has an admission or a user of this identity.
pub fn is_known(ctx: &ReducerContext, identity: Identity) -> bool {
    ctx.db.admission().identity().find(identity).is_some()
        || ctx.db.user().identity().find(identity).is_some()
}

/// Refuses a client's call of a scheduled job.
pub fn require_scheduler(ctx: &ReducerContext) -> Result<(), Refusal> {
    match ctx.sender() == ctx.database_identity() {
        true => Ok(()),
        false => Err(Refusal::denied("only the hub's own scheduler runs this")),
    }
}

pub fn not_admitted() -> Refusal {
    Refusal::new(
        ErrorKind::NotAdmitted,
        "this hub is closed and has no admission for this identity; ask a member for an invite",
    )
}

pub fn settings(ctx: &ReducerContext) -> Result<HubSettings, Refusal> {
    ctx.db
        .hub_settings()
        .id()
        .find(0)
        .ok_or_else(|| Refusal::internal("the hub has no settings row"))
}

pub fn info(ctx: &ReducerContext) -> Result<ModuleInfo, Refusal> {
    ctx.db
        .module_info()
        .id()
        .find(0)
        .ok_or_else(|| Refusal::internal("the hub has no information row"))
}

/// After an upgrade the stored versions are those of the module before it, which
/// may not have known of blocks.
fn refresh_module_info(ctx: &ReducerContext) {
    if let Some(info) = ctx.db.module_info().id().find(0)
        && (info.schema_version, info.module_version.as_str())
            != (SCHEMA_VERSION, env!("CARGO_PKG_VERSION"))
    {
        ctx.db.module_info().id().update(ModuleInfo {
            schema_version: SCHEMA_VERSION,
            module_version: env!("CARGO_PKG_VERSION").into(),
            ..info
        });
        if let Some(counted) = ctx.db.hub_counter().id().find(0) {
            counter::tell_block(ctx, counted.seq);
        }
    }
}

/// Lets an identity connect to a closed hub. For owner and admins of the home
/// server, and the publisher.
#[reducer]
pub fn admit(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    identity: Identity,
) -> Result<(), String> {
    let arguments = arguments!("admit"; agent_session, identity);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        require_hub_admin(call)?;
        admit_fully(ctx, identity, call.sender);
        audit::hub(call, "admit", Some(identity.to_string()), None)
    })
}

/// Admits a user; a redeem-only admission of the same identity becomes a full one.
pub fn admit_fully(ctx: &ReducerContext, identity: Identity, by: Identity) {
    ctx.db.admission().identity().delete(identity);
    ctx.db.admission().insert(Admission {
        identity,
        redeem_only: false,
        by,
        created_at: ctx.timestamp,
        expires_at: None,
    });
    users::ensure(ctx, identity);
}

/// Refuses who does not run the hub.
fn require_hub_admin(call: &Call) -> Result<(), Refusal> {
    hub_tier(call)?.require(Action::ManageHub)
}

/// Shuts an identity out of a closed hub and takes it out of all servers; one
/// that it owns goes to its highest other member, who has been there longest,
/// and is deleted where there is none. Its invites end. Its open connections lose what is private at once; the open tables they lose
/// when they end, since a module cannot end a connection.
#[reducer]
pub fn revoke_admission(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    identity: Identity,
) -> Result<(), String> {
    let arguments = arguments!("revoke_admission"; agent_session, identity);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        require_hub_admin(call)?;
        if identity == call.sender || settings(ctx)?.publisher == identity {
            return Err(Refusal::invalid("neither yourself nor the publisher can be shut out"));
        }
        if ctx.db.admission().identity().find(identity).is_none() {
            return Err(Refusal::not_found(format!("there is no admission of {identity}")));
        }
        let home = info(ctx)?.home_server_id;
        if let Some(target) = members::of(ctx, home, identity) {
            hub_tier(call)?.require_outranks(target.role.into())?;
        }
        members::remove_everywhere(call, identity)?;
        sessions::end_all(ctx, identity);
        ctx.db.admission().identity().delete(identity);
        audit::hub(call, "revoke_admission", Some(identity.to_string()), None)
    })
}

/// The tier in which somebody runs the hub; the publisher runs it as its owner.
fn hub_tier(call: &Call) -> Result<Tier, Refusal> {
    if call.session.is_none() && settings(call.ctx)?.publisher == call.sender {
        return Ok(Tier::Owner);
    }
    call.tier(info(call.ctx)?.home_server_id)
}

/// Changes what is given. Counts and ages of 0 keep messages for ever.
#[reducer]
pub fn set_hub_settings(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    change: HubSettingsChange,
) -> Result<(), String> {
    let arguments = arguments!("set_hub_settings"; agent_session, change);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        require_hub_admin(call)?;
        let mut info = info(ctx)?;
        if let Some(name) = &change.hub_name {
            content::check_line("a hub's name", name, limits::NAME_CHARS)?;
            info.hub_name = name.clone();
        }
        let settings = settings(ctx)?;
        let settings = HubSettings {
            admission: change.admission.unwrap_or(settings.admission),
            rate_per_sec: change.rate_per_sec.unwrap_or(settings.rate_per_sec),
            rate_burst: change.rate_burst.unwrap_or(settings.rate_burst),
            message_days: change.message_days.unwrap_or(settings.message_days),
            messages_per_channel: change
                .messages_per_channel
                .unwrap_or(settings.messages_per_channel),
            delivery_days: change.delivery_days.unwrap_or(settings.delivery_days),
            idempotency_days: change.idempotency_days.unwrap_or(settings.idempotency_days),
            audit_days: change.audit_days.unwrap_or(settings.audit_days),
            session_days: change.session_days.unwrap_or(settings.session_days),
            session_timeout_secs: change
                .session_timeout_secs
                .unwrap_or(settings.session_timeout_secs),
            ..settings
        };
        check_settings(&settings)?;
        info.admission = settings.admission;
        ctx.db.module_info().id().update(info);
        ctx.db.hub_settings().id().update(settings);
        retention::soon(ctx);
        audit::hub(call, "set_hub_settings", None, None)
    })
}

/// The settings that are in force. For each user of the hub.
#[procedure]
pub fn hub_settings_in_force(ctx: &mut ProcedureContext) -> HubSettingsAnswer {
    match ctx.with_tx(|ctx| in_force(ctx)) {
        Ok(settings) => HubSettingsAnswer { error: None, settings: Some(settings) },
        Err(refusal) => HubSettingsAnswer { error: Some(refusal.to_string()), settings: None },
    }
}

fn in_force(ctx: &ReducerContext) -> Result<HubSettingsChange, Refusal> {
    call::require_admitted(ctx)?;
    let settings = settings(ctx)?;
    Ok(HubSettingsChange {
        hub_name: Some(info(ctx)?.hub_name),
        admission: Some(settings.admission),
        rate_per_sec: Some(settings.rate_per_sec),
        rate_burst: Some(settings.rate_burst),
        message_days: Some(settings.message_days),
        messages_per_channel: Some(settings.messages_per_channel),
        delivery_days: Some(settings.delivery_days),
        idempotency_days: Some(settings.idempotency_days),
        audit_days: Some(settings.audit_days),
        session_days: Some(settings.session_days),
        session_timeout_secs: Some(settings.session_timeout_secs),
    })
}

fn check_settings(settings: &HubSettings) -> Result<(), Refusal> {
    let days = limits::KEPT_DAYS;
    let (timeout, sessions) = (limits::SESSION_TIMEOUT_MIN_SECS, limits::SESSION_TIMEOUT_MAX_SECS);
    for (what, value, least, most) in [
        ("rate_per_sec", settings.rate_per_sec, 1, limits::RATE_MAX),
        ("rate_burst", settings.rate_burst, 1, limits::RATE_MAX),
        ("message_days", settings.message_days, 0, days),
        ("delivery_days", settings.delivery_days, 1, days),
        ("idempotency_days", settings.idempotency_days, limits::IDEMPOTENCY_DAYS, days),
        ("audit_days", settings.audit_days, 1, days),
        ("session_days", settings.session_days, 1, days),
        ("session_timeout_secs", settings.session_timeout_secs, timeout, sessions),
    ] {
        if !(least..=most).contains(&value) {
            return Err(Refusal::invalid(format!("{what} must be {least} to {most}")));
        }
    }
    Ok(())
}
