//! A change of one file: shown, or done in one step with a backup beside it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use similar::TextDiff;

use super::{Entry, Placed, Sort};

/// What one file is and what it is to be; `None` for no file.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    before: Option<String>,
    after: Option<String>,
    executable: bool,
    backup: Backup,
    /// Backups of other sorts of entries, without this sort: what they will
    /// give back must not bring it back.
    others: Vec<(PathBuf, Option<String>)>,
}

/// What becomes of the backup.
#[derive(Debug)]
enum Backup {
    Write(PathBuf),
    Keep(PathBuf),
    UseUp(PathBuf),
}

/// What is left of a file without our entry.
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
    /// A change that puts the entry in.
    ///
    /// # Errors
    /// The file can't be read, or the entry does not fit into it.
    pub fn install(placed: &Placed) -> Result<Self> {
        let Placed { path, entry, .. } = placed;
        let before = read(path)?;
        let after = entry
            .install(before.as_deref())
            .with_context(|| unchanged(path))?;
        let backup = backup(path, entry.sort());
        // A file that has our entry in it is no original: an install over an older
        // one leaves the backup alone.
        let is_original = match &before {
            Some(text) => entry.uninstall(text)?.text == *text,
            None => false,
        };
        Ok(Self {
            path: path.clone(),
            before,
            after: Some(after),
            executable: placed.executable,
            backup: match is_original {
                true => Backup::Write(backup),
                false => Backup::Keep(backup),
            },
            others: Vec::new(),
        })
    }

    /// A change that takes it out. If the file is what an install made of the
    /// backup, or differs from it by white space alone, it becomes the backup
    /// again, byte for byte. A file that we made goes when it is empty.
    ///
    /// # Errors
    /// The file can't be read, or is not what its tool expects.
    pub fn uninstall(placed: &Placed) -> Result<Self> {
        let Placed { path, entry, .. } = placed;
        let before = read(path)?;
        let own = backup(path, entry.sort());
        let original = read(&own)?;
        let without = |text: &str| {
            without(entry.as_ref(), text, original.as_deref()).with_context(|| unchanged(path))
        };
        let after = match before.as_deref() {
            Some(text) => without(text)?,
            None => None,
        };
        let mut others = Vec::new();
        for sort in Sort::ALL {
            let other = backup(path, sort);
            if sort != entry.sort()
                && let Some(text) = read(&other)?
            {
                let cleaned = without(&text)?;
                if cleaned.as_deref() != Some(text.as_str()) {
                    others.push((other, cleaned));
                }
            }
        }
        Ok(Self {
            path: path.clone(),
            before,
            after,
            executable: placed.executable,
            backup: Backup::UseUp(own),
            others,
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
        if let (Backup::Write(backup), Some(before)) = (&self.backup, &self.before) {
            write(backup, before, mode(&path))?;
        }
        match &self.after {
            Some(after) => {
                let mode = mode(&path).or(self.executable.then_some(0o755));
                write(&path, after, mode)?;
            }
            None => fs::remove_file(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?,
        }
        for (other, text) in &self.others {
            match text {
                Some(text) => write(other, text, mode(other))?,
                None => remove_if_there(other)?,
            }
        }
        if let Backup::UseUp(backup) = &self.backup {
            remove_if_there(backup)?;
        }
        let path = self.path.display();
        Ok(match (&self.before, &self.after, &self.backup) {
            (None, _, _) => format!("{path}: written"),
            (_, None, _) => format!("{path}: removed"),
            (_, _, Backup::Write(backup) | Backup::Keep(backup)) if backup.exists() => {
                format!("{path}: changed (as it was before: {})", backup.display())
            }
            (_, _, Backup::Write(_) | Backup::Keep(_)) => format!("{path}: changed"),
            (_, _, Backup::UseUp(_)) => format!("{path}: as it was before"),
        })
    }
}

/// The text without the entry, byte for byte as it was where that can be told;
/// `None` for a file of ours alone.
fn without(entry: &dyn Entry, text: &str, original: Option<&str>) -> Result<Option<String>> {
    let left = entry.uninstall(text)?;
    if left.text == text {
        return Ok(Some(left.text));
    }
    Ok(match original {
        Some(original)
            if same_but_for_space(&left.text, original)
                || entry
                    .install(Some(original))
                    .is_ok_and(|again| again == text) =>
        {
            Some(original.to_owned())
        }
        None if left.empty => None,
        _ => Some(left.text),
    })
}

/// Beside the file: `settings.json.before-spaces`.
fn backup(path: &Path, sort: Sort) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(sort.backup_suffix());
    name.into()
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
