//! The commands, a file per family. Each is a clap type with a `run`.

pub mod activity;
pub mod channel;
pub mod down;
mod launch;
pub mod member;
pub mod post;
pub mod read;
pub mod rpc;
pub mod search;
pub mod session;
pub mod status;
mod text;
pub mod up;

pub use launch::Launch;
