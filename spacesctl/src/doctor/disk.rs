//! What stands on this machine's disk: works without a daemon.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use spaces_api::ErrorKind;
use spaces_client::Paths;

use super::report::Check;
use crate::output::size;

/// Below this a warning, below the other a failure.
const LITTLE_SPACE: u64 = 1024 * 1024 * 1024;
const NO_SPACE: u64 = 64 * 1024 * 1024;

pub fn checks(paths: &Paths) -> Vec<Check> {
    vec![
        socket_directory(paths.socket_dir()),
        config(&paths.config_file),
        state(&paths.state_dir),
        space(&paths.state_dir),
        token(&paths.token_file()),
    ]
}

fn socket_directory(dir: &Path) -> Check {
    const NAME: &str = "socket directory";
    let shown = dir.display();
    let facts = match fs::symlink_metadata(dir) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Check::skipped(NAME, format!("{shown} is not there; the daemon makes it"));
        }
        Err(error) => {
            return Check::fail(
                NAME,
                ErrorKind::PermissionDenied,
                format!("{shown}: {error}"),
                "make its parent readable, or set SPACES_SOCKET to another place",
            );
        }
    };
    let own = rustix::process::geteuid().as_raw();
    let wrong = if facts.is_symlink() {
        "is a symbolic link".to_owned()
    } else if !facts.is_dir() {
        "is not a directory".to_owned()
    } else if facts.uid() != own {
        format!("belongs to user id {}", facts.uid())
    } else if facts.mode() & 0o077 != 0 {
        format!("is open to others (mode {:o})", facts.mode() & 0o7777)
    } else {
        return Check::ok(NAME, format!("{shown} is yours alone"));
    };
    Check::fail(
        NAME,
        ErrorKind::PermissionDenied,
        format!("{shown} {wrong}: the daemon refuses to use it"),
        format!("remove it if it is not yours to keep, or `chmod 700 {shown}`"),
    )
}

fn config(file: &Path) -> Check {
    const NAME: &str = "configuration";
    match crate::hook::config::load(file) {
        Ok(_) if !file.exists() => Check::ok(NAME, format!("no {}: all defaults", file.display())),
        Ok(_) => Check::ok(NAME, file.display().to_string()),
        Err(what) => Check::fail(
            NAME,
            ErrorKind::InvalidParams,
            what,
            "correct the file; `spacesd` says every mistake with its place",
        ),
    }
}

/// Writes a file, forces it to the disk, and takes it away again.
fn state(dir: &Path) -> Check {
    const NAME: &str = "state directory";
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    let attempt = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&probe)?;
        let written = file.write_all(&[0; 4096]).and_then(|()| file.sync_all());
        fs::remove_file(&probe)?;
        written
    };
    match attempt() {
        Ok(()) => Check::ok(NAME, format!("{} takes writes", dir.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Check::skipped(
            NAME,
            format!("{} is not there; the daemon makes it", dir.display()),
        ),
        Err(error) => Check::fail(
            NAME,
            ErrorKind::DiskFull,
            format!("{} takes no writes: {error}", dir.display()),
            "make room or correct its owner; nothing can be queued meanwhile",
        ),
    }
}

fn space(dir: &Path) -> Check {
    const NAME: &str = "disk space";
    let existing = dir.ancestors().find(|dir| dir.exists()).unwrap_or(dir);
    let free = match rustix::fs::statvfs(existing) {
        Ok(facts) => facts.f_bavail.saturating_mul(facts.f_frsize),
        Err(error) => return Check::skipped(NAME, format!("{}: {error}", existing.display())),
    };
    let evidence = format!("{} free at {}", size(free), existing.display());
    if free < NO_SPACE {
        Check::fail(
            NAME,
            ErrorKind::DiskFull,
            evidence,
            "make room on this disk",
        )
    } else if free < LITTLE_SPACE {
        Check::warn(NAME, evidence, "make room on this disk")
    } else {
        Check::ok(NAME, evidence)
    }
}

fn token(file: &Path) -> Check {
    const NAME: &str = "token";
    let facts = match fs::symlink_metadata(file) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Check::skipped(NAME, "none yet: the first connection to a hub makes it");
        }
        Err(error) => {
            return Check::fail(
                NAME,
                ErrorKind::PermissionDenied,
                format!("{}: {error}", file.display()),
                "make it readable for you",
            );
        }
    };
    if facts.mode() & 0o077 != 0 || facts.uid() != rustix::process::geteuid().as_raw() {
        return Check::fail(
            NAME,
            ErrorKind::PermissionDenied,
            format!(
                "others may read {} (mode {:o})",
                file.display(),
                facts.mode() & 0o7777
            ),
            format!(
                "`chmod 600 {}`; who has read it can act as you",
                file.display()
            ),
        );
    }
    Check::ok(NAME, "yours alone")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::{socket_directory, state, token};
    use crate::doctor::report::Outcome;

    #[test]
    fn an_open_socket_directory_and_a_link_are_failures() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        assert_eq!(socket_directory(dir.path()).outcome, Outcome::Ok);
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let check = socket_directory(dir.path());
        assert_eq!(check.outcome, Outcome::Fail);
        assert!(check.evidence.contains("755"), "{}", check.evidence);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert_eq!(socket_directory(&link).outcome, Outcome::Fail);
    }

    #[test]
    fn a_token_that_others_may_read_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        assert_eq!(token(&file).outcome, Outcome::Skipped);
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(token(&file).outcome, Outcome::Ok);
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let check = token(&file);
        assert_eq!(check.outcome, Outcome::Fail);
        assert!(!check.evidence.contains("secret"));
    }

    #[test]
    fn the_state_directory_is_tried_and_left_clean() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(state(dir.path()).outcome, Outcome::Ok);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
