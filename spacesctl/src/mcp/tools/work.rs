//! What an agent says of its own work: claims, notes, its session.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use spaces_api::methods::{claim, note, session};
use spaces_api::model::{ClaimState, Context, SessionState};
use spaces_api::{MessageRef, ReceiptState};

use super::{Nature, Tool, page};
use crate::hook::place::relative_paths;
use crate::mcp::daemon::{Daemon, told};
use crate::mcp::failure::ToolError;
use crate::peers::{Entry, Keep, minute};

pub enum Claim {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimInput {
    action: ClaimAction,
    /// Globs from the repository's root: `src/**`
    paths: Option<Vec<String>>,
    /// Instead of paths
    task: Option<String>,
    /// Refused on overlap; else only warned
    exclusive: Option<bool>,
    reason: Option<String>,
    /// 1 to 1440, default 60
    minutes: Option<u32>,
    /// For renew, release; all of yours if absent
    id: Option<u64>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimAction {
    Acquire,
    Check,
    Renew,
    Release,
    List,
}

impl Tool for Claim {
    const NAME: &'static str = "claim";
    const DESCRIPTION: &'static str =
        "Tell peers which paths or task you are on, or check who is. Advisory, expires";
    const NATURE: Nature = Nature::Adds;
    type Input = ClaimInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        match input.action {
            ClaimAction::Acquire => acquire(daemon, input).await,
            ClaimAction::Check => check(daemon, input).await,
            ClaimAction::List => list(daemon).await,
            ClaimAction::Renew => renew(daemon, input.id, ttl(input.minutes)).await,
            ClaimAction::Release => release(daemon, input.id).await,
        }
    }
}

async fn acquire(daemon: &Daemon, input: ClaimInput) -> Result<String, ToolError> {
    let acquired = daemon
        .write::<claim::Acquire>(|how| claim::AcquireParams {
            patterns: in_repository(input.paths, how.cwd.as_deref()),
            task: input.task,
            exclusive: input.exclusive.unwrap_or(false),
            reason: input.reason,
            ttl_secs: ttl(input.minutes),
            cwd: how.cwd,
            context: Context::default(),
            client_key: how.client_key,
            wait: how.wait,
            timeout_ms: how.timeout_ms,
            session: how.session,
        })
        .await?;
    let mut answer = told(&acquired.receipt)?;
    answer["claim"] = json!(acquired.claim.state);
    answer["until"] = json!(minute(acquired.claim.expires_at));
    if acquired.claim.state == ClaimState::Provisional {
        answer["meaning"] = json!(
            "kept on this machine; peers elsewhere see it, and the hub confirms or refuses it, \
             when the hub answers"
        );
    }
    let mut text = answer.to_string();
    if !acquired.conflicts.is_empty() {
        let entries: Vec<_> = acquired.conflicts.iter().map(Entry::of_claim).collect();
        let opening = "It overlaps claims of others: agree with them before you go on.";
        let page = super::PAGE.render(opening, &entries);
        text = format!("{text}\n{}", page.0);
    }
    Ok(text)
}

async fn check(daemon: &Daemon, input: ClaimInput) -> Result<String, ToolError> {
    let session = daemon.session();
    let params = claim::CheckParams {
        paths: in_repository(input.paths, session.cwd.as_deref()),
        task: input.task,
        session: Some(session.id),
        cwd: session.cwd,
        context: Context::default(),
    };
    let found = daemon.ask::<claim::Check>(&params).await?;
    Ok(shown(
        &found,
        "Nobody else claims that.",
        "Claimed by others:",
    ))
}

async fn list(daemon: &Daemon) -> Result<String, ToolError> {
    let params = claim::ListParams::default();
    let found = daemon.ask::<claim::List>(&params).await?;
    Ok(shown(&found, "No claims are in force.", "Claims in force:"))
}

fn shown(found: &claim::Claims, nothing: &str, opening: &str) -> String {
    let entries: Vec<_> = found.claims.iter().map(Entry::of_claim).collect();
    page(
        opening,
        &entries,
        Keep::First,
        nothing,
        "`spacesctl claim list` shows all.",
        &found.meta,
    )
}

async fn renew(
    daemon: &Daemon,
    id: Option<u64>,
    ttl_secs: Option<u32>,
) -> Result<String, ToolError> {
    let mut done = Vec::new();
    for id in this_or_own(daemon, id).await? {
        let written = daemon
            .write::<claim::Renew>(|how| claim::RenewParams {
                id,
                ttl_secs,
                client_key: how.client_key,
                wait: how.wait,
                timeout_ms: how.timeout_ms,
                session: how.session,
            })
            .await?;
        done.push((id, written.receipt.state));
    }
    Ok(each("renewed", &done))
}

async fn release(daemon: &Daemon, id: Option<u64>) -> Result<String, ToolError> {
    let mut done = Vec::new();
    for id in this_or_own(daemon, id).await? {
        let written = daemon
            .write::<claim::Release>(|how| claim::ReleaseParams {
                id,
                client_key: how.client_key,
                wait: how.wait,
                timeout_ms: how.timeout_ms,
                session: how.session,
            })
            .await?;
        done.push((id, written.receipt.state));
    }
    Ok(each("released", &done))
}

fn each(what: &str, done: &[(u64, ReceiptState)]) -> String {
    if done.is_empty() {
        return "You hold no claims that the hub knows.".to_owned();
    }
    let lines = done
        .iter()
        .map(|(id, state)| format!("claim {id} {what} ({})", state.as_str()));
    lines.collect::<Vec<_>>().join("\n")
}

/// The claim that was named, or all of the agent's session.
async fn this_or_own(daemon: &Daemon, id: Option<u64>) -> Result<Vec<u64>, ToolError> {
    if let Some(id) = id {
        return Ok(vec![id]);
    }
    let params = claim::ListParams {
        session: Some(daemon.session().id),
        ..claim::ListParams::default()
    };
    let found = daemon.ask::<claim::List>(&params).await?;
    Ok(found.claims.iter().filter_map(|held| held.id).collect())
}

/// Agents know files by absolute paths; claims are relative to the repository.
fn in_repository(paths: Option<Vec<String>>, cwd: Option<&str>) -> Vec<String> {
    let cwd = Path::new(cwd.unwrap_or("/"));
    let relative = |path: String| match Path::new(&path).is_absolute() {
        true => relative_paths(cwd, std::slice::from_ref(&path))
            .pop()
            .unwrap_or(path),
        false => path,
    };
    paths
        .unwrap_or_default()
        .into_iter()
        .map(relative)
        .collect()
}

fn ttl(minutes: Option<u32>) -> Option<u32> {
    minutes.map(|minutes| minutes.saturating_mul(60))
}

pub enum Note {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteInput {
    action: NoteAction,
    /// For leave
    content: Option<String>,
    /// For done
    id: Option<u64>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteAction {
    Leave,
    List,
    Done,
}

impl Tool for Note {
    const NAME: &'static str = "note";
    const DESCRIPTION: &'static str =
        "Notes for the next session on this branch: leave one, list open ones, mark one done";
    const NATURE: Nature = Nature::Adds;
    type Input = NoteInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        match (input.action, input.content, input.id) {
            (NoteAction::Leave, Some(content), _) => leave(daemon, content).await,
            (NoteAction::Leave, None, _) => Err(ToolError::invalid(
                "`content` is missing",
                "say in `content` what the next session must know",
            )),
            (NoteAction::Done, _, Some(id)) => {
                let told = daemon
                    .post::<note::Done>(
                        |how| note::DoneParams {
                            note: MessageRef::Id(id),
                            client_key: how.client_key,
                            wait: how.wait,
                            timeout_ms: how.timeout_ms,
                            session: how.session,
                        },
                        |written| written.receipt,
                    )
                    .await?;
                Ok(told.to_string())
            }
            (NoteAction::Done, _, None) => Err(ToolError::invalid(
                "`id` is missing",
                "`note` with action list shows the ids",
            )),
            (NoteAction::List, _, _) => open_notes(daemon).await,
        }
    }
}

async fn leave(daemon: &Daemon, content: String) -> Result<String, ToolError> {
    let told = daemon
        .post::<note::Leave>(
            |how| note::LeaveParams {
                content,
                channel: None,
                cwd: how.cwd,
                context: Context::default(),
                client_key: how.client_key,
                wait: how.wait,
                timeout_ms: how.timeout_ms,
                session: how.session,
            },
            |written| written.receipt,
        )
        .await?;
    Ok(told.to_string())
}

async fn open_notes(daemon: &Daemon) -> Result<String, ToolError> {
    let params = note::ListParams {
        cwd: daemon.session().cwd,
        ..note::ListParams::default()
    };
    let found = daemon.ask::<note::List>(&params).await?;
    let entries: Vec<_> = found.notes.iter().map(Entry::of_note).collect();
    Ok(page(
        &format!("{} open notes, newest first.", entries.len()),
        &entries,
        Keep::First,
        "No open notes here.",
        "mark some as done.",
        &found.meta,
    ))
}

pub enum UpdateSession {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSessionInput {
    /// What you work on, one line
    task: Option<String>,
    state: Option<State>,
    /// Paths you work on; replaces the former
    paths: Option<Vec<String>>,
    /// With ended: what you did, for your peers
    summary: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    Idle,
    Blocked,
    Waiting,
    Ended,
}

impl Tool for UpdateSession {
    const NAME: &'static str = "update_session";
    const DESCRIPTION: &'static str =
        "Tell peers your task, state and paths, or end with a summary";
    const NATURE: Nature = Nature::Sets;
    type Input = UpdateSessionInput;

    async fn call(daemon: &Daemon, input: Self::Input) -> Result<String, ToolError> {
        let id = daemon.session().id;
        if input.state == Some(State::Ended) {
            let told = daemon
                .post::<session::End>(
                    |how| session::EndParams {
                        id,
                        summary: input.summary,
                        channel: None,
                        client_key: how.client_key,
                        wait: how.wait,
                        timeout_ms: how.timeout_ms,
                        session: how.session,
                    },
                    |ended| ended.receipt,
                )
                .await?;
            return Ok(told.to_string());
        }
        if input.summary.is_some() {
            return Err(ToolError::invalid(
                "a summary goes with `state` ended",
                "post progress with send_message",
            ));
        }
        let state = input.state.and_then(|state| match state {
            State::Active => Some(SessionState::Active),
            State::Idle => Some(SessionState::Idle),
            State::Blocked => Some(SessionState::Blocked),
            State::Waiting => Some(SessionState::Waiting),
            State::Ended => None,
        });
        let told = daemon
            .post::<session::Update>(
                |how| session::UpdateParams {
                    id,
                    task: input.task,
                    state,
                    paths: input
                        .paths
                        .map(|paths| in_repository(Some(paths), how.cwd.as_deref())),
                    branch: None,
                    commit: None,
                    client_key: how.client_key,
                    wait: how.wait,
                    timeout_ms: how.timeout_ms,
                    session: how.session,
                },
                |written| written.receipt,
            )
            .await?;
        Ok(told.to_string())
    }
}
