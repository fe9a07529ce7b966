//! What is to be done, as steps that can be shown or taken.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use spaces_api::ErrorKind;
use spaces_client::Paths;

use super::Unit;
use crate::failure::Failure;

/// Where program and files of a service are.
#[derive(Clone, Debug)]
pub struct Places {
    pub program: PathBuf,
    pub home: PathBuf,
    pub config_dir: PathBuf,
    pub paths: Paths,
    /// Those of [`VARIABLES`] that are set now, for the service to have too.
    pub environment: Vec<(String, String)>,
}

/// What the daemon reads from its environment.
const VARIABLES: &[&str] = &[
    "SPACES_CONFIG",
    "SPACES_STATE_DIR",
    "SPACES_CACHE_DIR",
    "SPACES_SOCKET",
    "SPACES_HUB_BIN",
    // Without these an authority of one's own is not known.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

impl Places {
    /// The places of this machine.
    ///
    /// # Errors
    /// The program is not installed.
    pub fn find(unit: Unit, paths: &Paths) -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let beside = own
            .canonicalize()
            .unwrap_or(own)
            .with_file_name(unit.program());
        let on_path = || {
            std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
                .map(|dir| dir.join(unit.program()))
                .find(|program| program.is_absolute() && program.is_file())
        };
        let program = Some(beside.clone())
            .filter(|program| program.is_file())
            .or_else(on_path)
            .ok_or_else(|| {
                Failure::new(
                    ErrorKind::NotFound,
                    format!("there is no {} or one on PATH", beside.display()),
                )
                .hint("install it beside spacesctl (`make install`)")
            })?;
        Ok(Self {
            program,
            home: super::home()?,
            config_dir: super::config_dir()?,
            paths: paths.clone(),
            environment: VARIABLES
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        })
    }
}

#[derive(Debug, Default)]
pub struct Plan(pub Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A directory that is its owner's alone.
    Directory(PathBuf),
    /// A file with this text.
    Write(PathBuf, String),
    Remove(PathBuf),
    /// A program that must succeed.
    Run(Vec<String>),
    /// A program that may fail: there may be nothing to undo.
    Try(Vec<String>),
    /// A program whose output is what was asked for.
    Show(Vec<String>),
}

impl Plan {
    /// The steps in words, files in full.
    pub fn describe(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|step| match step {
                Step::Directory(path) => format!("make the directory {}", path.display()),
                Step::Write(path, text) if holds(path, text) => {
                    format!("keep {} as it is", path.display())
                }
                Step::Write(path, text) => format!("write {}:\n{}", path.display(), indented(text)),
                Step::Remove(path) => format!("remove {}", path.display()),
                Step::Run(words) | Step::Show(words) => format!("run {}", words.join(" ")),
                Step::Try(words) => format!("run {} (may fail)", words.join(" ")),
            })
            .collect()
    }

    /// Takes the steps in order; says what was changed.
    ///
    /// # Errors
    /// The first step that fails.
    pub fn carry_out(&self) -> Result<Vec<String>, Failure> {
        let mut done = Vec::new();
        for step in &self.0 {
            done.extend(step.take()?);
        }
        Ok(done)
    }
}

impl Step {
    fn take(&self) -> Result<Option<String>, Failure> {
        match self {
            Self::Directory(path) => {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(path)?;
                Ok(None)
            }
            Self::Write(path, text) => {
                if holds(path, text) {
                    return Ok(None);
                }
                write(path, text).map_err(|error| at(path, "write", &error))?;
                Ok(Some(format!("{}: written", path.display())))
            }
            Self::Remove(path) => match fs::remove_file(path) {
                Ok(()) => Ok(Some(format!("{}: removed", path.display()))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(at(path, "remove", &error)),
            },
            Self::Run(words) => {
                let output = command(words)
                    .output()
                    .map_err(|error| no_manager(words, &error))?;
                if !output.status.success() {
                    let said = String::from_utf8_lossy(&output.stderr);
                    return Err(refused(words, said.trim()));
                }
                Ok(Some(format!("{}: done", words.join(" "))))
            }
            Self::Try(words) => {
                let output = command(words)
                    .output()
                    .map_err(|error| no_manager(words, &error))?;
                Ok(output
                    .status
                    .success()
                    .then(|| format!("{}: done", words.join(" "))))
            }
            Self::Show(words) => {
                let mut shown = command(words);
                shown.stdout(Stdio::inherit()).stderr(Stdio::inherit());
                // The code is the manager's way to say `stopped`: no failure of ours.
                shown.status().map_err(|error| no_manager(words, &error))?;
                Ok(None)
            }
        }
    }
}

fn command(words: &[String]) -> Command {
    let mut command = Command::new(words.first().map_or("true", String::as_str));
    command.args(words.iter().skip(1)).stdin(Stdio::null());
    command
}

fn holds(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|there| there == text)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::File::create(&fresh)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(fs::Permissions::from_mode(0o644)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // The error of the writing is the one to tell.
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn at(path: &Path, verb: &str, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Internal,
    };
    Failure::new(kind, format!("cannot {verb} {}: {error}", path.display()))
}

fn no_manager(words: &[String], error: &io::Error) -> Failure {
    let program = words.first().map_or("", String::as_str);
    Failure::new(
        ErrorKind::NotFound,
        format!("cannot run {program}: {error}"),
    )
    .hint("there is no service manager here; `spacesctl up` starts the daemon without one")
}

fn refused(words: &[String], said: &str) -> Failure {
    Failure::new(
        ErrorKind::Rejected,
        format!("`{}` failed: {said}", words.join(" ")),
    )
    .hint("`spacesctl service logs` may say more; `spacesctl up` starts the daemon without a service manager")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
