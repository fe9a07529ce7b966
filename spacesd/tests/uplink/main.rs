//! The uplink against a real hub: joining, calls, rows, and every way in which
//! a link ends.

#![allow(clippy::unwrap_used, reason = "a test")]

mod blocks;
mod calls;
mod ends;
mod entry;
mod rig;
