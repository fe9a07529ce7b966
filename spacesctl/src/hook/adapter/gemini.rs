//! Gemini CLI: nothing but JSON on standard output. `BeforeTool` can't give the
//! agent context, so warnings about an edit follow it, in `AfterTool`.

use serde_json::{Map, Value, json};

use super::{edits, line, text};
use crate::hook::event::{Event, Input, Outcome};

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
        turn: None,
        cwd: text(input, "cwd").map(Into::into),
        paths,
        message: text(input, "prompt_response"),
    }
}

pub fn write(event: Event, outcome: &Outcome) -> String {
    let mut output = Map::new();
    if let (Event::PreTool, Some(reason)) = (event, &outcome.deny) {
        output.insert("decision".into(), json!("deny"));
        output.insert("reason".into(), json!(reason));
    }
    let name = match event {
        Event::SessionStart => Some("SessionStart"),
        Event::UserPrompt => Some("BeforeAgent"),
        Event::PostTool => Some("AfterTool"),
        _ => None,
    };
    if let (Some(name), Some(context)) = (name, &outcome.context) {
        output.insert(
            "hookSpecificOutput".into(),
            json!({"hookEventName": name, "additionalContext": context}),
        );
    }
    if let Some(notice) = &outcome.notice {
        output.insert("systemMessage".into(), json!(notice));
    }
    if output.is_empty() {
        return String::new();
    }
    line(&Value::Object(output))
}
