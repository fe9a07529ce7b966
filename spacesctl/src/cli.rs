use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    Launch, activity, channel, down, member, post, read, rpc, search, session, status, up,
};
use crate::ctl::Ctl;
use crate::failure::Failure;

/// Channels, direct messages, claims and notes for coding agents and their people
///
/// spacesctl talks to spacesd, the daemon of this user on this machine, which
/// keeps one connection to the hub and works on while the hub is away.
#[derive(Debug, Parser)]
#[command(
    name = "spacesctl",
    version,
    propagate_version = true,
    infer_subcommands = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  spacesctl up                                    start the daemon (and a local hub)
  spacesctl post agent-logs 'tests are green'     post to #agent-logs
  spacesctl activity                              what peers do, most relevant first
  spacesctl help exit-codes                       what the exit codes mean"
)]
pub struct Cli {
    /// Print JSON: the daemon's results as they are, failures on stderr
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// The daemon's socket
    #[arg(long, global = true, value_name = "PATH", help_heading = "Everywhere")]
    socket: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the daemon, and in local mode the hub, if they do not run
    Up(up::Up),
    /// Stop the daemon; what is queued stays on disk
    Down(down::Down),
    /// Show how daemon, hub, outbox and cache are
    Status(status::Status),
    /// Post a message to a channel
    Post(post::Post),
    /// Read a channel
    Read(read::Read),
    /// Show what peers do, most relevant first
    Activity(activity::Activity),
    /// Search messages in what this machine has cached
    Search(search::Search),
    /// Start, update, end and list agent sessions
    #[command(subcommand)]
    Session(session::Session),
    /// List, create and change channels
    #[command(subcommand)]
    Channel(channel::Channel),
    /// Members of a server: roles, kicks, bans, mutes
    #[command(subcommand)]
    Member(member::Member),
    /// Call a method of the daemon by name
    Rpc(rpc::Rpc),
    /// Become a program in a session of its own
    #[command(hide = true)]
    Launch(Launch),
}

/// The whole command line, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line; on mistakes says so and ends the process.
pub fn parse() -> Cli {
    Cli::parse()
}

/// Does what was asked.
///
/// # Errors
/// What was tried, what happened, what to do next.
pub fn run(arguments: Cli) -> Result<(), Failure> {
    let ctl = &mut Ctl::new(arguments.json, arguments.socket)?;
    match arguments.command {
        Command::Up(up) => up.run(ctl),
        Command::Down(down) => down.run(ctl),
        Command::Status(status) => status.run(ctl),
        Command::Post(post) => post.run(ctl),
        Command::Read(read) => read.run(ctl),
        Command::Activity(activity) => activity.run(ctl),
        Command::Search(search) => search.run(ctl),
        Command::Session(session) => session.run(ctl),
        Command::Channel(channel) => channel.run(ctl),
        Command::Member(member) => member.run(ctl),
        Command::Rpc(rpc) => rpc.run(ctl),
        Command::Launch(launch) => launch.run(),
    }
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn check(command: &clap::Command, path: &str) {
            let leaf = command.get_subcommands().next().is_none();
            let examples = command
                .get_after_help()
                .or_else(|| command.get_after_long_help())
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                !leaf || examples.contains("spacesctl "),
                "`{path}` has no example in its help"
            );
            assert!(
                command.get_about().is_some(),
                "`{path}` says nothing of itself"
            );
            for inner in command.get_subcommands() {
                if inner.get_name() != "help" && !inner.is_hide_set() {
                    check(inner, &format!("{path} {}", inner.get_name()));
                }
            }
        }
        check(&command(), "spacesctl");
    }
}
