use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use spaces_api::VERSION;

use crate::binary;

const PROGRAMS: [&str; 2] = ["spacesd", "spacesctl"];

/// Programs in a directory of their own, of a version that the test chooses.
pub struct Installation {
    directory: PathBuf,
}

impl Installation {
    /// In a directory that is made here.
    pub fn within(home: &Path) -> Self {
        let directory = home.join("bin");
        fs::create_dir(&directory).expect("the home is ours");
        Self { directory }
    }

    pub fn spacesctl(&self) -> PathBuf {
        self.directory.join("spacesctl")
    }

    /// Puts the programs that were built into the place of those there.
    pub fn install(&self) {
        for program in PROGRAMS {
            let content = fs::read(binary(program)).expect("a program can be read");
            self.put(program, &content);
        }
    }

    /// Puts the same programs there, as they are when they were built with
    /// another version of the same length: they differ in nothing but the text
    /// that they were given for it.
    ///
    /// # Panics
    /// If the programs do not take it for theirs: an optimised build may hold its
    /// version in instructions.
    pub fn install_as(&self, version: &str) {
        assert_eq!(version.len(), VERSION.len(), "{version} for {VERSION}");
        for program in PROGRAMS {
            let mut content = fs::read(binary(program)).expect("a program can be read");
            replace(&mut content, VERSION.as_bytes(), version.as_bytes());
            let path = self.put(program, &content);
            let asked = Command::new(&path).arg("--version").output();
            let said = asked.expect("a program tells its version").stdout;
            assert_eq!(
                String::from_utf8_lossy(&said).trim(),
                format!("{program} {version}")
            );
        }
    }

    /// As a package does: a new file under the old name, so that a program that
    /// runs keeps its own.
    fn put(&self, program: &str, content: &[u8]) -> PathBuf {
        let path = self.directory.join(program);
        let fresh = path.with_extension("new");
        fs::write(&fresh, content).expect("the home is ours");
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::rename(&fresh, &path).expect("it is ours");
        path
    }
}

fn replace(content: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while let Some(window) = content.get_mut(at..at + old.len()) {
        if window == old {
            window.copy_from_slice(new);
        }
        at += 1;
    }
}
