//! Codex CLI: output as Claude Code's, checked strictly: an unknown key or a
//! `hookSpecificOutput` where none belongs makes the whole output invalid.

use serde_json::{Map, Value, json};

use super::{claude_code, line};
use crate::hook::event::{Event, Outcome};

pub fn write(event: Event, outcome: &Outcome) -> String {
    // The output of the event that ends a session is not read by anyone.
    if matches!(event, Event::SessionEnd | Event::AgentMessage) {
        return String::new();
    }
    let mut output = Map::new();
    if let Some(specific) = claude_code::specific(event, outcome) {
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
