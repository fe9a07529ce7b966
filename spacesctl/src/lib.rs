//! The Spaces command line.
//!
//! Hot path: `post`, `status --prompt` and `hook` are run by shells and agents
//! at every turn and should take about the time of `/bin/true`. So nothing here
//! starts a runtime, reads a configuration or opens a store before the command
//! itself needs it.

use std::process::ExitCode;

mod cli;
mod commands;
mod confirm;
mod ctl;
mod delivery;
mod doctor;
mod failure;
pub mod hook;
mod hooks;
mod http;
mod mcp;
mod names;
mod output;
pub mod peers;
mod process_tree;
mod render;
mod service;
mod settings;
mod skew;
mod watch;
mod words;

/// The whole program: reads its words, does what they say.
pub fn run() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "hook") {
        return hook::run_words(words);
    }
    names::complete_if_asked(cli::command);
    let arguments = cli::parse();
    let as_json = arguments.json();
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(as_json),
    }
}
