//! Where each tool keeps its servers, and how ours stands there.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use spaces_client::Paths;

use super::{json, toml};
use crate::hook::Tool;
use crate::settings::{Entry, Placed, Removal, Scope, Sort, base, program, project, xdg_config};

/// The name of the server in the tools' settings.
pub const NAME: &str = "spaces";

/// The registration of the server with a tool.
#[derive(Debug)]
pub struct Registration {
    pub form: Form,
    pub tool: Tool,
    pub program: String,
    /// Variables that say where our files are. Tools hand few of their own to
    /// the servers that they start.
    pub variables: Vec<(&'static str, String)>,
}

/// How servers stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `mcpServers` in JSON, with or without comments.
    Servers,
    /// OpenCode's `mcp`.
    Opencode,
    /// `mcp_servers` in Codex's `config.toml`.
    Toml,
}

impl Registration {
    /// What stands behind the program's name.
    pub fn arguments(&self) -> [&'static str; 3] {
        ["mcp", "--tool", self.tool.as_str()]
    }
}

impl Entry for Registration {
    fn sort(&self) -> Sort {
        Sort::Mcp
    }

    fn install(&self, before: Option<&str>) -> Result<String> {
        match self.form {
            Form::Servers | Form::Opencode => json::install(before, self),
            Form::Toml => toml::install(before.unwrap_or_default(), self),
        }
    }

    fn uninstall(&self, before: &str) -> Result<Removal> {
        match self.form {
            Form::Servers | Form::Opencode => json::uninstall(before, self.form),
            Form::Toml => toml::uninstall(before),
        }
    }
}

/// Whether a registration calls our server, of this or another version.
pub fn is_ours(program: &str, first_argument: Option<&str>) -> bool {
    let name = Path::new(program).file_name();
    name.is_some_and(|name| name == "spacesctl") && first_argument == Some("mcp")
}

/// The registration with a tool and its file, seen from the directory `here`.
///
/// # Errors
/// No home directory, or a tool that has no servers.
pub fn find(tool: Tool, scope: Scope, here: &Path) -> Result<Placed> {
    let (path, form) = file(tool, scope, here)?;
    let registration = Registration {
        form,
        tool,
        program: program(scope)?,
        variables: match scope {
            Scope::User => Paths::variables(),
            Scope::Project => Vec::new(),
        },
    };
    Ok(Placed::new(path, registration))
}

fn file(tool: Tool, scope: Scope, here: &Path) -> Result<(PathBuf, Form)> {
    let base = |variable, dir| base(scope, here, variable, dir);
    Ok(match (tool, scope) {
        (Tool::ClaudeCode, Scope::Project) => (project(here).join(".mcp.json"), Form::Servers),
        (Tool::ClaudeCode, Scope::User) => {
            let dir = base(Some("CLAUDE_CONFIG_DIR"), "")?;
            (dir.join(".claude.json"), Form::Servers)
        }
        (Tool::Codex, _) => {
            let dir = base(Some("CODEX_HOME"), ".codex")?;
            (dir.join("config.toml"), Form::Toml)
        }
        (Tool::Gemini, _) => (base(None, ".gemini")?.join("settings.json"), Form::Servers),
        (Tool::Cursor, _) => (base(None, ".cursor")?.join("mcp.json"), Form::Servers),
        (Tool::Opencode, scope) => {
            let dir = match scope {
                Scope::Project => project(here),
                Scope::User => xdg_config()?.join("opencode"),
            };
            let commented = dir.join("opencode.jsonc");
            let path = match commented.exists() {
                true => commented,
                false => dir.join("opencode.json"),
            };
            (path, Form::Opencode)
        }
        (Tool::Git | Tool::Generic, _) => bail!(
            "Spaces does not know where `{}` keeps MCP servers: register the command \
             `spacesctl mcp` there yourself",
            tool.as_str()
        ),
    })
}

/// What the person has to do besides.
pub fn advice(tool: Tool, scope: Scope) -> &'static str {
    match (tool, scope) {
        (Tool::ClaudeCode, Scope::User) => "Claude Code has the tools at its next start: see /mcp.",
        (Tool::ClaudeCode, Scope::Project) => {
            "Claude Code asks once whether to use the project's server."
        }
        (Tool::Codex, Scope::User) => "Codex has the tools at its next start: see /mcp.",
        (Tool::Codex, Scope::Project) => {
            "Codex reads a project's servers only if it trusts the project."
        }
        (Tool::Cursor, _) => "Cursor asks whether to enable the server: Settings, MCP.",
        _ => "The tool has the server at its next start.",
    }
}
