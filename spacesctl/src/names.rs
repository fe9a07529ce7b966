//! Completion of names: what the daemon knows, if it answers at once.

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use spaces_client::Client;
use spaces_client::spaces_api::methods::{channel, server, session, user};

/// Answers the shell's completion script and ends the process, where it asks.
pub fn complete_if_asked(command: fn() -> clap::Command) {
    // Looked up first: building the whole command line costs time that the hot
    // path does not have.
    if std::env::var_os("COMPLETE").is_some() {
        CompleteEnv::with_factory(command).complete();
    }
}

/// Channels by name, as they are begun: `gen` or `#gen`. A shell takes a bare `#`
/// for the beginning of a comment, so it is not put before what lacks it.
pub fn channels() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let found = client().and_then(|mut client| {
            client
                .call::<channel::List>(&channel::ListParams::default())
                .ok()
        });
        let channels = found.map_or_else(Vec::new, |found| found.channels);
        let sign = if begins_with(begun, "#") { "#" } else { "" };
        let candidates = channels
            .into_iter()
            .map(|channel| candidate(format!("{sign}{}", channel.name), channel.topic));
        begun_so(begun, candidates)
    })
}

/// Users by name, as they are begun: `al` or `@al`. Bash breaks words at `@`, so
/// there only the first can be completed.
pub fn users() -> ArgValueCompleter {
    ArgValueCompleter::new(|begun: &OsStr| {
        let found = client()
            .and_then(|mut client| client.call::<user::List>(&user::ListParams::default()).ok());
        let users = found.map_or_else(Vec::new, |found| found.users);
        let sign = if begins_with(begun, "@") { "@" } else { "" };
        let candidates = users
            .into_iter()
            .map(|user| candidate(format!("{sign}{}", user.username), user.display_name));
        begun_so(begun, candidates)
    })
}

/// Servers by name.
pub fn servers() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let found = client().and_then(|mut client| {
            client
                .call::<server::List>(&spaces_client::spaces_api::methods::None {})
                .ok()
        });
        found.map_or_else(Vec::new, |found| {
            found
                .servers
                .into_iter()
                .map(|server| candidate(server.name, server.description))
                .collect()
        })
    })
}

/// Sessions that have not ended.
pub fn sessions() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let found = client().and_then(|mut client| {
            client
                .call::<session::List>(&session::ListParams::default())
                .ok()
        });
        found.map_or_else(Vec::new, |found| {
            found
                .sessions
                .into_iter()
                .map(|session| candidate(session.id, Some(session.agent)))
                .collect()
        })
    })
}

fn client() -> Option<Client> {
    let limit = Duration::from_millis(300);
    Some(
        Client::from_env()
            .ok()?
            .connect_timeout(limit)
            .call_timeout(limit),
    )
}

fn begins_with(begun: &OsStr, sign: &str) -> bool {
    begun.as_encoded_bytes().starts_with(sign.as_bytes())
}

/// Those that go on as was begun.
fn begun_so(
    begun: &OsStr,
    candidates: impl Iterator<Item = CompletionCandidate>,
) -> Vec<CompletionCandidate> {
    let begun = begun.as_encoded_bytes();
    candidates
        .filter(|candidate| {
            let value = candidate.get_value().as_encoded_bytes();
            value.starts_with(begun)
        })
        .collect()
}

fn candidate(value: String, help: Option<String>) -> CompletionCandidate {
    let help = help.map(|help| crate::output::clean_line(&help).into_owned().into());
    CompletionCandidate::new(crate::output::clean_line(&value).into_owned()).help(help)
}
