//! Users, their presence, and the agents that they run.

use super::kinds::UserKind;
use spacetimedb::{Identity, Timestamp, table};

#[table(accessor = user, public)]
pub struct User {
    #[primary_key]
    pub identity: Identity,
    #[unique]
    pub username: String,
    pub display_name: Option<String>,
    pub bio: Option<String>,
    pub avatar_url: Option<String>,
    pub kind: UserKind,
    pub created_at: Timestamp,
}

#[table(accessor = presence, public)]
pub struct Presence {
    #[primary_key]
    pub identity: Identity,
    /// Whether at least one connection is open.
    pub online: bool,
    pub status_text: Option<String>,
    pub last_seen: Timestamp,
}

/// A durable name under a user. `address` is `@<username>/<name>` and follows
/// the username when that changes.
#[table(accessor = agent, public)]
pub struct Agent {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[unique]
    pub address: String,
    #[index(btree)]
    pub owner: Identity,
    pub name: String,
    pub tool: String,
    pub description: Option<String>,
    pub created_at: Timestamp,
    #[index(btree)]
    pub last_seen: Timestamp,
}
