//! `spacesctl hooks install|uninstall|status`: puts our hooks into the tools' own
//! settings and takes them out again, leaving everything else as it was.

mod change;
mod command;
mod json;
mod marked;
mod opencode;
mod target;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use spaces_api::ErrorKind;

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::hook::Tool;
use crate::output::Out;
use change::Change;
pub use target::{Scope, Target};

/// Put the hooks into the settings of agent tools, and take them out
///
/// Only our own entries are touched: other hooks, comments and the form of the
/// file stay. A backup is kept beside the file until the hooks are taken out.
#[derive(Args, Debug)]
pub struct HooksArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put the hooks into a tool's settings; doing it again changes nothing
    #[command(after_help = "\
Examples:
  spacesctl hooks install claude-code
  spacesctl hooks install codex --dry-run
  spacesctl hooks install git                  in the repository you are in")]
    Install(Where),
    /// Take the hooks out; the settings are as they were before
    #[command(after_help = "\
Examples:
  spacesctl hooks uninstall claude-code
  spacesctl hooks uninstall gemini --project")]
    Uninstall(Where),
    /// Show which tools have the hooks
    #[command(after_help = "\
Examples:
  spacesctl hooks status
  spacesctl hooks status cursor --project")]
    Status {
        /// One tool; all of them if left out
        tool: Option<Tool>,
        /// Look at the settings of the project you are in
        #[arg(long)]
        project: bool,
    },
}

#[derive(Args, Debug)]
struct Where {
    /// The agent tool
    tool: Tool,
    /// The settings of the project you are in, which may be shared with others,
    /// instead of your own
    #[arg(long)]
    project: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl HooksArgs {
    /// Installs, removes or shows hooks.
    ///
    /// # Errors
    /// A settings file that can't be read, understood or written: it is left as it is.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        self.act(&mut ctl.out)
            .map_err(|error| Failure::new(ErrorKind::Conflict, format!("{error:#}")))?;
        ctl.out.flush()
    }

    fn act(self, out: &mut Out) -> Result<()> {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        match self.command {
            Command::Install(place) => {
                let scope = Scope::new(place.project);
                let target = Target::find(place.tool, scope, &here)?;
                let changes = install(&target, &command::program(scope)?)?;
                finish(out, &changes, place.dry_run)?;
                if changes.is_empty() && !out.is_json() {
                    out.line("the hooks are installed already");
                } else if !place.dry_run
                    && !out.is_json()
                    && let Some(advice) = target.advice()
                {
                    out.line(advice);
                }
                Ok(())
            }
            Command::Uninstall(place) => {
                let scope = Scope::new(place.project);
                let target = Target::find(place.tool, scope, &here)?;
                let changes = uninstall(&target, &command::program(scope)?)?;
                finish(out, &changes, place.dry_run)?;
                if changes.is_empty() && !out.is_json() {
                    out.line("there are no hooks of Spaces");
                }
                Ok(())
            }
            Command::Status { tool, project } => status(out, tool, Scope::new(project), &here),
        }
    }
}

/// What has to change so that the hooks are in.
fn install(target: &Target, program: &str) -> Result<Vec<Change>> {
    target
        .files()
        .iter()
        .map(|file| {
            Change::plan(file, |before| {
                file.kind.install(before, target.tool(), program)
            })
        })
        .filter(|change| change.as_ref().map_or(true, Change::is_change))
        .collect()
}

/// What has to change so that they are out.
fn uninstall(target: &Target, program: &str) -> Result<Vec<Change>> {
    let tool = target.tool();
    target
        .files()
        .iter()
        .map(|file| {
            Change::plan_removal(
                file,
                |before| file.kind.uninstall(before, tool),
                |before| file.kind.install(Some(before), tool, program),
            )
        })
        .filter(|change| change.as_ref().map_or(true, Change::is_change))
        .collect()
}

fn finish(out: &mut Out, changes: &[Change], dry_run: bool) -> Result<()> {
    let mut told = Vec::new();
    for change in changes {
        told.push(if dry_run {
            change.diff()
        } else {
            change.apply()?
        });
    }
    if out.is_json() {
        let what = if dry_run { "would_change" } else { "changed" };
        out.json_text(&serde_json::json!({ what: told }).to_string());
    } else {
        for text in told {
            out.line(text.trim_end());
        }
    }
    Ok(())
}

/// How the hooks of one tool are installed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Installed {
    pub tool: &'static str,
    pub file: PathBuf,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum State {
    /// All hooks, as this version would install them.
    Installed,
    /// Some are missing or call another program: install again.
    Outdated,
    Absent,
    /// The settings can't be read.
    Unreadable(String),
}

/// How the hooks of a tool are installed, without changing anything. `None`
/// where the tool has no settings and no hooks.
pub fn look(tool: Tool, scope: Scope, here: &Path) -> Option<Installed> {
    let target = Target::find(tool, scope, here).ok()?;
    let file = target.files().first()?.path.clone();
    let state =
        look_at(&target, scope).unwrap_or_else(|error| State::Unreadable(format!("{error:#}")));
    Some(Installed {
        tool: tool.as_str(),
        file,
        state,
    })
}

fn look_at(target: &Target, scope: Scope) -> Result<State> {
    let program = command::program(scope)?;
    if uninstall(target, &program)?.is_empty() {
        return Ok(State::Absent);
    }
    Ok(if install(target, &program)?.is_empty() {
        State::Installed
    } else {
        State::Outdated
    })
}

/// The tools that can have hooks of ours.
pub const TOOLS: [Tool; 6] = [
    Tool::ClaudeCode,
    Tool::Codex,
    Tool::Gemini,
    Tool::Cursor,
    Tool::Opencode,
    Tool::Git,
];

fn status(out: &mut Out, tool: Option<Tool>, scope: Scope, here: &Path) -> Result<()> {
    let tools = tool.map_or_else(|| TOOLS.to_vec(), |tool| vec![tool]);
    let found: Vec<_> = tools
        .into_iter()
        .filter_map(|tool| look(tool, scope, here))
        .collect();
    if out.is_json() {
        out.json_text(&serde_json::json!({ "hooks": found }).to_string());
        return Ok(());
    }
    for installed in found {
        let state = match &installed.state {
            State::Installed => "installed".to_owned(),
            State::Outdated => "outdated: install again".to_owned(),
            State::Absent => "not installed".to_owned(),
            State::Unreadable(why) => format!("unreadable: {why}"),
        };
        out.line(format_args!(
            "{:<12} {state}  ({})",
            installed.tool,
            installed.file.display()
        ));
    }
    Ok(())
}
