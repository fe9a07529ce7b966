//! The Spaces module: the server side of Spaces inside SpacetimeDB.
//!
//! Reducers are in one file for each family. Each one that a client may retry
//! takes a `client_key` first and goes through [`call::keyed`], which admits the
//! sender, bounds its rate, and carries the call out exactly once. A refusal is
//! the text `kind: message` of `spaces_domain::Refusal`, and changes nothing.
//!
//! Time is `ctx.timestamp`; there is no other clock, and no randomness.

mod agents;
mod audit;
mod call;
mod channels;
mod claims;
mod clock;
mod counter;
mod deliveries;
mod direct;
mod history;
mod hub;
mod invites;
mod members;
mod messages;
mod notes;
mod read_marks;
mod readers;
mod retention;
mod revisions;
mod schema;
mod servers;
mod sessions;
mod threads;
mod typists;
mod users;
mod views;
mod voice;
