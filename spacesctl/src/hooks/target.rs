//! Where each tool keeps its hooks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{json, marked, opencode};
use crate::hook::Tool;
use crate::settings::{Entry, Placed, Removal, Scope, Sort, base, program, project, xdg_config};

/// The hooks of a tool in one of its files.
#[derive(Debug)]
pub struct Hooks {
    pub kind: Kind,
    pub tool: Tool,
    pub program: String,
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

impl Entry for Hooks {
    fn sort(&self) -> Sort {
        Sort::Hooks
    }

    fn install(&self, before: Option<&str>) -> Result<String> {
        let (tool, program) = (self.tool, self.program.as_str());
        match self.kind {
            Kind::Json => json::install(before, tool, program),
            Kind::Toml => marked::install_toml(before.unwrap_or_default(), tool, program),
            Kind::Script(event) => marked::install_script(before, event, program),
            Kind::Plugin => opencode::install(before, program),
        }
    }

    fn uninstall(&self, before: &str) -> Result<Removal> {
        Ok(match self.kind {
            Kind::Json => json::uninstall(before, self.tool)?,
            Kind::Toml => marked::uninstall_toml(before, self.tool),
            Kind::Script(_) => marked::uninstall_script(before),
            Kind::Plugin => opencode::uninstall(before),
        })
    }
}

/// The hooks of a tool and their files, seen from the directory `here`.
///
/// # Errors
/// No home directory, or not in a repository where one is needed.
pub fn find(tool: Tool, scope: Scope, here: &Path) -> Result<Vec<Placed>> {
    let base = |variable, dir| base(scope, here, variable, dir);
    let program = program(scope)?;
    let placed = |path: PathBuf, kind| {
        Placed::new(
            path,
            Hooks {
                kind,
                tool,
                program: program.clone(),
            },
        )
    };
    Ok(match tool {
        Tool::ClaudeCode => {
            let dir = base(Some("CLAUDE_CONFIG_DIR"), ".claude")?;
            vec![placed(dir.join("settings.json"), Kind::Json)]
        }
        Tool::Codex => {
            let (path, kind) = codex(&base(Some("CODEX_HOME"), ".codex")?);
            vec![placed(path, kind)]
        }
        Tool::Gemini => {
            let dir = base(None, ".gemini")?;
            vec![placed(dir.join("settings.json"), Kind::Json)]
        }
        Tool::Cursor => {
            let dir = base(None, ".cursor")?;
            vec![placed(dir.join("hooks.json"), Kind::Json)]
        }
        Tool::Opencode => {
            let dir = match scope {
                Scope::Project => project(here).join(".opencode"),
                Scope::User => xdg_config()?.join("opencode"),
            };
            vec![placed(dir.join("plugins/spaces.js"), Kind::Plugin)]
        }
        Tool::Git => {
            let dir = git_hooks(here)?;
            let script = |name| Placed {
                executable: true,
                ..placed(dir.join(name), Kind::Script(name))
            };
            vec![script("post-commit"), script("post-checkout")]
        }
        Tool::Generic => bail!(
            "`generic` stands for tools whose settings Spaces does not know: call hooks/spaces-session-hook.sh from them"
        ),
    })
}

/// What the person has to do after an install.
pub fn advice(tool: Tool) -> Option<&'static str> {
    match tool {
        Tool::Codex => {
            Some("Codex asks once to trust new hooks: review them with /hooks in Codex.")
        }
        Tool::ClaudeCode => Some("Sessions that are open see the hooks after /hooks or a restart."),
        Tool::Opencode => Some("OpenCode loads the plugin at its next start."),
        _ => None,
    }
}

/// `hooks.json`, unless the person keeps hooks in `config.toml` and has no `hooks.json`.
fn codex(dir: &Path) -> (PathBuf, Kind) {
    let config = dir.join("config.toml");
    let hooks = dir.join("hooks.json");
    let in_config = !hooks.exists()
        && std::fs::read_to_string(&config).is_ok_and(|text| marked::has_toml_hooks(&text));
    if in_config {
        (config, Kind::Toml)
    } else {
        (hooks, Kind::Json)
    }
}

/// The directory of the hooks of the repository around `here`, where
/// `core.hooksPath` says it is.
fn git_hooks(here: &Path) -> Result<PathBuf> {
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
    Ok(here.join(dir.trim_end_matches('\n')))
}
