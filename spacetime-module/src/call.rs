//! What happens around every call of a client: admission, rate, exactly once,
//! and the tier that the caller is held to.

use crate::hub::{self, Standing};
use crate::schema::*;
use sha2::{Digest, Sha256};
use spaces_domain::names::{self, ClientKey};
use spaces_domain::{Action, ErrorKind, Refusal, Role as Tier, rate::Bucket};
use spacetimedb::{Identity, ReducerContext, Serialize, Table, sats::bsatn};

/// A call of an admitted user, perhaps made for one of the user's agent sessions.
pub struct Call<'a> {
    pub ctx: &'a ReducerContext,
    pub sender: Identity,
    pub session: Option<AgentSession>,
    /// The key that the call is made under; empty where it needs none.
    pub client_key: &'a str,
}

/// Carries `body` out once for each `client_key` of the sender: a key that is
/// known with the same arguments changes nothing and succeeds, with others it
/// is refused. A key that names the call before it ([`ClientKey`]) waits for
/// that one: a copy of a call that was long on its way cannot overtake.
pub fn keyed(
    ctx: &ReducerContext,
    client_key: &str,
    agent_session: Option<&str>,
    arguments: Arguments,
    body: impl FnOnce(&Call) -> Result<(), Refusal>,
) -> Result<(), String> {
    let key = ClientKey::parse(client_key)?;
    require_admitted(ctx)?;
    once(ctx, client_key, arguments, || {
        let call = Call::of(ctx, agent_session, key.key)?;
        body(&call)
    })
}

/// Carries out a call that has the same effect however often it is made, and
/// so needs no key.
pub fn unkeyed(
    ctx: &ReducerContext,
    body: impl FnOnce(&Call) -> Result<(), Refusal>,
) -> Result<(), String> {
    require_admitted(ctx)?;
    spend(ctx)?;
    body(&Call::of(ctx, None, "")?)?;
    Ok(())
}

/// As [`keyed`], without asking who the sender is.
pub fn once(
    ctx: &ReducerContext,
    client_key: &str,
    arguments: Arguments,
    body: impl FnOnce() -> Result<(), Refusal>,
) -> Result<(), String> {
    let ClientKey { key, after } = ClientKey::parse(client_key)?;
    let stored = |key| format!("{}:{key}", ctx.sender());
    let key = stored(key);
    let content_hash = arguments.hash();
    if let Some(known) = ctx.db.idempotency_key().key().find(&key) {
        if known.content_hash == content_hash {
            return Ok(());
        }
        return Err(Refusal::new(
            ErrorKind::KeyReused,
            "this client_key was used before for a call with other content; take a new key",
        )
        .into());
    }
    if let Some(after) = after
        && ctx.db.idempotency_key().key().find(stored(after)).is_none()
    {
        return Err(Refusal::new(
            ErrorKind::OutOfOrder,
            format!("the call {after}, which comes first, was not carried out; make it, then this one again"),
        )
        .into());
    }
    spend(ctx)?;
    body()?;
    ctx.db.idempotency_key().insert(IdempotencyKey {
        key,
        content_hash,
        created_at: ctx.timestamp,
    });
    Ok(())
}

/// Refuses who is not, or no longer, admitted: connections outlive admissions.
pub fn require_admitted(ctx: &ReducerContext) -> Result<(), Refusal> {
    match hub::standing(ctx, ctx.sender())? {
        Standing::Full => Ok(()),
        Standing::RedeemOnly => Err(Refusal::new(
            ErrorKind::NotAdmitted,
            "this identity belongs to an invite; it may only redeem it",
        )),
        Standing::None => Err(hub::not_admitted()),
    }
}

/// Takes one call from the sender's bucket.
fn spend(ctx: &ReducerContext) -> Result<(), Refusal> {
    let settings = hub::settings(ctx)?;
    let now = ctx.timestamp.to_micros_since_unix_epoch();
    let (per_sec, burst) = (settings.rate_per_sec, settings.rate_burst);
    let known = ctx.db.rate_bucket().identity().find(ctx.sender());
    let bucket = known.as_ref().map_or(Bucket::full(burst, now), |row| Bucket {
        millitokens: row.millitokens,
        at_micros: row.at.to_micros_since_unix_epoch(),
    });
    let left = bucket.take(per_sec, burst, now).map_err(|wait| {
        Refusal::rate_limited(&format!("more than {per_sec} calls per second"), wait)
    })?;
    let row =
        RateBucket { identity: ctx.sender(), millitokens: left.millitokens, at: ctx.timestamp };
    match known {
        Some(_) => drop(ctx.db.rate_bucket().identity().update(row)),
        None => drop(ctx.db.rate_bucket().insert(row)),
    }
    Ok(())
}

impl<'a> Call<'a> {
    fn of(
        ctx: &'a ReducerContext,
        agent_session: Option<&str>,
        client_key: &'a str,
    ) -> Result<Self, Refusal> {
        let sender = ctx.sender();
        let session = match agent_session {
            None => None,
            Some(id) => Some(own_session(ctx, sender, id)?),
        };
        Ok(Self { ctx, sender, session, client_key })
    }

    /// The caller's own row in a server. Who is banned is told so.
    pub fn membership(&self, server_id: u64) -> Result<ServerMember, Refusal> {
        crate::members::of(self.ctx, server_id, self.sender).ok_or_else(|| {
            crate::members::require_not_banned(self.ctx, server_id, self.sender)
                .err()
                .unwrap_or_else(|| {
                    let exists = self.ctx.db.server().id().find(server_id).is_some();
                    match exists {
                        true => {
                            Refusal::denied(format!("you are not a member of server {server_id}"))
                        }
                        false => Refusal::not_found(format!("there is no server {server_id}")),
                    }
                })
        })
    }

    /// The tier that this call is held to in a server.
    pub fn tier(&self, server_id: u64) -> Result<Tier, Refusal> {
        Ok(self.held_to(&self.membership(server_id)?))
    }

    /// The tier that this call is held to, given the caller's own row.
    pub fn held_to(&self, member: &ServerMember) -> Tier {
        let tier = Tier::from(member.role);
        if self.session.is_some() { tier.for_agent_session() } else { tier }
    }

    /// Refuses what the caller's tier may not do; returns the tier.
    pub fn require(&self, server_id: u64, action: Action) -> Result<Tier, Refusal> {
        let tier = self.tier(server_id)?;
        tier.require(action)?;
        Ok(tier)
    }
}

/// A session of the sender, ended or not: a post may reach the hub after the
/// session that wrote it.
pub fn own_session(
    ctx: &ReducerContext,
    sender: Identity,
    id: &str,
) -> Result<AgentSession, Refusal> {
    names::check_uuid("a session's id", id)?;
    ctx.db
        .agent_session()
        .id()
        .find(id.to_owned())
        .filter(|session| session.owner == sender)
        .ok_or_else(|| Refusal::not_found(format!("you have no session {id}; start it first")))
}

/// What a call is made of, so that the same key with other content is noticed.
pub struct Arguments(Vec<u8>);

impl Arguments {
    pub fn of(reducer: &str) -> Self {
        let mut bytes = reducer.as_bytes().to_vec();
        bytes.push(0);
        Self(bytes)
    }

    pub fn with(mut self, argument: &impl Serialize) -> Self {
        bsatn::to_writer(&mut self.0, argument).expect("arguments that were decoded encode again");
        self
    }

    fn hash(&self) -> u128 {
        let digest = Sha256::digest(&self.0);
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        u128::from_be_bytes(half)
    }
}

/// `arguments!("name"; a, b)`: the [`Arguments`] of a call of the reducer `name`.
macro_rules! arguments {
    ($reducer:literal $(; $($argument:expr),* $(,)?)?) => {
        $crate::call::Arguments::of($reducer)$($(.with(&$argument))*)?
    };
}
pub(crate) use arguments;
