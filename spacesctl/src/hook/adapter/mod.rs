//! One adapter per tool: its input to an [`Input`], an [`Outcome`] to its output.

mod claude_code;
mod codex;
mod cursor;
mod edits;
mod gemini;
mod generic;
mod opencode;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::event::{Event, Input, Outcome, Tool};

/// Reads what the tool wrote to the hook's standard input.
pub fn read(tool: Tool, event: Event, input: &Value) -> Input {
    match tool {
        Tool::ClaudeCode | Tool::Codex | Tool::Generic => claude_code::read(event, input),
        Tool::Gemini => gemini::read(event, input),
        Tool::Cursor => cursor::read(event, input),
        Tool::Opencode => opencode::read(event, input),
        Tool::Git => Input::default(),
    }
}

/// What to print so that the tool understands it; empty for nothing.
pub fn write(tool: Tool, event: Event, outcome: &Outcome) -> String {
    if outcome.is_silent() {
        return String::new();
    }
    match tool {
        Tool::ClaudeCode => claude_code::write(event, outcome),
        Tool::Codex => codex::write(event, outcome),
        Tool::Gemini => gemini::write(event, outcome),
        Tool::Cursor => cursor::write(event, outcome),
        Tool::Opencode => opencode::write(outcome),
        Tool::Generic => generic::write(outcome),
        Tool::Git => String::new(),
    }
}

/// Whether text reaches the agent's context from this event of this tool.
/// What can't be said is not fetched, so that it is not marked as shown.
pub fn reaches_agent(tool: Tool, event: Event) -> bool {
    match (tool, event) {
        (Tool::Git, _) => false,
        (_, Event::SessionStart) => true,
        (Tool::Cursor, Event::UserPrompt | Event::PreTool) | (Tool::Gemini, Event::PreTool) => {
            false
        }
        (_, Event::UserPrompt | Event::PreTool) => true,
        (Tool::Cursor | Tool::Gemini, Event::PostTool) => true,
        _ => false,
    }
}

/// A text field that is there and not empty.
fn text(input: &Value, field: &str) -> Option<String> {
    input
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// One JSON object on one line, as every tool expects it.
fn line(value: &Value) -> String {
    format!("{value}\n")
}
