//! Hooks as a marked block of lines: in git's scripts and in Codex's `config.toml`.

use anyhow::{Result, bail};
use toml_edit::{DocumentMut, Item, Table};

use super::{command, json};
use crate::hook::{Event, Tool};
use crate::settings::{Removal, quoted};

const BEGIN: &str = "# >>> spaces: kept by `spacesctl hooks` >>>";
const END: &str = "# <<< spaces <<<";

const SHEBANG: &str = "#!/bin/sh\n";

/// A script of git with our call in it, before anything that may end the script.
///
/// # Errors
/// The script is not one of a POSIX shell.
pub fn install_script(before: Option<&str>, event: &str, program: &str) -> Result<String> {
    let event = match event {
        "post-commit" => Event::PostCommit,
        _ => Event::PostCheckout,
    };
    let call = format!(
        "{} hook {} --tool git </dev/null >/dev/null 2>&1 || :",
        quoted(program),
        event.as_str()
    );
    let before = match before {
        Some(text) if !text.is_empty() => uninstall(text),
        _ => SHEBANG.to_owned(),
    };
    let (first, rest) = match before.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => (format!("{first}\n"), rest),
        None if before.starts_with("#!") => (format!("{before}\n"), ""),
        _ => (String::new(), before.as_str()),
    };
    let shells = ["sh", "bash", "dash", "ash", "ksh", "zsh"];
    let interpreter = first
        .trim_start_matches("#!")
        .split_whitespace()
        .filter_map(|word| word.rsplit('/').next())
        .find(|word| *word != "env" && !word.starts_with('-'));
    if interpreter.is_some_and(|name| !shells.contains(&name)) {
        bail!(
            "it is not a shell script (`{}`): call `spacesctl hook {} --tool git` from it yourself",
            first.trim_end(),
            event.as_str()
        );
    }
    Ok(format!("{first}{BEGIN}\n{call}\n{END}\n{rest}"))
}

/// The script without our call.
pub fn uninstall_script(before: &str) -> Removal {
    let text = uninstall(before);
    Removal {
        empty: text == SHEBANG && text != before,
        text,
    }
}

/// Codex's `config.toml` without our hooks; it is never ours alone. Codex writes
/// to the file as well, and not always outside our marks: what goes is known by
/// what it calls, not by where it stands.
pub fn uninstall_toml(before: &str, tool: Tool) -> Removal {
    Removal::none(&without_hooks(before, tool))
}

fn without_hooks(before: &str, tool: Tool) -> String {
    let Ok(mut config) = before.parse::<DocumentMut>() else {
        return before.to_owned();
    };
    let ours = |group: &Table| {
        let calls = group.get("hooks").and_then(Item::as_array_of_tables);
        calls.is_some_and(|calls| {
            !calls.is_empty()
                && calls.iter().all(|call| {
                    let line = call.get("command").and_then(Item::as_str);
                    line.is_some_and(|line| command::is_ours(line, tool))
                })
        })
    };
    let Some(hooks) = config.get_mut("hooks").and_then(Item::as_table_mut) else {
        return before.to_owned();
    };
    let mut changed = false;
    for (_, groups) in hooks.iter_mut() {
        if let Some(groups) = groups.as_array_of_tables_mut() {
            let all = groups.len();
            groups.retain(|group| !ours(group));
            changed |= groups.len() < all;
        }
    }
    if !changed {
        return before.to_owned();
    }
    hooks.retain(|_, groups| {
        groups
            .as_array_of_tables()
            .is_none_or(|all| !all.is_empty())
    });
    if hooks.is_empty() && hooks.is_implicit() {
        config.remove("hooks");
    }
    let left = config.to_string();
    left.split_inclusive('\n')
        .filter(|line| ![BEGIN, END].contains(&line.trim_end()))
        .collect()
}

/// Whether a person keeps hooks of their own in Codex's `config.toml`.
pub fn has_toml_hooks(text: &str) -> bool {
    let Ok(config) = text.parse::<toml::Table>() else {
        return false;
    };
    let Some(hooks) = config.get("hooks").and_then(toml::Value::as_table) else {
        return false;
    };
    hooks.values().any(toml::Value::is_array)
}

/// Codex's `config.toml` with our hooks at its end.
///
/// # Errors
/// The file is not TOML, or keeps hooks in a form that can't be added to.
pub fn install_toml(before: &str, tool: Tool, program: &str) -> Result<String> {
    let before = without_hooks(before, tool);
    if let Err(error) = before.parse::<toml::Table>() {
        bail!("it is not TOML: {}", error.message());
    }
    let mut block = format!("{BEGIN}\n");
    for (name, event, matcher) in json::toml_hooks() {
        block.push_str(&format!("[[hooks.{name}]]\n"));
        if let Some(matcher) = matcher {
            block.push_str(&format!("matcher = {}\n", toml::Value::from(matcher)));
        }
        let line = command::line(program, event, tool);
        block.push_str(&format!(
            "[[hooks.{name}.hooks]]\ntype = \"command\"\ncommand = {}\ntimeout = {}\n",
            toml::Value::from(line),
            json::TIMEOUT_SECS
        ));
    }
    block.push_str(END);
    block.push('\n');
    let after = match before.ends_with('\n') || before.is_empty() {
        true => format!("{before}{block}"),
        false => format!("{before}\n{block}"),
    };
    if let Err(error) = after.parse::<toml::Table>() {
        bail!(
            "its hooks are in a form that can't be added to: {}",
            error.message()
        );
    }
    Ok(after)
}

/// The text without our block.
fn uninstall(text: &str) -> String {
    let begin = format!("{BEGIN}\n");
    let end = format!("{END}\n");
    let Some(from) = text.find(&begin) else {
        return text.to_owned();
    };
    match text[from..].find(&end) {
        Some(length) => format!("{}{}", &text[..from], &text[from + length + end.len()..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{has_toml_hooks, install_script, install_toml, uninstall_script, uninstall_toml};
    use crate::hook::Tool;

    #[test]
    fn our_call_stands_before_anything_that_may_end_the_script() {
        let before = "#!/usr/bin/env bash\nset -e\nexit 0\n";
        let after = install_script(Some(before), "post-commit", "spacesctl").unwrap();
        assert!(
            after.starts_with("#!/usr/bin/env bash\n# >>> spaces"),
            "{after}"
        );
        assert!(after.contains("spacesctl hook post-commit --tool git"));
        assert_eq!(
            install_script(Some(&after), "post-commit", "spacesctl").unwrap(),
            after
        );
        assert_eq!(uninstall_script(&after).text, before);
    }

    #[test]
    fn a_script_of_ours_alone_goes_as_a_whole() {
        let after = install_script(None, "post-checkout", "/x/spacesctl").unwrap();
        assert!(after.starts_with("#!/bin/sh\n"));
        assert!(uninstall_script(&after).empty);
    }

    #[test]
    fn a_script_of_another_language_is_left_alone() {
        let error = install_script(Some("#!/usr/bin/env python3\n"), "post-commit", "spacesctl")
            .unwrap_err();
        assert!(error.to_string().contains("python3"), "{error}");
    }

    #[test]
    fn toml_is_added_to_and_taken_back() {
        let before = "model = \"o4\" # mine\n\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"say done\"\n";
        assert!(has_toml_hooks(before));
        let after = install_toml(before, Tool::Codex, "/opt/it's/spacesctl").unwrap();
        let parsed: toml::Table = after.parse().unwrap();
        assert_eq!(parsed["hooks"]["Stop"].as_array().unwrap().len(), 2);
        assert_eq!(parsed["hooks"]["SessionStart"].as_array().unwrap().len(), 1);
        assert_eq!(
            install_toml(&after, Tool::Codex, "/opt/it's/spacesctl").unwrap(),
            after
        );
        assert_eq!(uninstall_toml(&after, Tool::Codex).text, before);
    }

    #[test]
    fn what_codex_writes_into_our_block_stays() {
        let before = "model = \"o4\"\n";
        let after = install_toml(before, Tool::Codex, "/opt/spacesctl").unwrap();
        let mut config: toml_edit::DocumentMut = after.parse().unwrap();
        config["projects"]["/home/alice/app"]["trust_level"] = toml_edit::value("trusted");
        let left = uninstall_toml(&config.to_string(), Tool::Codex).text;
        let left: toml::Table = left.parse().unwrap();
        assert_eq!(
            left["projects"]["/home/alice/app"]["trust_level"].as_str(),
            Some("trusted")
        );
        assert!(left.get("hooks").is_none(), "{left}");
    }

    #[test]
    fn trust_that_codex_notes_down_is_no_hook() {
        assert!(!has_toml_hooks("[hooks.state.x]\ntrusted_hash = \"1\"\n"));
        assert!(!has_toml_hooks("not toml"));
    }

    #[test]
    fn toml_that_cannot_be_added_to_is_refused() {
        assert!(install_toml("hooks = { Stop = [] }\n", Tool::Codex, "spacesctl").is_err());
        assert!(install_toml("x = ", Tool::Codex, "spacesctl").is_err());
    }
}
