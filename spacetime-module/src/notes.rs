//! Notes: what one session leaves for the next on a repository.

use crate::call::{arguments, keyed};
use crate::schema::*;
use spaces_domain::{Refusal, content, limits};
use spacetimedb::{ReducerContext, Table, reducer};

/// Leaves a note for the next session on a repository, or on one branch of it.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn leave_note(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    repo: String,
    branch: Option<String>,
    content: String,
    paths: Vec<String>,
) -> Result<(), String> {
    let arguments = arguments!("leave_note"; agent_session, repo, branch, content, paths);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        content::check_line("a repository", &repo, limits::REPO_CHARS)?;
        if let Some(branch) = &branch {
            content::check_line("a branch", branch, limits::BRANCH_CHARS)?;
        }
        content::check_content(&content)?;
        content::check_paths(&paths)?;
        let session = call.session.as_ref();
        ctx.db.note().insert(Note {
            id: 0,
            author: call.sender,
            agent_address: session.map(|session| session.agent_address.clone()),
            session_id: session.map(|session| session.id.clone()),
            repo,
            branch,
            content,
            paths,
            created_at: ctx.timestamp,
            done_at: None,
            done_by: None,
            client_key: call.client_key.into(),
        });
        Ok(())
    })
}

/// Marks a note done: by anybody, since it is for whoever comes next. One that
/// is done stays as it is.
#[reducer]
pub fn resolve_note(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    note_id: u64,
) -> Result<(), String> {
    let arguments = arguments!("resolve_note"; agent_session, note_id);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let note = ctx.db.note().id().find(note_id);
        let note = note.ok_or_else(|| Refusal::not_found(format!("there is no note {note_id}")))?;
        if note.done_at.is_some() {
            return Ok(());
        }
        ctx.db.done_note().insert(DoneNote { note_id, at: ctx.timestamp });
        ctx.db.note().id().update(Note {
            done_at: Some(ctx.timestamp),
            done_by: Some(call.sender),
            ..note
        });
        Ok(())
    })
}
