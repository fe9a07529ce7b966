//! Invites: secrets are made by clients, the hub knows their hashes.

use crate::call::{Call, arguments, keyed, once};
use crate::hub::{self, Standing};
use crate::schema::*;
use crate::{audit, members, servers};
use sha2::{Digest, Sha256};
use spaces_domain::{Action, Refusal, Role as Tier, limits, names};
use spacetimedb::{Identity, ReducerContext, Table, Timestamp, reducer};

/// Makes the invite that hands the home server, and with it the hub, from the
/// publisher to whoever redeems it. For the publisher, while it is the owner.
#[reducer]
pub fn create_owner_invite(
    ctx: &ReducerContext,
    client_key: String,
    secret_hash: String,
    temporary: Identity,
) -> Result<(), String> {
    let arguments = arguments!("create_owner_invite"; secret_hash, temporary);
    keyed(ctx, &client_key, None, arguments, |call| {
        let home = hub::info(ctx)?.home_server_id;
        let owns = members::of(ctx, home, call.sender).is_some_and(|one| one.role == Role::Owner);
        if hub::settings(ctx)?.publisher != call.sender || !owns {
            return Err(Refusal::denied(
                "only the hub's publisher hands over the hub, and only while it is the owner",
            ));
        }
        insert(
            call,
            Invite {
                secret_hash,
                server_id: home,
                role: Role::Owner,
                uses: 0,
                max_uses: 1,
                expires_at: None,
                by: call.sender,
                created_at: ctx.timestamp,
                temporary: Some(temporary),
            },
        )?;
        audit::record(call, home, "create_owner_invite", Some(temporary.to_string()), None);
        Ok(())
    })
}

/// Makes an invite to a server with a role below the sender's own. `secret_hash`
/// is the SHA-256 of a secret that only the client knows; `temporary` is the
/// one-use identity whose token travels with the invite, needed where the
/// joiner is not on a closed hub yet.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn create_invite(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    role: Role,
    max_uses: u32,
    expires_at: Option<Timestamp>,
    secret_hash: String,
    temporary: Option<Identity>,
) -> Result<(), String> {
    let arguments = arguments!(
        "create_invite"; agent_session, server_id, role, max_uses, expires_at, secret_hash, temporary
    );
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        call.tier(server_id)?.require_invite(role.into())?;
        if !(1..=limits::INVITE_USES).contains(&max_uses) {
            return Err(Refusal::invalid(format!(
                "an invite is for 1 to {} uses",
                limits::INVITE_USES
            )));
        }
        if expires_at.is_some_and(|end| end <= ctx.timestamp) {
            return Err(Refusal::invalid("an invite must end in the future"));
        }
        make_room(call)?;
        let invite = Invite {
            secret_hash: secret_hash.clone(),
            server_id,
            role,
            uses: 0,
            max_uses,
            expires_at,
            by: call.sender,
            created_at: ctx.timestamp,
            temporary,
        };
        insert(call, invite)?;
        let detail = format!("{} for {max_uses} uses", Tier::from(role));
        audit::record(call, server_id, "create_invite", Some(secret_hash), Some(detail));
        Ok(())
    })
}

/// Deletes the sender's expired invites; refuses more than so many.
fn make_room(call: &Call) -> Result<(), Refusal> {
    let invites: Vec<Invite> = call.ctx.db.invite().by().filter(call.sender).collect();
    let now = call.ctx.timestamp;
    let (over, open): (Vec<_>, Vec<_>) =
        invites.into_iter().partition(|invite| invite.expires_at.is_some_and(|end| end <= now));
    over.into_iter().for_each(|invite| delete(call.ctx, invite));
    match open.len() < limits::INVITES_PER_USER {
        true => Ok(()),
        false => Err(Refusal::conflict(format!(
            "you have {} open invites, the most there may be; revoke some",
            open.len()
        ))),
    }
}

/// Ends an invite before its time: the sender's own, or one of a lower tier's.
#[reducer]
pub fn revoke_invite(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    secret_hash: String,
) -> Result<(), String> {
    let arguments = arguments!("revoke_invite"; agent_session, secret_hash);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let invite = ctx.db.invite().secret_hash().find(&secret_hash);
        let invite = invite.ok_or_else(|| Refusal::not_found("there is no such invite"))?;
        require_may_revoke(call, &invite)?;
        let server_id = invite.server_id;
        delete(ctx, invite);
        audit::record(call, server_id, "revoke_invite", Some(secret_hash), None);
        Ok(())
    })
}

fn require_may_revoke(call: &Call, invite: &Invite) -> Result<(), Refusal> {
    if invite.by == call.sender && call.session.is_none() {
        return Ok(());
    }
    let tier = call.require(invite.server_id, Action::InviteMember)?;
    match members::of(call.ctx, invite.server_id, invite.by) {
        Some(maker) => tier.require_outranks(maker.role.into()),
        None => Ok(()),
    }
}

/// Deletes the invites to a server that an identity has made.
pub fn delete_by(ctx: &ReducerContext, maker: Identity, server_id: u64) {
    let invites: Vec<Invite> = ctx.db.invite().by().filter(maker).collect();
    let to_it = invites.into_iter().filter(|invite| invite.server_id == server_id);
    to_it.for_each(|invite| delete(ctx, invite));
}

/// Stores an invite and admits its one-use identity to redeem it.
fn insert(call: &Call, invite: Invite) -> Result<(), Refusal> {
    let ctx = call.ctx;
    names::check_secret_hash(&invite.secret_hash)?;
    if ctx.db.invite().secret_hash().find(&invite.secret_hash).is_some() {
        return Err(Refusal::conflict("there is an invite with this secret already"));
    }
    if let Some(temporary) = invite.temporary {
        if hub::is_known(ctx, temporary) {
            return Err(Refusal::conflict(
                "the invite's one-use identity is in use; make a fresh one",
            ));
        }
        ctx.db.admission().insert(Admission {
            identity: temporary,
            redeem_only: true,
            by: call.sender,
            created_at: ctx.timestamp,
            expires_at: invite.expires_at,
        });
    }
    ctx.db.invite().insert(invite);
    Ok(())
}

/// Makes `joiner` a member with the invite's role, and admits it to the hub.
/// Called by the joiner itself where it may connect, else with the invite's
/// one-use identity, which is admitted for nothing else and is refused once the
/// invite is used up.
#[reducer]
pub fn redeem_invite(
    ctx: &ReducerContext,
    client_key: String,
    secret: String,
    joiner: Identity,
) -> Result<(), String> {
    if hub::standing(ctx, ctx.sender())? == Standing::None {
        return Err(hub::not_admitted().into());
    }
    once(ctx, &client_key, arguments!("redeem_invite"; secret, joiner), || {
        let invite = find_valid(ctx, &secret)?;
        require_own_joiner(ctx, &invite, joiner)?;
        members::require_not_banned(ctx, invite.server_id, joiner)?;
        let server = servers::find(ctx, invite.server_id)?;
        let by = invite.by;
        let call = Call { ctx, sender: joiner, session: None, client_key: "" };
        hub::admit_fully(ctx, joiner, by);
        match invite.role {
            Role::Owner => take_over(ctx, &server, by, joiner)?,
            role => join(ctx, &server, joiner, role)?,
        }
        audit::record(
            &call,
            server.id,
            "redeem_invite",
            Some(joiner.to_string()),
            Some(format!("{} invited by {by}", Tier::from(invite.role))),
        );
        use_once(ctx, invite);
        Ok(())
    })
}

fn find_valid(ctx: &ReducerContext, secret: &str) -> Result<Invite, Refusal> {
    let hash: String = Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect();
    let invite = ctx.db.invite().secret_hash().find(&hash);
    let invite = invite.ok_or_else(|| {
        Refusal::not_found("there is no such invite; it may be used up, revoked or expired")
    })?;
    if invite.expires_at.is_some_and(|end| end <= ctx.timestamp) {
        return Err(Refusal::not_found("the invite has expired; ask for a new one"));
    }
    require_inviter(ctx, &invite)?;
    Ok(invite)
}

/// An invite is worth no more than its maker: who lost the right to give a role
/// gives it no longer.
fn require_inviter(ctx: &ReducerContext, invite: &Invite) -> Result<(), Refusal> {
    let tier = members::of(ctx, invite.server_id, invite.by).map(|member| Tier::from(member.role));
    let allowed = match (invite.role, tier) {
        (Role::Owner, tier) => tier == Some(Tier::Owner),
        (role, Some(tier)) => tier.require_invite(role.into()).is_ok(),
        (_, None) => false,
    };
    match allowed {
        true => Ok(()),
        false => Err(Refusal::not_found("the invite's maker may no longer give this role")),
    }
}

fn require_own_joiner(
    ctx: &ReducerContext,
    invite: &Invite,
    joiner: Identity,
) -> Result<(), Refusal> {
    let sender = ctx.sender();
    if hub::standing(ctx, sender)? == Standing::RedeemOnly {
        if invite.temporary != Some(sender) {
            return Err(Refusal::denied("this identity belongs to another invite"));
        }
        if joiner == sender {
            return Err(Refusal::invalid(
                "the joiner must be a fresh identity, not the invite's own",
            ));
        }
        // Else the holder of an invite could make a member of whom they like.
        if hub::standing(ctx, joiner)? == Standing::Full {
            return Err(Refusal::denied(
                "the joiner is on this hub already and redeems the invite itself",
            ));
        }
        return Ok(());
    }
    match joiner == sender {
        true => Ok(()),
        false => Err(Refusal::denied("an admitted identity redeems an invite only for itself")),
    }
}

/// Makes a member, or raises one of a lower tier.
fn join(
    ctx: &ReducerContext,
    server: &Server,
    joiner: Identity,
    role: Role,
) -> Result<(), Refusal> {
    let Some(member) = members::of(ctx, server.id, joiner) else {
        return members::join(ctx, server, joiner, role);
    };
    if !Tier::from(role).outranks(member.role.into()) {
        return Err(Refusal::conflict(format!(
            "already a member of {} with the role {}",
            server.name,
            Tier::from(member.role)
        )));
    }
    ctx.db.server_member().id().update(ServerMember { role, ..member });
    Ok(())
}

/// The publisher hands its server over and leaves it.
fn take_over(
    ctx: &ReducerContext,
    server: &Server,
    publisher: Identity,
    joiner: Identity,
) -> Result<(), Refusal> {
    if publisher == joiner {
        return Err(Refusal::conflict("the publisher owns the hub already"));
    }
    if let Some(owner) = members::of(ctx, server.id, publisher) {
        members::remove(ctx, owner)?;
    }
    match members::of(ctx, server.id, joiner) {
        Some(member) => members::make_owner(ctx, member),
        None => members::join(ctx, server, joiner, Role::Owner)?,
    }
    Ok(())
}

/// Counts a use; the last one deletes the invite and shuts its identity out.
fn use_once(ctx: &ReducerContext, invite: Invite) {
    let uses = invite.uses + 1;
    if uses < invite.max_uses {
        ctx.db.invite().secret_hash().update(Invite { uses, ..invite });
    } else {
        delete(ctx, invite);
    }
}

/// Deletes an invite together with the admission of its one-use identity.
pub fn delete(ctx: &ReducerContext, invite: Invite) {
    if let Some(temporary) = invite.temporary {
        ctx.db.admission().identity().delete(temporary);
    }
    ctx.db.invite().secret_hash().delete(&invite.secret_hash);
}
