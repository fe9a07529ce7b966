//! The server is registered with the tools, and what they then start works.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use spaces_tests::{Cli, Daemon, binary, eventually, repository};

use crate::lines::Conversation;

fn run(cli: &Cli, words: &[&str]) -> String {
    let done = cli.run(words);
    assert_eq!(done.code, 0, "{words:?}: {}{}", done.out, done.err);
    done.out
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const TOOLS: [(&str, &str, &str); 5] = [
    ("claude-code", ".claude.json", ".mcp.json"),
    ("codex", ".codex/config.toml", ".codex/config.toml"),
    ("gemini", ".gemini/settings.json", ".gemini/settings.json"),
    ("cursor", ".cursor/mcp.json", ".cursor/mcp.json"),
    ("opencode", "config/opencode/opencode.json", "opencode.json"),
];

#[test]
fn each_tool_has_it_in_its_own_file_and_is_as_before_afterwards() {
    let machine = Daemon::machine();
    let app = repository(machine.home());
    let cli = machine.cli().within(&app);
    for (tool, user, project) in TOOLS {
        for (flag, file) in [
            (None, machine.home().join(user)),
            (Some("--project"), app.join(project)),
        ] {
            let words = |verb: &'static str| {
                let mut words = vec!["mcp", verb, tool];
                words.extend(flag);
                words
            };
            let before = match tool {
                "codex" => "model = \"m\" # mine\n",
                _ => "{\n  // mine\n  \"a\": 1\n}\n",
            };
            fs::create_dir_all(file.parent().expect("a directory")).expect("the home is ours");
            fs::write(&file, before).expect("the home is ours");
            let mut dry = words("install");
            dry.push("--dry-run");
            assert!(
                run(&cli, &dry).contains("\n+"),
                "{tool}: a difference is shown"
            );
            assert_eq!(read(&file), before, "{tool}: and nothing else happens");
            run(&cli, &words("install"));
            let installed = read(&file);
            assert!(
                installed.contains("mine") && installed.contains("--tool"),
                "{installed}"
            );
            let named = flag.is_some();
            let path = binary("spacesctl");
            let path = path.to_str().expect("a path of text");
            assert_eq!(installed.contains(path), !named, "{tool}: {installed}");
            assert!(run(&cli, &words("install")).contains("already"), "{tool}");
            assert_eq!(read(&file), installed, "{tool}");
            let status = run(&cli, &words("status"));
            assert!(status.contains(" installed "), "{status}");
            run(&cli, &words("uninstall"));
            assert_eq!(read(&file), before, "{tool}");
            let status = run(&cli, &words("status"));
            assert!(status.contains("not installed"), "{status}");
            assert!(
                run(&cli, &words("uninstall")).contains("not registered"),
                "{tool}"
            );
            fs::remove_file(&file).expect("it is ours");
            run(&cli, &words("install"));
            run(&cli, &words("uninstall"));
            assert!(!file.exists(), "{tool}: a file of ours alone goes");
        }
    }
    let refused = cli.run(&["mcp", "install", "git"]);
    assert_eq!(refused.code, 6, "{}", refused.err);
    let status: Value =
        serde_json::from_str(&run(&cli, &["mcp", "status", "--json"])).expect("JSON");
    assert_eq!(status["servers"].as_array().expect("all tools").len(), 5);
}

/// A tool that hands on nothing of its environment but the home starts what was
/// registered, and it finds the daemon.
#[test]
fn what_was_registered_finds_the_daemon_in_an_empty_environment() {
    let daemon = Daemon::local();
    let app = repository(daemon.home());
    let cli = daemon.cli().within(&app);
    run(&cli, &["mcp", "install", "cursor"]);
    let settings: Value = serde_json::from_str(&read(&daemon.home().join(".cursor/mcp.json")))
        .expect("the settings are JSON");
    let server = &settings["mcpServers"]["spaces"];
    let variables: Vec<_> = server["env"]
        .as_object()
        .expect("the variables of this user")
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a text")))
        .collect();
    let mut command = std::process::Command::new(server["command"].as_str().expect("a program"));
    let arguments = server["args"].as_array().expect("arguments").iter();
    command
        .env_clear()
        .env("HOME", daemon.home())
        .envs(variables)
        .env("WORKSPACE_FOLDER_PATHS", &app)
        .args(arguments.map(|argument| argument.as_str().expect("a text")))
        .current_dir("/");
    let mut server = Conversation::spawn(&mut command);
    server.initialize("cursor-vscode");
    let sent = server.tool(
        "send_message",
        json!({"channel": "#general", "content": "found"}),
    );
    assert!(sent.contains("\"sent\""), "{sent}");
    let message = eventually("the message is there", || {
        let posted = daemon.call("message.list", json!({"channel": "#general"}));
        let messages = posted["messages"].as_array().expect("messages");
        messages.last().cloned()
    });
    assert_eq!(
        message["context"]["repo"], "github.com/acme/app",
        "{message}"
    );
}
