//! The daemon's socket as its clients meet it: the real program, with no hub in
//! reach, over its Unix socket.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod daemon;
mod events;
mod framing;
mod http;
mod lifecycle;
mod limits;
mod others;
mod specification;
