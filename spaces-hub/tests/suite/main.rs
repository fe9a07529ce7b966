//! The real binary, started, called, killed and started again.

mod admission;
mod api;
mod clients;
mod harness;
mod lifecycle;
mod modules;
mod typescript;
mod upgrade;
mod websocket;
