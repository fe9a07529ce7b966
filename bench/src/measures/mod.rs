//! The measures, one file each. See `bench/README.md` for how one is written.

mod durable_post;
mod http_read;
mod hub_crowd;
mod hub_history;
mod inbox_view;
mod long_history;
mod one_shot;
mod post_command;
mod post_rate;
mod prompt;
mod read;
mod reconnect;
mod session_start;
mod subscribers;
mod visibility;

use crate::row::Outcome;
use crate::stage::Stage;

/// Something that is measured against a reference in the same run.
pub struct Measure {
    /// As `--only` takes it.
    pub name: &'static str,
    /// What is measured, in a line.
    pub about: &'static str,
    pub run: fn(&Stage) -> Outcome,
}

/// In the order in which they run: those that need the long history last, so
/// that it does not weigh on the others.
pub const ALL: &[Measure] = &[
    read::MEASURE,
    http_read::MEASURE,
    durable_post::MEASURE,
    post_rate::MEASURE,
    post_command::MEASURE,
    session_start::MEASURE,
    prompt::MEASURE,
    one_shot::MEASURE,
    visibility::MEASURE,
    subscribers::MEASURE,
    hub_crowd::MEASURE,
    inbox_view::MEASURE,
    hub_history::MEASURE,
    long_history::MEASURE,
    reconnect::MEASURE,
];
