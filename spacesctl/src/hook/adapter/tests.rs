//! Every recorded event of every tool, and the form of every output.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{reaches_agent, read, write};
use crate::hook::event::{Event, Input, Outcome, Tool};

const TOOLS: [Tool; 5] = [
    Tool::ClaudeCode,
    Tool::Codex,
    Tool::Gemini,
    Tool::Cursor,
    Tool::Opencode,
];

fn fixtures(tool: Tool) -> Vec<(Event, PathBuf)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/hooks")
        .join(tool.as_str());
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let event = Event::value_variants()
                .iter()
                .find(|event| name.starts_with(event.as_str()))
                .unwrap_or_else(|| panic!("{name} names no event"));
            (*event, path)
        })
        .collect()
}

fn recorded(tool: Tool, name: &str) -> Input {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/hooks")
        .join(tool.as_str())
        .join(name)
        .with_extension("json");
    let event = Event::value_variants()
        .iter()
        .find(|event| name.starts_with(event.as_str()))
        .unwrap();
    let value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    read(tool, *event, &value)
}

#[test]
fn every_recorded_event_has_its_session_and_place() {
    for tool in TOOLS {
        let mut sessions = std::collections::HashSet::new();
        for (event, path) in fixtures(tool) {
            let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let input = read(tool, event, &value);
            assert_eq!(
                input.cwd.as_deref(),
                Some(Path::new("/work/app")),
                "{}",
                path.display()
            );
            sessions.insert(
                input
                    .session
                    .unwrap_or_else(|| panic!("{}", path.display())),
            );
        }
        assert_eq!(
            sessions.len(),
            1,
            "{tool:?}: one session through all events"
        );
    }
}

#[test]
fn every_tool_has_the_events_that_its_hooks_are_installed_for() {
    let needed = [
        Event::SessionStart,
        Event::UserPrompt,
        Event::PreTool,
        Event::PostTool,
        Event::Stop,
        Event::SessionEnd,
    ];
    for tool in TOOLS {
        let there: Vec<_> = fixtures(tool).into_iter().map(|(event, _)| event).collect();
        for event in needed {
            assert!(there.contains(&event), "{tool:?} {event:?}");
        }
    }
}

#[test]
fn an_edit_names_its_paths_in_every_tool() {
    for (tool, name, paths) in [
        (
            Tool::ClaudeCode,
            "pre-tool",
            &["/work/app/src/outbox.rs"][..],
        ),
        (
            Tool::ClaudeCode,
            "pre-tool-notebook",
            &["/work/app/a.ipynb"],
        ),
        (Tool::ClaudeCode, "pre-tool-bash", &[]),
        (Tool::ClaudeCode, "post-tool", &["/work/app/src/new.rs"]),
        (Tool::Codex, "pre-tool", &["src/outbox.rs", "src/new.rs"]),
        (Tool::Codex, "pre-tool-bash", &[]),
        (Tool::Gemini, "pre-tool", &["/work/app/src/outbox.rs"]),
        (Tool::Gemini, "post-tool", &["/work/app/src/new.rs"]),
        (Tool::Cursor, "pre-tool", &["/work/app/src/outbox.rs"]),
        (Tool::Cursor, "edited", &["/work/app/src/outbox.rs"]),
        (Tool::Opencode, "pre-tool", &["/work/app/src/outbox.rs"]),
    ] {
        assert_eq!(recorded(tool, name).paths, paths, "{tool:?} {name}");
    }
}

#[test]
fn the_last_message_is_found_where_the_tool_puts_it() {
    for (tool, name) in [
        (Tool::ClaudeCode, "stop"),
        (Tool::Codex, "stop"),
        (Tool::Gemini, "stop"),
        (Tool::Cursor, "agent-message"),
        (Tool::Opencode, "stop"),
    ] {
        let message = recorded(tool, name).message.unwrap();
        assert!(message.starts_with("The outbox tests pass"), "{tool:?}");
    }
    assert_eq!(recorded(Tool::Codex, "stop-no-message").message, None);
    assert_eq!(
        recorded(Tool::Codex, "stop").turn.as_deref(),
        Some("0199a214-0001")
    );
}

fn outcome(context: bool, deny: bool, notice: bool) -> Outcome {
    Outcome {
        context: context.then(|| "facts".to_owned()),
        deny: deny.then(|| "claimed".to_owned()),
        notice: notice.then(|| "notice".to_owned()),
    }
}

/// All outputs of a tool, parsed; an empty one is left out.
fn outputs(tool: Tool) -> Vec<(Event, Outcome, Value)> {
    let mut outputs = Vec::new();
    for event in Event::value_variants() {
        for bits in 0..8 {
            let outcome = outcome(bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
            let text = write(tool, *event, &outcome);
            if text.is_empty() {
                continue;
            }
            assert_eq!(text.trim_end().lines().count(), 1, "{text}");
            outputs.push((*event, outcome, serde_json::from_str(&text).unwrap()));
        }
    }
    outputs
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn nothing_to_say_is_no_output_at_all() {
    for tool in Tool::value_variants() {
        for event in Event::value_variants() {
            assert_eq!(write(*tool, *event, &Outcome::default()), "");
        }
    }
}

#[test]
fn claude_and_codex_get_only_keys_that_they_know() {
    for tool in [Tool::ClaudeCode, Tool::Codex] {
        for (event, outcome, output) in outputs(tool) {
            for key in keys(&output) {
                assert!(
                    ["hookSpecificOutput", "systemMessage"].contains(&key),
                    "{key}"
                );
            }
            let Some(specific) = output.get("hookSpecificOutput") else {
                continue;
            };
            let name = specific["hookEventName"].as_str().unwrap();
            let wanted = match event {
                Event::SessionStart => "SessionStart",
                Event::UserPrompt => "UserPromptSubmit",
                Event::PreTool => "PreToolUse",
                Event::PostTool => "PostToolUse",
                other => panic!("{other:?} takes no hookSpecificOutput"),
            };
            assert_eq!(name, wanted);
            if event == Event::PreTool && outcome.deny.is_some() {
                assert_eq!(specific["permissionDecision"], "deny");
                assert_eq!(specific["permissionDecisionReason"], "claimed");
                assert_eq!(keys(specific).len(), 3);
            } else {
                assert_eq!(keys(specific), ["additionalContext", "hookEventName"]);
            }
        }
    }
}

#[test]
fn gemini_gets_context_where_it_takes_it_and_a_decision_to_deny() {
    for (event, outcome, output) in outputs(Tool::Gemini) {
        for key in keys(&output) {
            assert!(
                ["hookSpecificOutput", "systemMessage", "decision", "reason"].contains(&key),
                "{key}"
            );
        }
        if output.get("hookSpecificOutput").is_some() {
            assert!(matches!(
                event,
                Event::SessionStart | Event::UserPrompt | Event::PostTool
            ));
        }
        let denied = event == Event::PreTool && outcome.deny.is_some();
        assert_eq!(output.get("decision") == Some(&json!("deny")), denied);
    }
}

#[test]
fn cursor_gets_its_own_names_and_is_never_told_to_allow() {
    for (event, _, output) in outputs(Tool::Cursor) {
        match event {
            Event::SessionStart | Event::PostTool => {
                assert_eq!(keys(&output), ["additional_context"])
            }
            Event::PreTool => {
                assert_eq!(
                    keys(&output),
                    ["agent_message", "permission", "user_message"]
                );
                assert_eq!(output["permission"], "deny");
            }
            other => panic!("{other:?} has no output"),
        }
    }
}

#[test]
fn what_reaches_the_agent_is_really_in_the_output() {
    for tool in Tool::value_variants() {
        for event in Event::value_variants() {
            if reaches_agent(*tool, *event) {
                let output = write(*tool, *event, &outcome(true, false, false));
                assert!(output.contains("facts"), "{tool:?} {event:?}: {output:?}");
            }
        }
    }
}

#[test]
fn a_long_context_keeps_within_the_tools_limit() {
    let outcome = Outcome::context(Some("é".repeat(20_000)));
    let output: Value =
        serde_json::from_str(&write(Tool::ClaudeCode, Event::SessionStart, &outcome)).unwrap();
    let context = output["hookSpecificOutput"]["additionalContext"]
        .as_str()
        .unwrap();
    assert!(context.chars().count() <= 10_000);
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        "[a-z_]{1,10}",
        prop::sample::select(vec![
            "session_id",
            "cwd",
            "tool_name",
            "tool_input",
            "file_path",
            "command",
            "workspace_roots",
            "last_assistant_message",
            "conversation_id",
            "args",
            "tool",
            "text",
            "prompt_response",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("Edit")),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_input_is_too_odd(
        tool in prop::sample::select(Tool::value_variants()),
        event in prop::sample::select(Event::value_variants()),
        input in any_json(),
    ) {
        let input = read(tool, event, &input);
        prop_assert!(input.session != Some(String::new()));
        prop_assert!(input.paths.iter().all(|path| !path.is_empty()));
    }

    #[test]
    fn no_outcome_makes_a_broken_output(
        tool in prop::sample::select(&TOOLS[..]),
        event in prop::sample::select(Event::value_variants()),
        context in any::<Option<String>>(),
        deny in any::<Option<String>>(),
        notice in any::<Option<String>>(),
    ) {
        let output = write(tool, event, &Outcome { context, deny, notice });
        prop_assert!(output.is_empty() || serde_json::from_str::<Value>(&output).is_ok());
    }
}
