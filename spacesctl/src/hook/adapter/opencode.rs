//! OpenCode: the plugin that `spacesctl hooks install opencode` writes puts its
//! events into these fields and reads `context`, `deny` and `notice` back.

use serde_json::{Map, Value, json};

use super::{edits, line, text};
use crate::hook::event::{Event, Input, Outcome};

pub fn read(event: Event, input: &Value) -> Input {
    let paths = match event {
        Event::PreTool | Event::PostTool => edits::paths(
            input.get("tool").and_then(Value::as_str),
            input.get("args").unwrap_or(&Value::Null),
        ),
        _ => Vec::new(),
    };
    Input {
        session: text(input, "session_id"),
        turn: text(input, "message_id"),
        cwd: text(input, "cwd").map(Into::into),
        paths,
        message: text(input, "last_message"),
    }
}

pub fn write(outcome: &Outcome) -> String {
    let fields = [
        ("context", &outcome.context),
        ("deny", &outcome.deny),
        ("notice", &outcome.notice),
    ];
    let output: Map<String, Value> = fields
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))))
        .collect();
    line(&Value::Object(output))
}
