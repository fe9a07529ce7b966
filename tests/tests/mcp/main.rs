//! `spacesctl mcp` as agents meet it: through the official SDKs and the
//! inspector's command line, which nobody here wrote, and line by line for what
//! no well-behaved client does.

#![allow(clippy::panic, reason = "a test that cannot go on has failed")]

mod clients;
mod everyday;
mod inspector;
mod lines;
mod offline;
mod opening;
mod register;
mod sessions;
