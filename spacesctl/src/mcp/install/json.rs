//! Servers in JSON settings: only our own entry is put in, changed and taken out.

use anyhow::{Result, bail};
use jsonc_parser::cst::{CstInputValue, CstObject};
use serde_json::Value;

use super::target::{Form, NAME, Registration, is_ours};
use crate::settings::Removal;
use crate::settings::json::{object, parse, parse_or_new, same, top};

/// The settings with the server in them. Fields that a person has added to our
/// entry stay.
///
/// # Errors
/// The settings are not what the tool expects, or another server has the name.
pub fn install(before: Option<&str>, registration: &Registration) -> Result<String> {
    let root = parse_or_new(before)?;
    let servers = servers_or_new(&top(&root)?, registration.form)?;
    let wanted = fields(registration);
    let Some(entry) = servers.get(NAME) else {
        servers.append(NAME, CstInputValue::Object(wanted));
        return Ok(root.to_string());
    };
    let Some(entry) = entry
        .object_value()
        .filter(|entry| is_registration(entry.to_serde_value()))
    else {
        bail!("a server named `{NAME}` that is not ours is there");
    };
    for (name, value) in wanted {
        match entry.get(&name) {
            Some(field) if field.value().is_some_and(|node| same(&node, &value)) => {}
            Some(field) => field.set_value(value),
            None => {
                entry.append(&name, value);
            }
        }
    }
    Ok(root.to_string())
}

/// The settings without the server, and without an object that is now empty.
///
/// # Errors
/// The settings are not JSON.
pub fn uninstall(before: &str, form: Form) -> Result<Removal> {
    let root = parse(before)?;
    let Some(settings) = root.object_value() else {
        return Ok(Removal::none(before));
    };
    let Some((holder, name)) = servers(&settings, form) else {
        return Ok(Removal::none(before));
    };
    let Some(servers) = holder.object_value(name) else {
        return Ok(Removal::none(before));
    };
    let Some(entry) = servers.get(NAME) else {
        return Ok(Removal::none(before));
    };
    if !is_registration(entry.value().and_then(|value| value.to_serde_value())) {
        return Ok(Removal::none(before));
    }
    entry.remove();
    if servers.properties().is_empty()
        && let Some(property) = holder.get(name)
    {
        property.remove();
    }
    let left = settings.to_serde_value().unwrap_or_default();
    Ok(Removal {
        text: root.to_string(),
        empty: left == serde_json::json!({}),
    })
}

fn servers_or_new(settings: &CstObject, form: Form) -> Result<CstObject> {
    match form {
        Form::Opencode => {
            let all = object(settings, "mcp", "mcp")?;
            match in_servers(&all) {
                true => object(&all, "servers", "mcp.servers"),
                false => Ok(all),
            }
        }
        _ => object(settings, "mcpServers", "mcpServers"),
    }
}

/// The object that holds the servers, by its parent and name.
fn servers(settings: &CstObject, form: Form) -> Option<(CstObject, &'static str)> {
    if form != Form::Opencode {
        return Some((settings.clone(), "mcpServers"));
    }
    let all = settings.object_value("mcp")?;
    Some(match in_servers(&all) {
        true => (all, "servers"),
        false => (settings.clone(), "mcp"),
    })
}

/// OpenCode 2 keeps servers one level deeper. A server that is only named
/// `servers` has a type.
fn in_servers(all: &CstObject) -> bool {
    all.object_value("servers")
        .is_some_and(|servers| servers.get("type").is_none())
}

fn fields(registration: &Registration) -> Vec<(String, CstInputValue)> {
    let text = |text: &str| CstInputValue::String(text.to_owned());
    let field = |name: &str, value| (name.to_owned(), value);
    let arguments = registration.arguments();
    let arguments = arguments.iter().map(|argument| text(argument));
    let command = text(&registration.program);
    let mut fields = match registration.form {
        Form::Opencode => vec![
            field("type", text("local")),
            field(
                "command",
                CstInputValue::Array(std::iter::once(command).chain(arguments).collect()),
            ),
        ],
        _ => vec![
            field("command", command),
            field("args", CstInputValue::Array(arguments.collect())),
        ],
    };
    if registration.form == Form::Servers && registration.tool == crate::hook::Tool::ClaudeCode {
        fields.insert(0, field("type", text("stdio")));
    }
    if !registration.variables.is_empty() {
        let name = match registration.form {
            Form::Opencode => "environment",
            _ => "env",
        };
        let variables = registration.variables.iter();
        let variables = variables.map(|(name, value)| field(name, text(value)));
        fields.push(field(name, CstInputValue::Object(variables.collect())));
    }
    fields
}

fn is_registration(entry: Option<Value>) -> bool {
    let Some(entry) = entry else {
        return false;
    };
    match &entry["command"] {
        Value::String(program) => is_ours(program, entry["args"][0].as_str()),
        Value::Array(words) => words
            .first()
            .and_then(Value::as_str)
            .is_some_and(|program| is_ours(program, entry["command"][1].as_str())),
        _ => false,
    }
}
