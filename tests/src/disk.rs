use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Keeps the mounts and ends with the test, whose pipe it reads.
const HOLD: &str = r#"mount -t tmpfs -o "$2" tmpfs "$1" && echo mounted && exec cat >/dev/null"#;

/// A small disk of its own behind one directory. It is mounted in a mount
/// namespace that only the processes of the test enter, so nothing of it is left
/// behind; root needs nothing for that, another user unprivileged user
/// namespaces.
pub struct Disk {
    holder: std::process::Child,
    at: PathBuf,
    users: bool,
}

impl Disk {
    /// Mounts an empty disk of this size at a directory, which is made.
    ///
    /// # Panics
    /// Where the system lets this user mount nothing.
    pub fn mount(at: &Path, kibibytes: u32) -> Self {
        fs::create_dir_all(at).expect("the directory is in the test's own place");
        let mut refusals = Vec::new();
        for users in [false, true] {
            match hold(at, kibibytes, users) {
                Ok(holder) => {
                    return Self {
                        holder,
                        at: at.to_owned(),
                        users,
                    };
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        panic!(
            "no small disk can be mounted here. Run this test as root, or allow user namespaces \
             to users (sysctl kernel.unprivileged_userns_clone=1, \
             kernel.apparmor_restrict_unprivileged_userns=0): {}",
            refusals.join("; ")
        );
    }

    /// The arguments that make `nsenter` run a program where the disk is, in this
    /// working directory.
    pub(crate) fn way_in(&self, directory: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--mount".into()];
        if self.users {
            arguments.extend(["--user".into(), "--preserve-credentials".into()]);
        }
        let mut within = OsString::from("--wdns=");
        within.push(directory);
        arguments.extend([
            within,
            "--target".into(),
            self.holder.id().to_string().into(),
            "--".into(),
        ]);
        arguments
    }

    /// The disk's directory as it is reached from outside.
    pub fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.at.strip_prefix("/").expect("an absolute path"))
    }

    /// Takes every free byte.
    pub fn fill(&self) {
        let mut filler = File::options()
            .create(true)
            .append(true)
            .open(self.filler())
            .expect("a file on a small disk");
        let mut piece = 64 * 1024;
        while piece > 0 {
            match filler.write(&vec![0; piece]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => piece /= 2,
                Err(error) => panic!("cannot fill the disk: {error}"),
            }
        }
    }

    /// Gives back what [`Disk::fill`] took.
    pub fn make_room(&self) {
        fs::remove_file(self.filler()).expect("the disk was filled");
    }

    /// Makes the disk read-only or writable again. Nobody may have a file of it
    /// open for writing.
    pub fn set_read_only(&self, read_only: bool) {
        let options = if read_only {
            "remount,ro"
        } else {
            "remount,rw"
        };
        let done = Command::new("nsenter")
            .args(self.way_in(Path::new("/")))
            .args(["mount", "-o", options])
            .arg(&self.at)
            .output()
            .expect("nsenter is there");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "mount -o {options}: {said}");
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

fn hold(at: &Path, kibibytes: u32, users: bool) -> Result<std::process::Child, String> {
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if users {
        command.arg("--map-root-user");
    }
    let mut holder = command
        .args(["sh", "-c", HOLD, "sh"])
        .arg(at)
        .arg(format!("size={kibibytes}k,mode=700"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("unshare: {error}"))?;
    let mut said = String::new();
    let mut out = BufReader::new(holder.stdout.take().expect("it is piped"));
    // An end without a word is a refusal, told on the other pipe.
    let _ = out.read_line(&mut said);
    if said.trim() == "mounted" {
        return Ok(holder);
    }
    let mut refusal = String::new();
    let mut errors = holder.stderr.take().expect("it is piped");
    let _ = errors.read_to_string(&mut refusal);
    let _ = holder.wait();
    Err(format!("{command:?}: {}", refusal.trim()))
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
