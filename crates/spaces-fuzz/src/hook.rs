//! What an agent tool writes to a hook, and what the hook writes back.

use clap::ValueEnum;
use serde_json::Value;
use spacesctl::hook::event::{Event, Input, Outcome, Tool};
use spacesctl::hook::{adapter, stdin, summary};

/// Claude Code and Codex cut an output string here, perhaps in the middle of a
/// block.
const OUTPUT_CHARS: usize = 10_000;

/// A byte for the tool, one for the event, then what the tool writes.
pub fn check(input: &[u8]) {
    let [tool, event, written @ ..] = input else {
        return;
    };
    let tool = crate::choose(Tool::value_variants(), *tool);
    let event = crate::choose(Event::value_variants(), *event);
    let value = match stdin::parse(written) {
        Ok(value) => value,
        Err(why) => {
            assert!(!why.is_empty());
            Value::Null
        }
    };
    let understood = adapter::read(tool, event, &value);
    assert!(understood.paths.iter().all(|path| !path.is_empty()));
    assert!(understood.paths.len() <= 256, "{}", understood.paths.len());
    if let Some(message) = &understood.message {
        summary_can_be_posted(message);
    }
    for outcome in outcomes(&understood) {
        is_an_answer(tool, event, &outcome);
    }
}

/// A summary that the hub would refuse for its form would be lost.
fn summary_can_be_posted(message: &str) {
    if let Some(text) = summary::text(message) {
        spaces_domain::content::check_content(&text).expect("a summary is a message");
    }
}

/// The same texts as what the hook would have to say.
fn outcomes(input: &Input) -> [Outcome; 2] {
    let said = |deny: Option<String>| Outcome {
        context: input.message.clone(),
        deny,
        notice: input.turn.clone(),
    };
    [said(None), said(input.session.clone())]
}

/// Nothing, or one JSON object on one line for the tools that take JSON.
fn is_an_answer(tool: Tool, event: Event, outcome: &Outcome) {
    let text = adapter::write(tool, event, outcome);
    if outcome.is_silent() || tool == Tool::Git {
        assert_eq!(text, "");
        return;
    }
    if text.is_empty() || tool == Tool::Generic {
        return;
    }
    let line = text.strip_suffix('\n').expect("a whole line");
    assert!(!line.contains('\n'));
    let answer: Value = serde_json::from_str(line).expect("JSON");
    assert!(answer.is_object());
    let specific = &answer["hookSpecificOutput"];
    for string in ["additionalContext", "permissionDecisionReason"] {
        let length = specific[string]
            .as_str()
            .map_or(0, |text| text.chars().count());
        assert!(length <= OUTPUT_CHARS, "{string} has {length} characters");
    }
    if event != Event::PreTool {
        assert!(specific.get("permissionDecision").is_none());
    }
}
