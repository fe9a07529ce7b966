//! Into realistic settings and out again, byte for byte; beside hooks too.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::target::{Form, Registration};
use crate::hook::Tool;
use crate::hooks::target::{Hooks, Kind};
use crate::settings::{Change, Entry, Placed};

const PROGRAM: &str = "/home/alice/.cargo/bin/spacesctl";

const FIXTURES: &[(&str, Tool, Form)] = &[
    ("claude.json", Tool::ClaudeCode, Form::Servers),
    ("mcp-one-line.json", Tool::ClaudeCode, Form::Servers),
    ("claude-code-empty-object.json", Tool::Cursor, Form::Servers),
    ("codex.toml", Tool::Codex, Form::Toml),
    ("codex-inline.toml", Tool::Codex, Form::Toml),
    ("codex-crlf.toml", Tool::Codex, Form::Toml),
    ("gemini.json", Tool::Gemini, Form::Servers),
    ("opencode.jsonc", Tool::Opencode, Form::Opencode),
    ("opencode-2.json", Tool::Opencode, Form::Opencode),
];

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/settings")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn registration(tool: Tool, form: Form) -> Registration {
    Registration {
        form,
        tool,
        program: PROGRAM.to_owned(),
        variables: Vec::new(),
    }
}

struct File(tempfile::TempDir);

impl File {
    fn new(text: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            fs::write(dir.path().join("settings"), text).unwrap();
        }
        Self(dir)
    }

    fn placed(&self, entry: impl Entry + 'static) -> Placed {
        Placed::new(self.0.path().join("settings"), entry)
    }

    fn text(&self) -> Option<String> {
        fs::read_to_string(self.0.path().join("settings")).ok()
    }

    /// Names of all files that are there.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn install(placed: &Placed) {
    Change::install(placed).unwrap().apply().unwrap();
}

fn uninstall(placed: &Placed) {
    Change::uninstall(placed).unwrap().apply().unwrap();
}

#[test]
fn install_and_uninstall_give_the_original_byte_for_byte() {
    for (name, tool, form) in FIXTURES {
        let original = fixture(name);
        let file = File::new(Some(&original));
        let placed = file.placed(registration(*tool, *form));
        install(&placed);
        let installed = file.text().unwrap();
        assert!(installed.contains(PROGRAM), "{name}: {installed}");
        assert!(!Change::install(&placed).unwrap().is_change(), "{name}");
        uninstall(&placed);
        assert_eq!(file.text().unwrap(), original, "{name}");
        assert_eq!(file.names(), ["settings"], "{name}: the backup is used up");
        assert!(!Change::uninstall(&placed).unwrap().is_change(), "{name}");
    }
}

#[test]
fn without_the_backup_the_server_goes_and_nothing_else() {
    for (name, tool, form) in FIXTURES {
        let original = fixture(name);
        let registration = registration(*tool, *form);
        let installed = registration.install(Some(&original)).unwrap();
        let left = registration.uninstall(&installed).unwrap().text;
        assert!(!left.contains("spacesctl"), "{name}: {left}");
        let lines = |text: &str| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        if original.lines().count() > 2 {
            assert_eq!(lines(&left), lines(&original), "{name}");
        }
    }
}

#[test]
fn each_tool_has_the_server_in_its_own_form() {
    let text = |tool, form| registration(tool, form).install(None).unwrap();
    let parsed = |tool, form| -> Value { serde_json::from_str(&text(tool, form)).unwrap() };
    assert_eq!(
        parsed(Tool::ClaudeCode, Form::Servers),
        json!({"mcpServers": {"spaces": {
            "type": "stdio", "command": PROGRAM, "args": ["mcp", "--tool", "claude-code"]}}})
    );
    assert_eq!(
        parsed(Tool::Cursor, Form::Servers),
        json!({"mcpServers": {"spaces": {
            "command": PROGRAM, "args": ["mcp", "--tool", "cursor"]}}})
    );
    assert_eq!(
        parsed(Tool::Opencode, Form::Opencode),
        json!({"mcp": {"spaces": {
            "type": "local", "command": [PROGRAM, "mcp", "--tool", "opencode"]}}})
    );
    let codex: toml::Table = text(Tool::Codex, Form::Toml).parse().unwrap();
    let server = &codex["mcp_servers"]["spaces"];
    assert_eq!(server["command"].as_str(), Some(PROGRAM));
    assert_eq!(server["args"][2].as_str(), Some("codex"));
}

#[test]
fn variables_that_say_where_the_files_are_go_along() {
    let mut registration = registration(Tool::Codex, Form::Toml);
    registration.variables = vec![("SPACES_SOCKET", "/r/a \"b\".sock".to_owned())];
    let installed = registration.install(None).unwrap();
    let parsed: toml::Table = installed.parse().unwrap();
    assert_eq!(
        parsed["mcp_servers"]["spaces"]["env"]["SPACES_SOCKET"].as_str(),
        Some("/r/a \"b\".sock")
    );
    assert_eq!(registration.install(Some(&installed)).unwrap(), installed);
    registration.form = Form::Opencode;
    let parsed: Value = serde_json::from_str(&registration.install(None).unwrap()).unwrap();
    assert_eq!(
        parsed["mcp"]["spaces"]["environment"]["SPACES_SOCKET"],
        "/r/a \"b\".sock"
    );
}

#[test]
fn an_older_registration_is_changed_in_place_and_keeps_what_a_person_added() {
    let old = "{\n  \"mcpServers\": {\n    \"spaces\": {\n      // mine\n      \"timeout\": 5000,\n      \"command\": \"/old/spacesctl\",\n      \"args\": [\"mcp\"]\n    }\n  }\n}\n";
    let new = registration(Tool::Gemini, Form::Servers)
        .install(Some(old))
        .unwrap();
    assert_eq!(
        new,
        old.replace("/old/spacesctl", PROGRAM)
            .replace("[\"mcp\"]", "[\"mcp\", \"--tool\", \"gemini\"]")
    );
    let old = "[mcp_servers.spaces]\ncommand = '/old/spacesctl' # here\nargs = [\"mcp\"]\nstartup_timeout_sec = 3\n";
    let new = registration(Tool::Codex, Form::Toml)
        .install(Some(old))
        .unwrap();
    assert!(
        new.contains("startup_timeout_sec = 3\n") && !new.contains("/old/"),
        "{new}"
    );
}

#[test]
fn a_server_of_that_name_that_is_not_ours_is_left_alone() {
    for (tool, form, text) in [
        (
            Tool::Cursor,
            Form::Servers,
            "{\"mcpServers\": {\"spaces\": {\"command\": \"npx\", \"args\": [\"spaces\"]}}}",
        ),
        (
            Tool::Opencode,
            Form::Opencode,
            "{\"mcp\": {\"spaces\": {\"type\": \"remote\", \"url\": \"https://x\"}}}",
        ),
        (
            Tool::Codex,
            Form::Toml,
            "[mcp_servers.spaces]\nurl = \"https://x\"\n",
        ),
        (Tool::Cursor, Form::Servers, "{\"mcpServers\": []}"),
        (
            Tool::Cursor,
            Form::Servers,
            "{\"mcpServers\": {\"spaces\": 1}}",
        ),
        (Tool::Codex, Form::Toml, "mcp_servers = 1\n"),
        (Tool::Codex, Form::Toml, "x = "),
    ] {
        let file = File::new(Some(text));
        let placed = file.placed(registration(tool, form));
        let error = Change::install(&placed).unwrap_err();
        assert!(format!("{error:#}").contains("left as it is"), "{error:#}");
        if text != "x = " {
            assert!(!Change::uninstall(&placed).unwrap().is_change(), "{text}");
        }
        assert_eq!(file.text().unwrap(), text);
    }
}

#[test]
fn what_codex_writes_afterwards_stays() {
    let original = fixture("codex.toml");
    let file = File::new(Some(&original));
    let placed = file.placed(registration(Tool::Codex, Form::Toml));
    install(&placed);
    // As Codex notes down that a project is trusted.
    let mut settings: toml_edit::DocumentMut = file.text().unwrap().parse().unwrap();
    settings["projects"]["/home/alice/app"]["trust_level"] = toml_edit::value("trusted");
    fs::write(&placed.path, settings.to_string()).unwrap();
    uninstall(&placed);
    let left: toml::Table = file.text().unwrap().parse().unwrap();
    assert_eq!(
        left["projects"]["/home/alice/app"]["trust_level"].as_str(),
        Some("trusted")
    );
    assert!(left["mcp_servers"].get("spaces").is_none());
    assert_eq!(
        left["mcp_servers"]["docs"]["command"].as_str(),
        Some("docs-mcp")
    );
}

#[test]
fn hooks_and_server_in_one_file_go_in_any_order() {
    let hooks = |tool, kind| Hooks {
        kind,
        tool,
        program: PROGRAM.to_owned(),
    };
    for (name, tool, form, kind) in [
        ("gemini.json", Tool::Gemini, Form::Servers, Kind::Json),
        ("codex.toml", Tool::Codex, Form::Toml, Kind::Toml),
        ("", Tool::Gemini, Form::Servers, Kind::Json),
    ] {
        for hooks_first_in in [true, false] {
            for hooks_first_out in [true, false] {
                let original = (!name.is_empty()).then(|| fixture(name));
                let file = File::new(original.as_deref());
                let server = file.placed(registration(tool, form));
                let hooks = file.placed(hooks(tool, kind));
                let mut both = [&hooks, &server];
                both.sort_by_key(|placed| std::ptr::eq(*placed, &hooks) != hooks_first_in);
                both.into_iter().for_each(install);
                both.sort_by_key(|placed| std::ptr::eq(*placed, &hooks) != hooks_first_out);
                both.into_iter().for_each(uninstall);
                let how = format!("{name}, hooks first in {hooks_first_in} out {hooks_first_out}");
                assert_eq!(file.text(), original, "{how}");
                let left: &[&str] = if original.is_some() {
                    &["settings"]
                } else {
                    &[]
                };
                assert_eq!(file.names(), left, "{how}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_settings_are_whole_after_in_and_out(
        others in prop::collection::btree_map("[a-z]{1,8}", "[ -~äß]{0,12}", 0..5),
        servers in prop::option::of(prop::collection::btree_map("[a-z]{1,5}", "[ -~]{0,8}", 0..3)),
        pretty in any::<bool>(),
    ) {
        let mut settings = serde_json::to_value(&others).unwrap();
        if let Some(servers) = servers {
            settings["mcpServers"] = servers
                .into_iter()
                .map(|(name, command)| (name, json!({"command": command})))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        let text = if pretty {
            serde_json::to_string_pretty(&settings)
        } else {
            serde_json::to_string(&settings)
        }
        .unwrap();
        let file = File::new(Some(&text));
        let placed = file.placed(registration(Tool::Cursor, Form::Servers));
        install(&placed);
        prop_assert!(!Change::install(&placed).unwrap().is_change());
        uninstall(&placed);
        prop_assert_eq!(file.text().unwrap(), text);
    }
}
