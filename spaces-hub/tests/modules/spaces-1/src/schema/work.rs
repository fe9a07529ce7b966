//! Sessions, claims and notes: what agents are doing and leave behind.

use super::kinds::{ClaimTarget, SessionState};
use spacetimedb::{Identity, Timestamp, table};

/// One run of an agent. `repo` is the normalised name of the repository, empty
/// outside one.
#[table(accessor = agent_session, public)]
#[derive(Clone)]
pub struct AgentSession {
    /// A UUID made by the client.
    #[primary_key]
    pub id: String,
    #[index(btree)]
    pub agent_id: u64,
    /// As it was when the session began.
    pub agent_address: String,
    #[index(btree)]
    pub owner: Identity,
    pub tool: String,
    #[index(btree)]
    pub repo: String,
    pub branch: Option<String>,
    pub commit: Option<String>,
    pub task: Option<String>,
    pub state: SessionState,
    /// Files that the session works on, relative to the repository.
    pub paths: Vec<String>,
    pub started_at: Timestamp,
    #[index(btree)]
    pub last_seen: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Ended by the hub because heartbeats stopped. A heartbeat brings such a
    /// session back; one that its client ended stays ended.
    pub expired: bool,
}

/// A session that has not ended, so that those without heartbeats are found
/// without looking at all that ever were.
#[table(accessor = session_lease)]
pub struct SessionLease {
    #[primary_key]
    pub session_id: String,
    #[index(btree)]
    pub owner: Identity,
    #[index(btree)]
    pub last_seen: Timestamp,
}

/// An advisory lease of a session on paths or on a task of a repository.
#[table(accessor = claim, public)]
#[derive(Clone)]
pub struct Claim {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    /// `<session>:<repo>:<paths|task>:<pattern>`.
    #[unique]
    pub key: String,
    #[index(btree)]
    pub session_id: String,
    #[index(btree)]
    pub owner: Identity,
    pub agent_address: String,
    #[index(btree)]
    pub repo: String,
    pub target: ClaimTarget,
    /// A glob on paths relative to the repository, or the name of a task.
    pub pattern: String,
    pub exclusive: bool,
    pub reason: Option<String>,
    pub created_at: Timestamp,
    #[index(btree)]
    pub expires_at: Timestamp,
}

/// A message for the next session on a repository, or on one branch of it.
#[table(accessor = note, public)]
#[derive(Clone)]
pub struct Note {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub author: Identity,
    pub agent_address: Option<String>,
    pub session_id: Option<String>,
    #[index(btree)]
    pub repo: String,
    pub branch: Option<String>,
    pub content: String,
    pub paths: Vec<String>,
    #[index(btree)]
    pub created_at: Timestamp,
    pub done_at: Option<Timestamp>,
    pub done_by: Option<Identity>,
    /// The sender's key, so that a client knows its own note again.
    pub client_key: String,
}

/// A note that is done, so that old ones are found without looking at all.
#[table(accessor = done_note)]
pub struct DoneNote {
    #[primary_key]
    pub note_id: u64,
    #[index(btree)]
    pub at: Timestamp,
}
