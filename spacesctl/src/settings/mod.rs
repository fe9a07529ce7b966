//! Settings of other programs: what we keep in their files is put in and taken
//! out again, and everything else stays as it was.

mod change;
pub mod json;
mod place;
mod program;

use std::path::PathBuf;

use anyhow::Result;

use crate::output::Out;
pub use change::{Change, Removal};
pub use place::{Scope, base, project, xdg_config};
pub use program::{program, quoted};

/// What we keep in a settings file.
pub trait Entry {
    /// Which sort of entry it is: a file may hold one of each.
    fn sort(&self) -> Sort;

    /// The text with it; the same text if it is in already.
    ///
    /// # Errors
    /// The text is not what the tool expects, or has something of others in its place.
    fn install(&self, before: Option<&str>) -> Result<String>;

    /// The text without it; the same text if it is not in.
    ///
    /// # Errors
    /// The text is not what the tool expects.
    fn uninstall(&self, before: &str) -> Result<Removal>;
}

/// The sorts of entries, each with a backup of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Hooks,
    Mcp,
}

impl Sort {
    const ALL: [Self; 2] = [Self::Hooks, Self::Mcp];

    /// Ends the name of the backup beside the file: `settings.json.before-spaces`.
    const fn backup_suffix(self) -> &'static str {
        match self {
            Self::Hooks => ".before-spaces",
            Self::Mcp => ".before-spaces-mcp",
        }
    }
}

/// An entry and the file it belongs into.
pub struct Placed {
    pub path: PathBuf,
    /// Must be executable (git's hooks).
    pub executable: bool,
    pub entry: Box<dyn Entry>,
}

impl Placed {
    /// An entry of an ordinary settings file.
    pub fn new(path: PathBuf, entry: impl Entry + 'static) -> Self {
        Self {
            path,
            executable: false,
            entry: Box::new(entry),
        }
    }
}

/// What has to change so that the entries are in.
///
/// # Errors
/// A file can't be read, or is not what its tool expects.
pub fn install(placed: &[Placed]) -> Result<Vec<Change>> {
    changes(placed, Change::install)
}

/// What has to change so that they are out.
///
/// # Errors
/// As [`install`].
pub fn uninstall(placed: &[Placed]) -> Result<Vec<Change>> {
    changes(placed, Change::uninstall)
}

fn changes(placed: &[Placed], plan: fn(&Placed) -> Result<Change>) -> Result<Vec<Change>> {
    placed
        .iter()
        .map(plan)
        .filter(|change| change.as_ref().map_or(true, Change::is_change))
        .collect()
}

/// Does the changes, or with `dry_run` shows them.
///
/// # Errors
/// A file can't be written: it is then as it was.
pub fn carry_out(out: &mut Out, changes: &[Change], dry_run: bool) -> Result<()> {
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

/// How the entries of one tool are installed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Installed {
    pub tool: &'static str,
    pub file: PathBuf,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum State {
    /// All of it, as this version would install it.
    Installed,
    /// Some is missing or calls another program: install again.
    Outdated,
    Absent,
    /// The settings can't be read.
    Unreadable(String),
}

/// How the entries of a tool are installed, without changing anything. `None`
/// for a tool that has no files.
pub fn look(tool: &'static str, placed: &[Placed]) -> Option<Installed> {
    let file = placed.first()?.path.clone();
    let state = look_at(placed).unwrap_or_else(|error| State::Unreadable(format!("{error:#}")));
    Some(Installed { tool, file, state })
}

fn look_at(placed: &[Placed]) -> Result<State> {
    if uninstall(placed)?.is_empty() {
        return Ok(State::Absent);
    }
    Ok(if install(placed)?.is_empty() {
        State::Installed
    } else {
        State::Outdated
    })
}

/// Shows how entries are installed; `what` names them in JSON.
pub fn show(out: &mut Out, what: &str, found: &[Installed]) {
    if out.is_json() {
        out.json_text(&serde_json::json!({ what: found }).to_string());
        return;
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
}
