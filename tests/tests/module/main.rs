//! The module's rules, tried through the real hub by callers who talk to it
//! over plain HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ages;
mod cases;
mod catalogue;
mod doors;
mod inbox;
mod limits;
mod live;
mod migration;
mod moderation;
mod once;
mod privacy;
mod ranks;
mod retention;
mod roles;
mod voice;
mod world;
