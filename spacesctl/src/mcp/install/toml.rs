//! Servers in Codex's `config.toml`. Codex writes to the file as well: ours is
//! one table among others, known by its name.

use anyhow::{Context, Result, bail};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use super::target::{NAME, Registration, is_ours};
use crate::settings::Removal;

const SERVERS: &str = "mcp_servers";

/// The settings with the server in them. Fields that a person has added to our
/// entry stay.
///
/// # Errors
/// The file is not TOML, or another server has the name.
pub fn install(before: &str, registration: &Registration) -> Result<String> {
    let mut settings = parse(before)?;
    let implicit = || {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    };
    let inline = settings.get(SERVERS).is_some_and(Item::is_inline_table);
    let servers = settings
        .entry(SERVERS)
        .or_insert_with(implicit)
        .as_table_like_mut()
        .with_context(|| format!("`{SERVERS}` in the settings is not a table"))?;
    if !servers.contains_key(NAME) {
        let fresh = match inline {
            true => Item::Value(Value::InlineTable(InlineTable::new())),
            false => Item::Table(Table::new()),
        };
        servers.insert(NAME, fresh);
    } else if !is_registration(servers) {
        bail!("a server named `{NAME}` that is not ours is there");
    }
    let entry = servers
        .get_mut(NAME)
        .and_then(Item::as_table_like_mut)
        .with_context(|| format!("`{SERVERS}.{NAME}` in the settings is not a table"))?;
    set(entry, "command", value(&registration.program));
    let arguments: Array = registration.arguments().into_iter().collect();
    set(entry, "args", value(arguments));
    if !registration.variables.is_empty() {
        let variables: InlineTable = registration
            .variables
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        set(entry, "env", value(variables));
    }
    Ok(settings.to_string())
}

/// The settings without the server.
///
/// # Errors
/// The file is not TOML.
pub fn uninstall(before: &str) -> Result<Removal> {
    let mut settings = parse(before)?;
    let Some(servers) = settings
        .get_mut(SERVERS)
        .and_then(Item::as_table_like_mut)
        .filter(|servers| is_registration(*servers))
    else {
        return Ok(Removal::none(before));
    };
    servers.remove(NAME);
    if servers.is_empty() {
        settings.remove(SERVERS);
    }
    Ok(Removal {
        empty: settings.is_empty(),
        text: settings.to_string(),
    })
}

fn parse(text: &str) -> Result<DocumentMut> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        anyhow::anyhow!("it is not TOML: {}", error.message())
    })
}

/// Leaves a field alone that says the same.
fn set(entry: &mut dyn TableLike, name: &str, wanted: Item) {
    let same = entry
        .get(name)
        .is_some_and(|now| plain(now) == plain(&wanted));
    if !same {
        entry.insert(name, wanted);
    }
}

/// Without the form in which it is written.
fn plain(item: &Item) -> String {
    fn of(value: &Value) -> String {
        match value {
            Value::Array(values) => values.iter().map(of).collect::<Vec<_>>().join(","),
            Value::InlineTable(fields) => fields
                .iter()
                .map(|(name, value)| format!("{name}={}", of(value)))
                .collect::<Vec<_>>()
                .join(","),
            Value::String(text) => format!("{:?}", text.value()),
            other => other.to_string().trim().to_owned(),
        }
    }
    item.as_value().map(of).unwrap_or_default()
}

fn is_registration(servers: &dyn TableLike) -> bool {
    let Some(entry) = servers.get(NAME).and_then(Item::as_table_like) else {
        return false;
    };
    let text = |name| entry.get(name).and_then(Item::as_str);
    let argument = entry
        .get("args")
        .and_then(Item::as_array)
        .and_then(|arguments| arguments.get(0))
        .and_then(Value::as_str);
    text("command").is_some_and(|program| is_ours(program, argument))
}
