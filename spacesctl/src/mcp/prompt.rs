//! The prompt for a hand-over note: what the next session on this branch needs.

use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role,
};
use spaces_api::methods::{claim, session};

use super::daemon::Daemon;
use crate::peers::{Entry, Keep, Page, inline};

const NAME: &str = "hand-over";
const FOCUS: &str = "focus";

const TASK: &str = "Write a hand-over note for the next session that works on this branch, which \
may be another agent and knows nothing of this conversation. Say, briefly and in this order: what \
is done and committed; what is half done, and where exactly (paths); what you tried that did not \
work; what to do next; how to check it. State facts, no greetings; at most 3,000 characters; no \
secrets. Then leave it with the `note` tool (action leave), release your claims with the `claim` \
tool (action release), and mark notes that this work has settled as done.";

pub fn hand_over() -> Prompt {
    Prompt::new(
        NAME,
        Some("Leave a hand-over note for the next session on this branch"),
        Some(vec![
            PromptArgument::new(FOCUS)
                .with_description("What the note must not leave out")
                .with_required(false),
        ]),
    )
    .with_title("Hand over")
}

/// # Errors
/// There is no prompt of this name.
pub async fn get(
    daemon: &Daemon,
    request: &GetPromptRequestParams,
) -> Result<GetPromptResult, ErrorData> {
    if request.name != NAME {
        let message = format!("there is no prompt `{}`", request.name);
        return Err(ErrorData::invalid_params(message, None));
    }
    let focus = request
        .arguments
        .as_ref()
        .and_then(|arguments| arguments.get(FOCUS)?.as_str());
    let mut text = TASK.to_owned();
    if let Some(focus) = focus.filter(|focus| !focus.trim().is_empty()) {
        text.push_str(&format!("\n\nIt must cover this: {}", inline(focus, 1_000)));
    }
    if let Some(known) = known(daemon).await {
        text.push_str("\n\n");
        text.push_str(&known);
    }
    Ok(
        GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)])
            .with_description("A hand-over note for the next session"),
    )
}

/// What Spaces knows of the session's work. The note can be written without it.
async fn known(daemon: &Daemon) -> Option<String> {
    let id = daemon.session().id;
    let shown = daemon
        .ask::<session::Show>(&session::SessionId { id: id.clone() })
        .await
        .ok()?;
    let claims = daemon
        .ask::<claim::List>(&claim::ListParams {
            session: Some(id),
            ..claim::ListParams::default()
        })
        .await
        .ok()?;
    let mut entries = vec![Entry::of_session(&shown.session)];
    entries.extend(claims.claims.iter().map(Entry::of_claim));
    entries.extend(shown.messages.iter().take(5).map(Entry::in_channel));
    let page = Page {
        max_chars: 6_000,
        max_text: 1_500,
        keep: Keep::First,
    };
    let opening = "What Spaces knows of this session: its state, its claims, what it wrote last.";
    Some(page.render(opening, &entries).0)
}
