//! The real binary, started, called, killed and started again.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod admission;
mod api;
mod clients;
mod harness;
mod invite;
mod lifecycle;
mod modules;
mod typescript;
mod upgrade;
mod websocket;
