//! Settings in JSON, with or without comments, edited in place.

use anyhow::{Context, Result, bail};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};

/// The settings, which may not be there yet.
///
/// # Errors
/// They are not JSON.
pub fn parse_or_new(before: Option<&str>) -> Result<CstRootNode> {
    match before.filter(|text| !text.trim().is_empty()) {
        Some(text) => parse(text),
        None => parse("{}\n"),
    }
}

/// # Errors
/// The text is not JSON; the message says where.
pub fn parse(text: &str) -> Result<CstRootNode> {
    CstRootNode::parse(text, &ParseOptions::default())
        .map_err(|error| anyhow::anyhow!("the settings are not JSON: {error}"))
}

/// The settings as an object.
///
/// # Errors
/// They are something else.
pub fn top(root: &CstRootNode) -> Result<CstObject> {
    root.object_value()
        .context("the settings are not a JSON object")
}

/// The object of this name, made if need be.
///
/// # Errors
/// Something else has the name.
pub fn object(parent: &CstObject, name: &str, path: &str) -> Result<CstObject> {
    match parent.object_value_or_create(name) {
        Some(object) => Ok(object),
        None => bail!("`{path}` in the settings is not an object"),
    }
}

/// Whether a node says the same as the value that we would put there.
pub fn same(node: &CstNode, wanted: &CstInputValue) -> bool {
    let Ok(fresh) = parse("[]") else {
        return false;
    };
    fresh
        .array_value()
        .is_some_and(|array| array.append(wanted.clone()).to_serde_value() == node.to_serde_value())
}
