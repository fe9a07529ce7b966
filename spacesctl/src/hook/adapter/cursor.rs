//! Cursor: the working directory is the first workspace root; the prompt event
//! takes no context, so news and warnings follow an edit, in `postToolUse`.

use serde_json::{Map, Value, json};

use super::{edits, line, text};
use crate::hook::event::{Event, Input, Outcome};

pub fn read(event: Event, input: &Value) -> Input {
    let paths = match event {
        Event::PreTool | Event::PostTool | Event::Edited => {
            let arguments = input.get("tool_input").unwrap_or(input);
            edits::paths(input.get("tool_name").and_then(Value::as_str), arguments)
        }
        _ => Vec::new(),
    };
    Input {
        session: text(input, "conversation_id").or_else(|| text(input, "session_id")),
        turn: text(input, "generation_id"),
        cwd: first_root(input).or_else(|| text(input, "cwd").map(Into::into)),
        paths,
        message: match event {
            Event::AgentMessage => text(input, "text"),
            _ => None,
        },
    }
}

fn first_root(input: &Value) -> Option<std::path::PathBuf> {
    let root = input.get("workspace_roots")?.get(0)?.as_str()?;
    (!root.is_empty()).then(|| root.into())
}

pub fn write(event: Event, outcome: &Outcome) -> String {
    let mut output = Map::new();
    match event {
        Event::SessionStart | Event::PostTool => {
            if let Some(context) = &outcome.context {
                output.insert("additional_context".into(), json!(context));
            }
        }
        Event::PreTool => {
            if let Some(reason) = &outcome.deny {
                output.insert("permission".into(), json!("deny"));
                output.insert("user_message".into(), json!(reason));
                output.insert("agent_message".into(), json!(reason));
            }
        }
        _ => {}
    }
    if output.is_empty() {
        return String::new();
    }
    line(&Value::Object(output))
}
