//! `spacesctl mcp install|uninstall|status`: registers `spacesctl mcp` with
//! agent tools in their own settings, as hooks are: see [`crate::settings`].

mod json;
mod target;
#[cfg(test)]
mod tests;
mod toml;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use spaces_api::ErrorKind;

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::hook::Tool;
use crate::output::Out;
use crate::settings::{self, Scope};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register the server with an agent tool; doing it again changes nothing
    #[command(after_help = "\
Examples:
  spacesctl mcp install claude-code
  spacesctl mcp install codex --dry-run
  spacesctl mcp install cursor --project")]
    Install(Where),
    /// Take the registration out; the settings are as they were before
    #[command(after_help = "\
Examples:
  spacesctl mcp uninstall claude-code
  spacesctl mcp uninstall gemini --project")]
    Uninstall(Where),
    /// Show which tools have the server
    #[command(after_help = "\
Examples:
  spacesctl mcp status
  spacesctl mcp status opencode --project")]
    Status {
        /// One tool; all of them if left out
        tool: Option<Tool>,
        /// Look at the settings of the project you are in
        #[arg(long)]
        project: bool,
    },
}

#[derive(Args, Debug)]
pub struct Where {
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

/// The tools that can have the server.
const TOOLS: [Tool; 5] = [
    Tool::ClaudeCode,
    Tool::Codex,
    Tool::Gemini,
    Tool::Cursor,
    Tool::Opencode,
];

impl Command {
    /// Installs, removes or shows.
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
        match self {
            Self::Install(place) => {
                let scope = Scope::new(place.project);
                let changes = settings::install(&[target::find(place.tool, scope, &here)?])?;
                settings::carry_out(out, &changes, place.dry_run)?;
                if !out.is_json() {
                    if changes.is_empty() {
                        out.line("the server is registered already");
                    } else if !place.dry_run {
                        out.line(target::advice(place.tool, scope));
                    }
                }
            }
            Self::Uninstall(place) => {
                let scope = Scope::new(place.project);
                let changes = settings::uninstall(&[target::find(place.tool, scope, &here)?])?;
                settings::carry_out(out, &changes, place.dry_run)?;
                if changes.is_empty() && !out.is_json() {
                    out.line("the server is not registered");
                }
            }
            Self::Status { tool, project } => {
                let tools = tool.map_or_else(|| TOOLS.to_vec(), |tool| vec![tool]);
                let look = |tool: Tool| {
                    let placed = target::find(tool, Scope::new(project), &here).ok()?;
                    settings::look(tool.as_str(), &[placed])
                };
                let found: Vec<_> = tools.into_iter().filter_map(look).collect();
                settings::show(out, "servers", &found);
            }
        }
        Ok(())
    }
}
