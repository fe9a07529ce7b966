//! Where tools keep their settings.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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

/// A tool's directory: `dir` in the project around `here`, or in the home
/// directory, unless the tool's own variable says another place.
///
/// # Errors
/// The home directory is not known.
pub fn base(scope: Scope, here: &Path, variable: Option<&str>, dir: &str) -> Result<PathBuf> {
    if scope == Scope::Project {
        return Ok(project(here).join(dir));
    }
    let set = variable
        .and_then(std::env::var_os)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    match set {
        Some(path) => Ok(path),
        None => Ok(home()?.join(dir)),
    }
}

/// The root of the repository around `here`, or `here`.
pub fn project(here: &Path) -> PathBuf {
    here.ancestors()
        .find(|dir| dir.join(".git").exists())
        .unwrap_or(here)
        .to_owned()
}

/// `$XDG_CONFIG_HOME`, or `~/.config`.
///
/// # Errors
/// The home directory is not known.
pub fn xdg_config() -> Result<PathBuf> {
    match std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => Ok(dir),
        _ => Ok(home()?.join(".config")),
    }
}

fn home() -> Result<PathBuf> {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .context("cannot tell the home directory: set HOME")
}
