//! Into realistic settings and out again, byte for byte.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::target::{Hooks, Kind};
use crate::hook::Tool;
use crate::settings::{Change, Entry, Placed};

const PROGRAM: &str = "/home/alice/.cargo/bin/spacesctl";

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/settings")
        .join(name);
    fs::read_to_string(path).unwrap()
}

const FIXTURES: &[(&str, Tool, Kind)] = &[
    ("claude-code.json", Tool::ClaudeCode, Kind::Json),
    ("claude-code-one-line.json", Tool::ClaudeCode, Kind::Json),
    ("claude-code-crlf-tabs.json", Tool::ClaudeCode, Kind::Json),
    (
        "claude-code-empty-object.json",
        Tool::ClaudeCode,
        Kind::Json,
    ),
    ("codex.json", Tool::Codex, Kind::Json),
    ("codex.toml", Tool::Codex, Kind::Toml),
    ("gemini.json", Tool::Gemini, Kind::Json),
    ("cursor.json", Tool::Cursor, Kind::Json),
];

fn hooks(tool: Tool, kind: Kind, program: &str) -> Hooks {
    Hooks {
        kind,
        tool,
        program: program.to_owned(),
    }
}

/// The settings with the hooks in them.
fn installed(tool: Tool, kind: Kind, before: Option<&str>) -> String {
    hooks(tool, kind, PROGRAM).install(before).unwrap()
}

struct File(tempfile::TempDir, Placed);

impl File {
    fn new(tool: Tool, kind: Kind, text: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/settings");
        if let Some(text) = text {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        let placed = Placed {
            executable: matches!(kind, Kind::Script(_)),
            ..Placed::new(path, hooks(tool, kind, PROGRAM))
        };
        Self(dir, placed)
    }

    fn install(&self) -> Change {
        Change::install(&self.1).unwrap()
    }

    fn uninstall(&self) -> Change {
        Change::uninstall(&self.1).unwrap()
    }

    fn text(&self) -> Option<String> {
        fs::read_to_string(&self.1.path).ok()
    }

    fn backup(&self) -> PathBuf {
        self.1.path.with_file_name("settings.before-spaces")
    }
}

#[test]
fn install_and_uninstall_give_the_original_byte_for_byte() {
    for (name, tool, kind) in FIXTURES {
        let original = fixture(name);
        let file = File::new(*tool, *kind, Some(&original));
        file.install().apply().unwrap();
        let installed = file.text().unwrap();
        assert_ne!(installed, original, "{name}");
        assert!(!file.install().is_change(), "{name}: a second install");
        assert_eq!(fs::read_to_string(file.backup()).unwrap(), original);
        file.uninstall().apply().unwrap();
        assert_eq!(file.text().unwrap(), original, "{name}");
        assert!(!file.backup().exists(), "{name}");
        assert!(!file.uninstall().is_change(), "{name}: a second uninstall");
    }
}

#[test]
fn what_was_there_stays_line_by_line() {
    for (name, tool, kind) in FIXTURES {
        let original = fixture(name);
        let installed = installed(*tool, *kind, Some(&original));
        if original.lines().count() < 3 {
            continue;
        }
        let mut rest = installed.as_str();
        for line in original.lines() {
            // A comma may follow what was the last entry.
            let at = rest.find(line.trim_end_matches([',', ']', '}']));
            let at = at.unwrap_or_else(|| panic!("{name}: {line:?} is gone:\n{installed}"));
            rest = &rest[at..];
        }
    }
}

#[test]
fn without_the_backup_the_hooks_go_and_nothing_else() {
    for (name, tool, kind) in FIXTURES {
        let original = fixture(name);
        let installed = installed(*tool, *kind, Some(&original));
        let hooks = hooks(*tool, *kind, PROGRAM);
        let left = hooks.uninstall(&installed).unwrap().text;
        if *kind == Kind::Json {
            let mut wanted = json(&original);
            if name.contains("crlf") {
                wanted.as_object_mut().unwrap().remove("hooks");
            }
            assert_eq!(json(&left), wanted, "{name}");
        }
        assert!(!left.contains("spacesctl"), "{name}");
        for comment in original.lines().filter_map(|line| line.split("//").nth(1)) {
            assert!(left.contains(comment), "{name}: {comment}");
        }
    }
}

#[test]
fn what_a_person_changed_in_between_is_kept() {
    let original = fixture("claude-code.json");
    let file = File::new(Tool::ClaudeCode, Kind::Json, Some(&original));
    file.install().apply().unwrap();
    let edited = file.text().unwrap().replace("\"opus\"", "\"haiku\"");
    fs::write(&file.1.path, &edited).unwrap();
    file.uninstall().apply().unwrap();
    assert_eq!(
        json(&file.text().unwrap()),
        json(&original.replace("\"opus\"", "\"haiku\""))
    );
}

#[test]
fn a_new_file_goes_again() {
    for (tool, kind) in [
        (Tool::ClaudeCode, Kind::Json),
        (Tool::Cursor, Kind::Json),
        (Tool::Opencode, Kind::Plugin),
        (Tool::Git, Kind::Script("post-commit")),
    ] {
        let file = File::new(tool, kind, None);
        file.install().apply().unwrap();
        let mode = fs::metadata(&file.1.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o100 != 0, tool == Tool::Git, "{tool:?}");
        file.uninstall().apply().unwrap();
        assert_eq!(file.text(), None, "{tool:?}");
    }
}

#[test]
fn every_event_of_the_tool_is_there_once_in_its_form() {
    let claude = json(&installed(Tool::ClaudeCode, Kind::Json, None));
    for event in [
        "SessionStart",
        "UserPromptSubmit",
        "PreToolUse",
        "PostToolUse",
        "Stop",
        "SessionEnd",
    ] {
        let groups = claude["hooks"][event].as_array().unwrap();
        assert_eq!(groups.len(), 1, "{event}");
        let call = &groups[0]["hooks"][0];
        assert_eq!(call["type"], "command");
        assert!(call["timeout"].as_u64().unwrap() < 60, "seconds");
    }
    assert_eq!(
        claude["hooks"]["Stop"][0]["hooks"][0]["command"],
        "/home/alice/.cargo/bin/spacesctl hook stop --tool claude-code"
    );
    let gemini = json(&installed(Tool::Gemini, Kind::Json, None));
    let timeout = &gemini["hooks"]["AfterAgent"][0]["hooks"][0]["timeout"];
    assert!(timeout.as_u64().unwrap() >= 1000, "milliseconds");
    let cursor = json(&installed(Tool::Cursor, Kind::Json, None));
    assert_eq!(cursor["version"], 1);
    assert!(
        cursor["hooks"]["afterFileEdit"][0]["command"]
            .as_str()
            .unwrap()
            .contains("hook edited")
    );
}

#[test]
fn an_older_install_is_brought_up_to_date_in_place() {
    let original = fixture("claude-code.json");
    let old = hooks(Tool::ClaudeCode, Kind::Json, "/old/spacesctl");
    let old = old.install(Some(&original)).unwrap();
    let new = installed(Tool::ClaudeCode, Kind::Json, Some(&old));
    assert!(!new.contains("/old/"));
    assert_eq!(
        json(&new),
        json(&installed(Tool::ClaudeCode, Kind::Json, Some(&original)))
    );
}

#[test]
fn a_file_of_ours_alone_goes_also_after_a_second_install() {
    let file = File::new(Tool::ClaudeCode, Kind::Json, None);
    let old = Placed::new(
        file.1.path.clone(),
        hooks(Tool::ClaudeCode, Kind::Json, "/old/spacesctl"),
    );
    Change::install(&old).unwrap().apply().unwrap();
    file.install().apply().unwrap();
    file.uninstall().apply().unwrap();
    assert_eq!(file.text(), None);
}

#[test]
fn settings_that_are_not_what_the_tool_expects_are_left_alone() {
    for (text, named) in [
        ("{\"hooks\": []}", "`hooks`"),
        ("{\"hooks\": {\"Stop\": 1}}", "`hooks.Stop`"),
        ("[1]", "object"),
        ("{\"a\": ", "JSON"),
    ] {
        let file = File::new(Tool::ClaudeCode, Kind::Json, Some(text));
        let error = Change::install(&file.1).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains(named) && error.contains("left as it is"),
            "{text}: {error}"
        );
        assert_eq!(file.text().unwrap(), text);
    }
}

#[test]
fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let original = fixture("cursor.json");
    let file = File::new(Tool::Cursor, Kind::Json, Some(&original));
    let diff = file.install().diff();
    assert!(
        diff.contains("\n+") && diff.contains("hook stop --tool cursor"),
        "{diff}"
    );
    assert_eq!(file.text().unwrap(), original);
}

#[test]
fn a_link_stays_a_link_and_the_mode_stays() {
    let original = fixture("claude-code.json");
    let file = File::new(Tool::ClaudeCode, Kind::Json, Some(&original));
    let real = file.0.path().join("dotfiles.json");
    fs::rename(&file.1.path, &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&real, &file.1.path).unwrap();
    file.install().apply().unwrap();
    assert!(file.1.path.is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("spacesctl"));
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    file.uninstall().apply().unwrap();
    assert_eq!(fs::read_to_string(&real).unwrap(), original);
}

#[test]
fn a_plugin_of_another_is_left_alone() {
    let file = File::new(
        Tool::Opencode,
        Kind::Plugin,
        Some("export const Mine = 1\n"),
    );
    assert!(Change::install(&file.1).is_err());
    assert!(!file.uninstall().is_change());
}

fn json(text: &str) -> Value {
    jsonc_parser::cst::CstRootNode::parse(text, &jsonc_parser::ParseOptions::default())
        .unwrap()
        .value()
        .unwrap()
        .to_serde_value()
        .unwrap()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~äß]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_settings_are_whole_after_in_and_out(
        mut settings in prop::collection::btree_map("[a-z]{1,8}", any_json(), 0..5),
        foreign in prop::collection::btree_map("Stop|SessionStart|Other", prop::collection::vec(any_json(), 0..3), 0..3),
        pretty in any::<bool>(),
    ) {
        settings.remove("hooks");
        if !foreign.is_empty() {
            settings.insert("hooks".into(), serde_json::to_value(&foreign).unwrap());
        }
        let text = if pretty { serde_json::to_string_pretty(&settings) } else { serde_json::to_string(&settings) }.unwrap();
        let file = File::new(Tool::ClaudeCode, Kind::Json, Some(&text));
        file.install().apply().unwrap();
        prop_assert!(!file.install().is_change());
        prop_assert_eq!(json(&file.text().unwrap())["hooks"]["Stop"].as_array().unwrap().len(),
            foreign.get("Stop").map_or(0, Vec::len) + 1);
        file.uninstall().apply().unwrap();
        let after = file.text().unwrap();
        prop_assert_eq!(after, text);
    }
}
