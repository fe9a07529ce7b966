//! Hooks in JSON settings, with or without comments: only our own entries are
//! put in and taken out, everything between them stays as it is.

use anyhow::{Context, Result, bail};
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject};

use super::command;
use crate::hook::{Event, Tool};
use crate::settings::Removal;
use crate::settings::json::{object, parse, parse_or_new, same, top};

/// One hook of a tool: its name there, our event, which of the tool's tools.
struct Hook {
    name: &'static str,
    event: Event,
    matcher: Option<&'static str>,
}

const fn hook(name: &'static str, event: Event, matcher: Option<&'static str>) -> Hook {
    Hook {
        name,
        event,
        matcher,
    }
}

const CLAUDE_EDITS: Option<&str> = Some("Edit|MultiEdit|Write|NotebookEdit");
const CODEX_EDITS: Option<&str> = Some("apply_patch|Edit|Write");
const GEMINI_EDITS: Option<&str> = Some("write_file|replace");
const CURSOR_EDITS: Option<&str> = Some("Write");

fn hooks(tool: Tool) -> Vec<Hook> {
    let claude_like = |edits| {
        vec![
            hook("SessionStart", Event::SessionStart, None),
            hook("UserPromptSubmit", Event::UserPrompt, None),
            hook("PreToolUse", Event::PreTool, edits),
            hook("PostToolUse", Event::PostTool, edits),
            hook("Stop", Event::Stop, None),
            hook("SessionEnd", Event::SessionEnd, None),
        ]
    };
    match tool {
        Tool::ClaudeCode => claude_like(CLAUDE_EDITS),
        Tool::Codex => claude_like(CODEX_EDITS),
        Tool::Gemini => vec![
            hook("SessionStart", Event::SessionStart, None),
            hook("BeforeAgent", Event::UserPrompt, None),
            hook("BeforeTool", Event::PreTool, GEMINI_EDITS),
            hook("AfterTool", Event::PostTool, GEMINI_EDITS),
            hook("AfterAgent", Event::Stop, None),
            hook("SessionEnd", Event::SessionEnd, None),
        ],
        Tool::Cursor => vec![
            hook("sessionStart", Event::SessionStart, None),
            hook("beforeSubmitPrompt", Event::UserPrompt, None),
            hook("preToolUse", Event::PreTool, CURSOR_EDITS),
            hook("postToolUse", Event::PostTool, CURSOR_EDITS),
            hook("afterFileEdit", Event::Edited, None),
            hook("afterAgentResponse", Event::AgentMessage, None),
            hook("stop", Event::Stop, None),
            hook("sessionEnd", Event::SessionEnd, None),
        ],
        Tool::Opencode | Tool::Git | Tool::Generic => Vec::new(),
    }
}

/// The hooks of Codex in the same form, for its `config.toml`.
pub(super) fn toml_hooks() -> impl Iterator<Item = (&'static str, Event, Option<&'static str>)> {
    hooks(Tool::Codex)
        .into_iter()
        .map(|hook| (hook.name, hook.event, hook.matcher))
}

/// Seconds after which a tool gives a hook up (Gemini counts milliseconds). A
/// hook of ours takes one at the most.
pub(super) const TIMEOUT_SECS: u32 = 5;

/// The settings with our hooks in them.
///
/// # Errors
/// The settings are not the JSON that the tool expects; the message says where.
pub fn install(before: Option<&str>, tool: Tool, program: &str) -> Result<String> {
    let root = parse_or_new(before)?;
    let settings = top(&root)?;
    if tool == Tool::Cursor && settings.get("version").is_none() {
        settings.insert(0, "version", CstInputValue::Number("1".into()));
    }
    let all = object(&settings, "hooks", "hooks")?;
    for hook in hooks(tool) {
        let entries = array(&all, hook.name)?;
        let wanted = entry(&hook, tool, program);
        let ours: Vec<_> = entries
            .elements()
            .into_iter()
            .filter(|element| is_ours(element, tool))
            .collect();
        match ours.split_first() {
            None => {
                entries.append(wanted);
            }
            Some((first, rest)) => {
                for surplus in rest {
                    surplus.clone().remove();
                }
                if !same(first, &wanted) {
                    replace(first, wanted)?;
                }
            }
        }
    }
    Ok(root.to_string())
}

/// The settings without our hooks, and without lists that are now empty.
///
/// # Errors
/// The settings are not JSON.
pub fn uninstall(before: &str, tool: Tool) -> Result<Removal> {
    let root = parse(before)?;
    let Some(settings) = root.object_value() else {
        return Ok(Removal::none(before));
    };
    let Some(all) = settings.object_value("hooks") else {
        return Ok(Removal::none(before));
    };
    let mut changed = false;
    for event in all.properties() {
        let Some(entries) = event.array_value() else {
            continue;
        };
        let ours: Vec<_> = entries
            .elements()
            .into_iter()
            .filter(|element| is_ours(element, tool))
            .collect();
        if ours.is_empty() {
            continue;
        }
        changed = true;
        for element in ours {
            element.remove();
        }
        if entries.elements().is_empty() {
            event.remove();
        }
    }
    if !changed {
        return Ok(Removal::none(before));
    }
    if all.properties().is_empty()
        && let Some(property) = settings.get("hooks")
    {
        property.remove();
    }
    let left = settings.to_serde_value().unwrap_or_default();
    let nothing = serde_json::json!({});
    let only_version = serde_json::json!({"version": 1});
    Ok(Removal {
        text: root.to_string(),
        empty: left == nothing || (tool == Tool::Cursor && left == only_version),
    })
}

fn array(parent: &CstObject, name: &str) -> Result<CstArray> {
    match parent.array_value_or_create(name) {
        Some(array) => Ok(array),
        None => bail!("`hooks.{name}` in the settings is not an array"),
    }
}

/// Cursor's entries are commands; the others' are groups of commands.
fn entry(hook: &Hook, tool: Tool, program: &str) -> CstInputValue {
    let text = |text: &str| CstInputValue::String(text.to_owned());
    let pair = |name: &str, value| (name.to_owned(), value);
    let command = pair("command", text(&command::line(program, hook.event, tool)));
    let matcher = hook.matcher.map(|matcher| pair("matcher", text(matcher)));
    if tool == Tool::Cursor {
        return CstInputValue::Object(std::iter::once(command).chain(matcher).collect());
    }
    let timeout = match tool {
        Tool::Gemini => TIMEOUT_SECS * 1000,
        _ => TIMEOUT_SECS,
    };
    let mut call = vec![pair("type", text("command")), command];
    if tool == Tool::Gemini {
        call.insert(0, pair("name", text("spaces")));
    }
    call.push(pair("timeout", CstInputValue::Number(timeout.to_string())));
    let calls = CstInputValue::Array(vec![CstInputValue::Object(call)]);
    CstInputValue::Object(matcher.into_iter().chain([pair("hooks", calls)]).collect())
}

/// An entry is ours if every command in it is: a group to which a person has
/// added a command of their own is theirs too, and stays.
fn is_ours(element: &CstNode, tool: Tool) -> bool {
    let Some(value) = element.to_serde_value() else {
        return false;
    };
    let ours = |value: &serde_json::Value| {
        value["command"]
            .as_str()
            .is_some_and(|command| command::is_ours(command, tool))
    };
    match value["hooks"].as_array() {
        Some(calls) => !calls.is_empty() && calls.iter().all(ours),
        None => ours(&value),
    }
}

fn replace(element: &CstNode, wanted: CstInputValue) -> Result<()> {
    let object = element
        .as_object()
        .context("a hook of ours is not an object")?;
    object.replace_with(wanted);
    Ok(())
}
