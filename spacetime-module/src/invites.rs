//! Invites: secrets are made by clients, the hub knows their hashes.

use crate::call::{Call, arguments, keyed, once};
use crate::hub::{self, Standing};
use crate::schema::*;
use crate::{audit, members, servers};
use sha2::{Digest, Sha256};
use spaces_domain::{Refusal, Role as Tier, names};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

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
        audit::record(
            call,
            home,
            "create_owner_invite",
            Some(temporary.to_string()),
            None,
        );
        Ok(())
    })
}

/// Stores an invite and admits its one-use identity to redeem it.
fn insert(call: &Call, invite: Invite) -> Result<(), Refusal> {
    let ctx = call.ctx;
    names::check_secret_hash(&invite.secret_hash)?;
    if ctx
        .db
        .invite()
        .secret_hash()
        .find(&invite.secret_hash)
        .is_some()
    {
        return Err(Refusal::conflict(
            "there is an invite with this secret already",
        ));
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
    once(
        ctx,
        &client_key,
        arguments!("redeem_invite"; secret, joiner),
        || {
            let invite = find_valid(ctx, &secret)?;
            require_own_joiner(ctx, &invite, joiner)?;
            members::require_not_banned(ctx, invite.server_id, joiner)?;
            let server = servers::find(ctx, invite.server_id)?;
            let by = invite.by;
            let call = Call {
                ctx,
                sender: joiner,
                session: None,
            };
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
        },
    )
}

fn find_valid(ctx: &ReducerContext, secret: &str) -> Result<Invite, Refusal> {
    let hash: String = Sha256::digest(secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let invite = ctx.db.invite().secret_hash().find(&hash);
    let invite = invite.ok_or_else(|| {
        Refusal::not_found("there is no such invite; it may be used up, revoked or expired")
    })?;
    if invite.expires_at.is_some_and(|end| end <= ctx.timestamp) {
        return Err(Refusal::not_found(
            "the invite has expired; ask for a new one",
        ));
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
        false => Err(Refusal::not_found(
            "the invite's maker may no longer give this role",
        )),
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
        return Ok(());
    }
    match joiner == sender {
        true => Ok(()),
        false => Err(Refusal::denied(
            "an admitted identity redeems an invite only for itself",
        )),
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
    ctx.db
        .server_member()
        .id()
        .update(ServerMember { role, ..member });
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
    if let Some(member) = members::of(ctx, server.id, joiner) {
        members::remove(ctx, member)?;
    }
    if let Some(owner) = members::of(ctx, server.id, publisher) {
        members::remove(ctx, owner)?;
    }
    members::join(ctx, server, joiner, Role::Owner)
}

/// Counts a use; the last one deletes the invite and shuts its identity out.
fn use_once(ctx: &ReducerContext, invite: Invite) {
    let uses = invite.uses + 1;
    if uses < invite.max_uses {
        ctx.db
            .invite()
            .secret_hash()
            .update(Invite { uses, ..invite });
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
