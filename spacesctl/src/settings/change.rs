//! A change of one file: shown, or done in one step with a backup beside it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use similar::TextDiff;

use super::target::SettingsFile;

/// What one file is and what it is to be; `None` for no file.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    before: Option<String>,
    after: Option<String>,
    executable: bool,
    /// The backup is written by this change, or used up by it.
    keeps_backup: bool,
}

/// What is left of a file without our hooks.
#[derive(Debug, PartialEq, Eq)]
pub struct Removal {
    pub text: String,
    /// Nothing that anyone but us may have put there.
    pub empty: bool,
}

impl Removal {
    /// Nothing of ours was there.
    pub fn none(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            empty: false,
        }
    }
}

impl Change {
    /// A change that puts something in.
    ///
    /// # Errors
    /// The file can't be read, or `edit` refuses it.
    pub fn plan(
        file: &SettingsFile,
        edit: impl FnOnce(Option<&str>) -> Result<String>,
    ) -> Result<Self> {
        let before = read(&file.path)?;
        let after = edit(before.as_deref()).with_context(|| unchanged(&file.path))?;
        Ok(Self {
            path: file.path.clone(),
            before,
            after: Some(after),
            executable: file.executable,
            keeps_backup: true,
        })
    }

    /// A change that takes it out. If the file is what an install made of the
    /// backup, or differs from it by white space alone, it becomes the backup
    /// again, byte for byte. A file that we made goes when it is empty.
    ///
    /// # Errors
    /// The file can't be read, or `edit` refuses it.
    pub fn plan_removal(
        file: &SettingsFile,
        edit: impl FnOnce(&str) -> Result<Removal>,
        install: impl FnOnce(&str) -> Result<String>,
    ) -> Result<Self> {
        let before = read(&file.path)?;
        let after = match before.as_deref() {
            None => None,
            Some(text) => {
                let left = edit(text).with_context(|| unchanged(&file.path))?;
                let backup = read(&backup(&file.path))?.filter(|_| left.text != text);
                match backup {
                    Some(backup)
                        if same_but_for_space(&left.text, &backup)
                            || install(&backup).is_ok_and(|again| again == text) =>
                    {
                        Some(backup)
                    }
                    None if left.empty => None,
                    _ => Some(left.text),
                }
            }
        };
        Ok(Self {
            path: file.path.clone(),
            before,
            after,
            executable: file.executable,
            keeps_backup: false,
        })
    }

    pub fn is_change(&self) -> bool {
        self.before != self.after
    }

    /// The difference as `diff -u` shows it.
    pub fn diff(&self) -> String {
        let name = |there: bool| match there {
            true => self.path.display().to_string(),
            false => "/dev/null".to_owned(),
        };
        TextDiff::from_lines(
            self.before.as_deref().unwrap_or_default(),
            self.after.as_deref().unwrap_or_default(),
        )
        .unified_diff()
        .header(&name(self.before.is_some()), &name(self.after.is_some()))
        .to_string()
    }

    /// Does it; says what was done.
    ///
    /// # Errors
    /// A file can't be written: it is then as it was.
    pub fn apply(&self) -> Result<String> {
        // A settings file is often a link into a collection of dotfiles.
        let path = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        let backup = backup(&self.path);
        match &self.after {
            Some(after) => {
                if self.keeps_backup
                    && let Some(before) = &self.before
                    && !already_kept(&backup, before)?
                {
                    write(&backup, before, mode(&path))?;
                }
                let mode = mode(&path).or(self.executable.then_some(0o755));
                write(&path, after, mode)?;
            }
            None => fs::remove_file(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?,
        }
        if !self.keeps_backup {
            remove_if_there(&backup)?;
        }
        Ok(match (&self.before, &self.after) {
            (None, _) => format!("{}: written", self.path.display()),
            (_, None) => format!("{}: removed", self.path.display()),
            _ if self.keeps_backup => format!(
                "{}: changed (as it was before: {})",
                self.path.display(),
                backup.display()
            ),
            _ => format!("{}: as it was before", self.path.display()),
        })
    }
}

/// Beside the file: `settings.json.before-spaces`.
fn backup(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".before-spaces");
    name.into()
}

/// An install over an older install must not replace the backup of the
/// original by a file that has our hooks in it.
fn already_kept(backup: &Path, before: &str) -> Result<bool> {
    Ok(backup.exists() && before.contains("spacesctl"))
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .with_context(|| format!("{} is not UTF-8; nothing was changed", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// As a whole or not at all, and on the disk.
fn write(path: &Path, text: &str, mode: Option<u32>) -> Result<()> {
    let attempt = || -> io::Result<()> {
        let dir = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(dir)?;
        let fresh = dir.join(format!(".spaces-{}.new", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.set_permissions(fs::Permissions::from_mode(mode.unwrap_or(0o644))))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&fresh, path));
        if written.is_err() {
            // The error of the writing is the one to tell.
            let _ = fs::remove_file(&fresh);
        }
        written
    };
    attempt().with_context(|| format!("cannot write {}", path.display()))
}

fn mode(path: &Path) -> Option<u32> {
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777)
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn same_but_for_space(one: &str, other: &str) -> bool {
    let dense = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
    };
    dense(one) == dense(other)
}

fn unchanged(path: &Path) -> String {
    format!("{} was left as it is", path.display())
}
