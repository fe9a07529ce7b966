//! Claude Code; its input form is also that of Codex.

use serde_json::{Map, Value, json};

use super::{edits, line, text};
use crate::hook::event::{Event, Input, Outcome};

/// The tool cuts an output string at 10,000 characters.
const MAX_CHARS: usize = 10_000;

pub fn read(event: Event, input: &Value) -> Input {
    let paths = match event {
        Event::PreTool | Event::PostTool => edits::paths(
            input.get("tool_name").and_then(Value::as_str),
            input.get("tool_input").unwrap_or(&Value::Null),
        ),
        _ => Vec::new(),
    };
    Input {
        session: text(input, "session_id"),
        turn: text(input, "turn_id").or_else(|| text(input, "prompt_id")),
        cwd: text(input, "cwd").map(Into::into),
        paths,
        message: text(input, "last_assistant_message"),
    }
}

pub fn write(event: Event, outcome: &Outcome) -> String {
    let mut output = Map::new();
    if let Some(specific) = specific(event, outcome) {
        output.insert("hookSpecificOutput".into(), specific);
    }
    if let Some(notice) = &outcome.notice {
        output.insert("systemMessage".into(), json!(notice));
    }
    if output.is_empty() {
        return String::new();
    }
    line(&Value::Object(output))
}

/// `hookSpecificOutput`, for the events that have one.
pub(super) fn specific(event: Event, outcome: &Outcome) -> Option<Value> {
    let name = match event {
        Event::SessionStart => "SessionStart",
        Event::UserPrompt => "UserPromptSubmit",
        Event::PreTool => "PreToolUse",
        Event::PostTool => "PostToolUse",
        _ => return None,
    };
    let mut specific = Map::new();
    specific.insert("hookEventName".into(), json!(name));
    if let (Event::PreTool, Some(reason)) = (event, &outcome.deny) {
        specific.insert("permissionDecision".into(), json!("deny"));
        specific.insert("permissionDecisionReason".into(), json!(cut(reason)));
    } else {
        let context = outcome.context.as_ref()?;
        specific.insert("additionalContext".into(), json!(cut(context)));
    }
    Some(Value::Object(specific))
}

fn cut(text: &str) -> &str {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
