//! The commands, a file per family. Each is a clap type with a `run`.

#![allow(
    clippy::large_enum_variant,
    reason = "one of these is made in the life of the process"
)]

pub mod activity;
pub mod agent;
pub mod audit;
pub mod channel;
pub mod claim;
pub mod config;
pub mod dm;
pub mod down;
pub mod follow;
pub mod help;
pub mod hub;
pub mod inbox;
pub mod invite;
pub mod join;
mod launch;
pub mod link;
pub mod member;
pub mod message;
pub mod module;
pub mod note;
pub mod outbox;
pub mod post;
pub mod read;
pub mod rpc;
pub mod search;
pub mod server;
pub mod session;
pub mod shell;
pub mod status;
pub mod text;
pub mod thread;
pub mod up;
pub mod user;
pub mod voice;

pub use launch::Launch;
