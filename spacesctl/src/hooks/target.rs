//! Where each tool keeps its hooks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::change::Removal;
use super::{json, marked, opencode};
use crate::hook::Tool;

/// Whose settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    User,
    Project,
}

impl Scope {
    pub fn new(project: bool) -> Self {
        if project { Self::Project } else { Self::User }
    }
}

/// The files in which one tool's hooks stand.
#[derive(Debug)]
pub struct Target {
    tool: Tool,
    files: Vec<SettingsFile>,
}

#[derive(Debug)]
pub struct SettingsFile {
    pub path: PathBuf,
    pub kind: Kind,
    /// Must be executable (git's hooks).
    pub executable: bool,
}

/// How hooks stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JSON, perhaps with comments, with `hooks` in it.
    Json,
    /// Codex's `config.toml`.
    Toml,
    /// A shell script of git, for this event.
    Script(&'static str),
    /// A file that is wholly ours.
    Plugin,
}

impl Kind {
    /// The text with the hooks in it; the same text if they are in already.
    pub fn install(self, before: Option<&str>, tool: Tool, program: &str) -> Result<String> {
        match self {
            Self::Json => json::install(before, tool, program),
            Self::Toml => marked::install_toml(before.unwrap_or_default(), tool, program),
            Self::Script(event) => marked::install_script(before, event, program),
            Self::Plugin => opencode::install(before, program),
        }
    }

    /// The text without them.
    pub fn uninstall(self, before: &str, tool: Tool) -> Result<Removal> {
        Ok(match self {
            Self::Json => json::uninstall(before, tool)?,
            Self::Toml => marked::uninstall_toml(before),
            Self::Script(_) => marked::uninstall_script(before),
            Self::Plugin => opencode::uninstall(before),
        })
    }
}

impl Target {
    /// The files of a tool, seen from the directory `here`.
    ///
    /// # Errors
    /// No home directory, or not in a repository where one is needed.
    pub fn find(tool: Tool, scope: Scope, here: &Path) -> Result<Self> {
        let base = |variable: Option<&str>, dir: &str| -> Result<PathBuf> {
            match scope {
                Scope::Project => Ok(project(here).join(dir)),
                Scope::User => {
                    let set = variable
                        .and_then(std::env::var_os)
                        .map(PathBuf::from)
                        .filter(|path| path.is_absolute());
                    match set {
                        Some(path) => Ok(path),
                        None => Ok(home()?.join(dir)),
                    }
                }
            }
        };
        let files = match tool {
            Tool::ClaudeCode => vec![SettingsFile::json(
                base(Some("CLAUDE_CONFIG_DIR"), ".claude")?.join("settings.json"),
            )],
            Tool::Codex => vec![codex(&base(Some("CODEX_HOME"), ".codex")?)],
            Tool::Gemini => vec![SettingsFile::json(
                base(None, ".gemini")?.join("settings.json"),
            )],
            Tool::Cursor => vec![SettingsFile::json(
                base(None, ".cursor")?.join("hooks.json"),
            )],
            Tool::Opencode => vec![SettingsFile {
                path: match scope {
                    Scope::Project => project(here).join(".opencode"),
                    Scope::User => xdg_config()?.join("opencode"),
                }
                .join("plugins/spaces.js"),
                kind: Kind::Plugin,
                executable: false,
            }],
            Tool::Git => git(here)?,
            Tool::Generic => bail!(
                "`generic` stands for tools whose settings Spaces does not know: call hooks/spaces-session-hook.sh from them"
            ),
        };
        Ok(Self { tool, files })
    }

    pub fn tool(&self) -> Tool {
        self.tool
    }

    pub fn files(&self) -> &[SettingsFile] {
        &self.files
    }

    /// What the person has to do besides.
    pub fn advice(&self) -> Option<&'static str> {
        match self.tool {
            Tool::Codex => {
                Some("Codex asks once to trust new hooks: review them with /hooks in Codex.")
            }
            Tool::ClaudeCode => {
                Some("Sessions that are open see the hooks after /hooks or a restart.")
            }
            Tool::Opencode => Some("OpenCode loads the plugin at its next start."),
            _ => None,
        }
    }
}

impl SettingsFile {
    fn json(path: PathBuf) -> Self {
        Self {
            path,
            kind: Kind::Json,
            executable: false,
        }
    }
}

/// `hooks.json`, unless the person keeps hooks in `config.toml` and has no `hooks.json`.
fn codex(dir: &Path) -> SettingsFile {
    let config = dir.join("config.toml");
    let hooks = dir.join("hooks.json");
    let in_config = !hooks.exists()
        && std::fs::read_to_string(&config).is_ok_and(|text| marked::has_toml_hooks(&text));
    if in_config {
        return SettingsFile {
            path: config,
            kind: Kind::Toml,
            executable: false,
        };
    }
    SettingsFile::json(hooks)
}

/// The scripts of the repository around `here`, where `core.hooksPath` says they are.
fn git(here: &Path) -> Result<Vec<SettingsFile>> {
    let output = Command::new("git")
        .args(["rev-parse", "--git-path", "hooks"])
        .current_dir(here)
        .stdin(Stdio::null())
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        bail!("{} is not in a git repository", here.display());
    }
    let dir = String::from_utf8(output.stdout).context("git's hook directory is not UTF-8")?;
    let dir = here.join(dir.trim_end_matches('\n'));
    Ok(["post-commit", "post-checkout"]
        .map(|name| SettingsFile {
            path: dir.join(name),
            kind: Kind::Script(name),
            executable: true,
        })
        .into())
}

/// The root of the repository around `here`, or `here`.
fn project(here: &Path) -> PathBuf {
    here.ancestors()
        .find(|dir| dir.join(".git").exists())
        .unwrap_or(here)
        .to_owned()
}

fn home() -> Result<PathBuf> {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .context("cannot tell the home directory: set HOME")
}

fn xdg_config() -> Result<PathBuf> {
    match std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => Ok(dir),
        _ => Ok(home()?.join(".config")),
    }
}
