use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::commands::{
    Launch, activity, agent, audit, channel, claim, config, dm, down, follow, help, hub, inbox,
    invite, join, link, member, message, module, note, outbox, post, read, rpc, search, server,
    session, shell, status, thread, up, user, voice,
};
use crate::ctl::Ctl;
use crate::doctor::DoctorArgs;
use crate::failure::Failure;
use crate::hook::HookArgs;
use crate::hooks::HooksArgs;
use crate::mcp::Mcp;
use crate::service::ServiceArgs;
use crate::watch::Watch;

/// Channels, direct messages, claims and notes for coding agents and their people
///
/// spacesctl talks to spacesd, the daemon of this user on this machine, which
/// keeps one connection to the hub and works on while the hub is away.
#[derive(Debug, Parser)]
#[command(
    name = "spacesctl",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
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
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Debug)]
struct Everywhere {
    /// Print JSON: the daemon's results as they are, failures on stderr
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    /// The daemon's socket
    #[arg(long, global = true, value_name = "PATH", help_heading = "Everywhere")]
    socket: Option<PathBuf>,
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
    /// Show the end of a channel, and with -f what comes
    Tail(follow::Tail),
    /// Watch everything live in the terminal
    Watch(Watch),
    /// Show what peers do, most relevant first
    Activity(activity::Activity),
    /// Search messages in what this machine has cached
    Search(search::Search),
    /// What is addressed to you: direct messages, mentions, replies
    #[command(subcommand)]
    Inbox(inbox::Inbox),
    /// Direct messages, private to their two ends
    #[command(subcommand)]
    Dm(dm::Dm),
    /// Notes for the next session on a repository or branch
    #[command(subcommand)]
    Note(note::Note),
    /// Claims: advisory leases of a session on paths or a task
    #[command(subcommand)]
    Claim(claim::Claim),
    /// Start, update, end and list agent sessions
    #[command(subcommand)]
    Session(session::Session),
    /// Show one message
    Show(message::Show),
    /// Replace the text of your own message
    Edit(message::Edit),
    /// Delete a message; a gravestone stays
    Delete(message::Delete),
    /// Add a reaction to a message, or take it back
    React(message::React),
    /// Threads of a channel
    #[command(subcommand)]
    Thread(thread::Thread),
    /// List, create and change channels
    #[command(subcommand)]
    Channel(channel::Channel),
    /// Servers: communities inside a hub
    #[command(subcommand)]
    Server(server::Server),
    /// Members of a server: roles, kicks, bans, mutes
    #[command(subcommand)]
    Member(member::Member),
    /// Invites: how people and agents come in
    #[command(subcommand)]
    Invite(invite::Invite),
    /// Join a hub with an invite that somebody sent
    Join(join::Join),
    /// The hub: its settings, and who may come in
    #[command(subcommand)]
    Hub(hub::Hub),
    /// Users: people and machine accounts
    #[command(subcommand)]
    User(user::User),
    /// Agents: durable addresses that keep for messages while no session runs
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Voice channels: rosters and signalling; audio itself is not carried
    #[command(subcommand)]
    Voice(voice::Voice),
    /// Show who did what in a server, newest first (moderators and up)
    Audit(audit::Audit),
    /// The durable queue of writes that the hub has not confirmed yet
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// Show everything that happens, one event a line
    Events(follow::Events),
    /// Try to reach the hub at once
    Reconnect(link::Reconnect),
    /// Read the configuration file again
    Reload(link::Reload),
    /// The Spaces module: the server side, on any SpacetimeDB 2.x server
    #[command(subcommand)]
    Module(module::Module),
    /// The configuration file
    #[command(subcommand)]
    Config(config::Config),
    /// Print the completion script of a shell
    Completions(shell::Completions),
    /// Write the manual pages into a directory
    Man(shell::Man),
    /// Show the help of a command, or of the topic `exit-codes`
    Help(help::Help),
    /// Call a method of the daemon by name
    Rpc(rpc::Rpc),
    /// Keep the daemon running: install, start, stop and look after its service
    Service(ServiceArgs),
    /// Check that Spaces works, and say what to do where it does not
    Doctor(DoctorArgs),
    /// Put the hooks into the settings of agent tools, and take them out
    Hooks(HooksArgs),
    /// What agent tools call at every turn
    Hook(HookArgs),
    /// Serve agents over the Model Context Protocol, and register that with their tools
    Mcp(Mcp),
    /// Become a program in a session of its own
    #[command(hide = true)]
    Launch(Launch),
}

/// What shells and agents run at every turn. The definitions are those of
/// [`Command`]; to build these few alone takes a fraction of the time.
#[derive(Debug, Parser)]
#[command(name = "spacesctl", disable_help_flag = true)]
struct Hot {
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(subcommand)]
    command: HotCommand,
}

#[derive(Debug, Subcommand)]
enum HotCommand {
    Post(post::Post),
    Status(status::Status),
    Activity(activity::Activity),
}

impl From<Hot> for Cli {
    fn from(hot: Hot) -> Self {
        Self {
            everywhere: hot.everywhere,
            command: match hot.command {
                HotCommand::Post(asked) => Command::Post(asked),
                HotCommand::Status(asked) => Command::Status(asked),
                HotCommand::Activity(asked) => Command::Activity(asked),
            },
        }
    }
}

impl Cli {
    /// Whether programs read the output.
    pub fn json(&self) -> bool {
        self.everywhere.json
    }
}

/// The whole command line, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line; on mistakes says so and ends the process.
pub fn parse() -> Cli {
    let words: Vec<_> = std::env::args_os().collect();
    hot(&words).unwrap_or_else(|| match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => explained(error, &words).exit(),
    })
}

/// Says which commands a group has to whom names another, where none is similar.
fn explained(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    if error.kind() != clap::error::ErrorKind::InvalidSubcommand
        || error.get(ContextKind::SuggestedSubcommand).is_some()
    {
        return error;
    }
    let whole = command();
    let group = words.iter().skip(1).fold(&whole, |group, word| {
        word.to_str()
            .and_then(|word| group.find_subcommand(word))
            .unwrap_or(group)
    });
    // All of them would be a page, which `--help` shows better.
    if group.get_name() == whole.get_name() {
        return error;
    }
    let commands: Vec<_> = group
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name)
        .collect();
    let tip = format!(
        "the commands of `spacesctl {}`: {}",
        group.get_name(),
        commands.join(", ")
    );
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![tip.into()]),
    );
    error
}

/// The command line, if it is a hot one that is right as it stands. Help, and
/// what to say of mistakes, only the whole command line knows.
fn hot(words: &[OsString]) -> Option<Cli> {
    let command = words.get(1)?.to_str()?;
    if !<HotCommand as Subcommand>::has_subcommand(command) {
        return None;
    }
    Hot::try_parse_from(words).ok().map(Cli::from)
}

/// Does what was asked.
///
/// # Errors
/// What was tried, what happened, what to do next.
pub fn run(arguments: Cli) -> Result<(), Failure> {
    let ctl = &mut Ctl::new(arguments.everywhere.json, arguments.everywhere.socket)?;
    match arguments.command {
        Command::Up(asked) => asked.run(ctl),
        Command::Down(asked) => asked.run(ctl),
        Command::Status(asked) => asked.run(ctl),
        Command::Post(asked) => asked.run(ctl),
        Command::Read(asked) => asked.run(ctl),
        Command::Tail(asked) => asked.run(ctl),
        Command::Watch(asked) => asked.run(ctl),
        Command::Activity(asked) => asked.run(ctl),
        Command::Search(asked) => asked.run(ctl),
        Command::Inbox(asked) => asked.run(ctl),
        Command::Dm(asked) => asked.run(ctl),
        Command::Note(asked) => asked.run(ctl),
        Command::Claim(asked) => asked.run(ctl),
        Command::Session(asked) => asked.run(ctl),
        Command::Show(asked) => asked.run(ctl),
        Command::Edit(asked) => asked.run(ctl),
        Command::Delete(asked) => asked.run(ctl),
        Command::React(asked) => asked.run(ctl),
        Command::Thread(asked) => asked.run(ctl),
        Command::Channel(asked) => asked.run(ctl),
        Command::Server(asked) => asked.run(ctl),
        Command::Member(asked) => asked.run(ctl),
        Command::Invite(asked) => asked.run(ctl),
        Command::Join(asked) => asked.run(ctl),
        Command::Hub(asked) => asked.run(ctl),
        Command::User(asked) => asked.run(ctl),
        Command::Agent(asked) => asked.run(ctl),
        Command::Voice(asked) => asked.run(ctl),
        Command::Audit(asked) => asked.run(ctl),
        Command::Outbox(asked) => asked.run(ctl),
        Command::Events(asked) => asked.run(ctl),
        Command::Reconnect(asked) => asked.run(ctl),
        Command::Reload(asked) => asked.run(ctl),
        Command::Module(asked) => asked.run(ctl),
        Command::Config(asked) => asked.run(ctl),
        Command::Completions(asked) => asked.run(),
        Command::Man(asked) => asked.run(ctl),
        Command::Help(asked) => asked.run(ctl),
        Command::Rpc(asked) => asked.run(ctl),
        Command::Service(asked) => asked.run(ctl),
        Command::Doctor(asked) => asked.run(ctl),
        Command::Hooks(asked) => asked.run(ctl),
        Command::Hook(asked) => asked.run(),
        Command::Mcp(asked) => asked.run(ctl),
        Command::Launch(launch) => launch.run(),
    }
}

#[cfg(test)]
mod tests;
