//! OpenCode's plugin: a file that is wholly ours.

use anyhow::{Result, bail};

use crate::settings::{Removal, quoted};

const SOURCE: &str = include_str!("../../../hooks/opencode-plugin.js");
const PLACE: &str = "\"SPACESCTL\"";
const FIRST_LINE: &str = "// Written by `spacesctl hooks install opencode`";

/// The plugin that calls `program`.
///
/// # Errors
/// Another file has its name.
pub fn install(before: Option<&str>, program: &str) -> Result<String> {
    if before.is_some_and(|text| !text.starts_with(FIRST_LINE)) {
        bail!("a file of this name that is not ours is there");
    }
    Ok(SOURCE.replacen(
        PLACE,
        &serde_json::Value::from(quoted(program)).to_string(),
        1,
    ))
}

/// Nothing, if the file is ours.
pub fn uninstall(before: &str) -> Removal {
    if !before.starts_with(FIRST_LINE) {
        return Removal::none(before);
    }
    Removal {
        text: String::new(),
        empty: true,
    }
}
