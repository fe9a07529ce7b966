//! `spacesctl hooks install|uninstall|status`: puts our hooks into the tools' own
//! settings and takes them out again, leaving everything else as it was.

mod command;
mod json;
mod marked;
mod opencode;
pub mod target;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use spaces_api::ErrorKind;

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::hook::Tool;
use crate::output::Out;
use crate::settings::{self, Installed, Scope};

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
                let placed = target::find(place.tool, Scope::new(place.project), &here)?;
                let changes = settings::install(&placed)?;
                settings::carry_out(out, &changes, place.dry_run)?;
                if changes.is_empty() && !out.is_json() {
                    out.line("the hooks are installed already");
                } else if !place.dry_run
                    && !out.is_json()
                    && let Some(advice) = target::advice(place.tool)
                {
                    out.line(advice);
                }
            }
            Command::Uninstall(place) => {
                let placed = target::find(place.tool, Scope::new(place.project), &here)?;
                let changes = settings::uninstall(&placed)?;
                settings::carry_out(out, &changes, place.dry_run)?;
                if changes.is_empty() && !out.is_json() {
                    out.line("there are no hooks of Spaces");
                }
            }
            Command::Status { tool, project } => {
                let tools = tool.map_or_else(|| TOOLS.to_vec(), |tool| vec![tool]);
                let found: Vec<_> = tools
                    .into_iter()
                    .filter_map(|tool| look(tool, Scope::new(project), &here))
                    .collect();
                settings::show(out, "hooks", &found);
            }
        }
        Ok(())
    }
}

/// How the hooks of a tool are installed, without changing anything. `None`
/// where the tool has no settings and no hooks.
pub fn look(tool: Tool, scope: Scope, here: &Path) -> Option<Installed> {
    settings::look(tool.as_str(), &target::find(tool, scope, here).ok()?)
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
