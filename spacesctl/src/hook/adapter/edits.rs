//! Which paths an edit touches, from the arguments of the edit tools.

use serde_json::Value;

/// Names under which edit tools take one path.
const PATH_FIELDS: &[&str] = &[
    "file_path",
    "filePath",
    "notebook_path",
    "absolute_path",
    "target_file",
    "path",
];

/// Names under which edit tools take a patch.
const PATCH_FIELDS: &[&str] = &["command", "patch", "patchText", "input"];

/// Lines of a patch that name a path.
const PATCH_HEADERS: &[&str] = &[
    "*** Add File: ",
    "*** Update File: ",
    "*** Delete File: ",
    "*** Move to: ",
];

/// Tools that change files, in every agent tool's own words, in lower case.
const EDIT_TOOLS: &[&str] = &[
    "edit",
    "multiedit",
    "write",
    "notebookedit",
    "apply_patch",
    "patch",
    "write_file",
    "replace",
    "edit_file",
    "search_replace",
    "strreplace",
    "delete",
    "delete_file",
];

/// Most paths taken from one edit.
const MAX_PATHS: usize = 256;

/// The paths that a call of `tool_name` with these arguments would change;
/// empty for tools that change none.
pub fn paths(tool_name: Option<&str>, arguments: &Value) -> Vec<String> {
    if tool_name.is_some_and(|name| !EDIT_TOOLS.contains(&name.to_ascii_lowercase().as_str())) {
        return Vec::new();
    }
    let mut paths: Vec<String> = PATH_FIELDS
        .iter()
        .filter_map(|field| arguments.get(field)?.as_str())
        .map(str::to_owned)
        .collect();
    for patch in PATCH_FIELDS
        .iter()
        .filter_map(|field| patch_text(arguments.get(field)?))
    {
        paths.extend(
            patch
                .lines()
                .filter_map(|line| {
                    PATCH_HEADERS
                        .iter()
                        .find_map(|head| line.strip_prefix(head))
                })
                .map(|path| path.trim().to_owned()),
        );
    }
    paths.retain(|path| !path.is_empty());
    let mut seen = std::collections::HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths.truncate(MAX_PATHS);
    paths
}

/// A patch is a string, or the last word of a command line.
fn patch_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(words) => words.last()?.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::paths;

    #[test]
    fn an_edit_names_its_file() {
        assert_eq!(
            paths(
                Some("Edit"),
                &json!({"file_path": "/r/a.rs", "old_string": "x"})
            ),
            ["/r/a.rs"]
        );
        assert_eq!(
            paths(
                Some("NotebookEdit"),
                &json!({"notebook_path": "/r/a.ipynb"})
            ),
            ["/r/a.ipynb"]
        );
    }

    #[test]
    fn a_patch_names_all_of_its_files() {
        let patch = "*** Begin Patch\n*** Update File: src/a.rs\n*** Move to: src/b.rs\n@@\n-x\n+*** Add File: not/a/header\n*** Add File: c.rs\n+x\n*** End Patch";
        let wanted = ["src/a.rs", "src/b.rs", "c.rs"];
        assert_eq!(
            paths(Some("apply_patch"), &json!({"command": patch})),
            wanted
        );
        assert_eq!(
            paths(
                Some("apply_patch"),
                &json!({"command": ["apply_patch", patch]})
            ),
            wanted
        );
    }

    #[test]
    fn reading_or_running_changes_nothing() {
        assert!(paths(Some("Read"), &json!({"file_path": "/r/a.rs"})).is_empty());
        assert!(paths(Some("Bash"), &json!({"command": "*** Add File: x"})).is_empty());
    }
}
