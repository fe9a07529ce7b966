//! Completion of names: what the daemon knows, if it answers at once.

use std::time::Duration;

use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
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

/// Channels, as `#name`.
pub fn channels() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let found = client().and_then(|mut client| {
            client
                .call::<channel::List>(&channel::ListParams::default())
                .ok()
        });
        found.map_or_else(Vec::new, |found| {
            found
                .channels
                .into_iter()
                .map(|channel| candidate(format!("#{}", channel.name), channel.topic))
                .collect()
        })
    })
}

/// Users, as `@name`.
pub fn users() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let found = client()
            .and_then(|mut client| client.call::<user::List>(&user::ListParams::default()).ok());
        found.map_or_else(Vec::new, |found| {
            found
                .users
                .into_iter()
                .map(|user| candidate(format!("@{}", user.username), user.display_name))
                .collect()
        })
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

fn candidate(value: String, help: Option<String>) -> CompletionCandidate {
    let help = help.map(|help| crate::output::clean_line(&help).into_owned().into());
    CompletionCandidate::new(crate::output::clean_line(&value).into_owned()).help(help)
}
