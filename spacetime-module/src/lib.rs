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
mod clock;
mod counter;
mod deliveries;
mod hub;
mod invites;
mod members;
mod messages;
mod retention;
mod schema;
mod servers;
mod sessions;
mod threads;
mod users;
mod views;
