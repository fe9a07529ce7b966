//! Agents: durable names under a user.

use crate::call::{Call, arguments, keyed};
use crate::schema::*;
use crate::users;
use spaces_domain::names::{self, Address};
use spaces_domain::{Refusal, content, limits};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

/// Makes the agent `@<sender's username>/<name>`, or changes its tool and
/// description.
#[reducer]
pub fn register_agent(
    ctx: &ReducerContext,
    client_key: String,
    name: String,
    tool: String,
    description: Option<String>,
) -> Result<(), String> {
    let arguments = arguments!("register_agent"; name, tool, description);
    keyed(ctx, &client_key, None, arguments, |call| {
        if let Some(text) = &description {
            content::check_text("a description", text, limits::PROSE_CHARS)?;
        }
        let agent = ensure(call, &name, &tool)?;
        ctx.db.agent().id().update(Agent { tool, description, ..agent });
        Ok(())
    })
}

/// The sender's agent of that name, made if there is none.
pub fn ensure(call: &Call, name: &str, tool: &str) -> Result<Agent, Refusal> {
    names::check_agent_name(name)?;
    content::check_line("a tool's name", tool, limits::TOOL_CHARS)?;
    let ctx = call.ctx;
    let user = users::find(ctx, call.sender)?;
    let address = Address::agent(&user.username, name).to_string();
    if let Some(agent) = ctx.db.agent().address().find(&address) {
        return Ok(agent);
    }
    if ctx.db.agent().owner().filter(call.sender).count() >= limits::AGENTS_PER_USER {
        return Err(Refusal::conflict(format!(
            "a user has at most {} agents",
            limits::AGENTS_PER_USER
        )));
    }
    Ok(ctx.db.agent().insert(Agent {
        id: 0,
        address,
        owner: call.sender,
        name: name.into(),
        tool: tool.into(),
        description: None,
        created_at: ctx.timestamp,
        last_seen: ctx.timestamp,
    }))
}

/// Gives the user's agents their addresses under a new username.
pub fn follow_username(ctx: &ReducerContext, owner: Identity, username: &str) {
    let agents: Vec<Agent> = ctx.db.agent().owner().filter(owner).collect();
    for agent in agents {
        let address = Address::agent(username, &agent.name).to_string();
        ctx.db.agent().id().update(Agent { address, ..agent });
    }
}
