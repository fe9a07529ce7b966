use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::Args;
use spaces_client::spaces_api::ErrorKind;
use spaces_client::{Paths, log_file};

use crate::failure::Failure;

/// Become a program in a session of its own
///
/// `up` starts the daemon through this, so that the daemon does not end with the
/// terminal: only a process itself can leave its terminal's session.
#[derive(Args, Debug)]
pub struct Launch {
    /// The program
    program: PathBuf,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Launch {
    /// Does not come back where it succeeds.
    pub fn run(self) -> Result<(), Failure> {
        // Fails only where this process already leads a session: as good.
        let _ = rustix::process::setsid();
        let error = Command::new(&self.program).args(&self.arguments).exec();
        Err(Failure::new(
            ErrorKind::Internal,
            format!("{} could not be started: {error}", self.program.display()),
        ))
    }
}

/// Starts the daemon detached from the terminal, its output going to the log.
pub fn start_daemon(paths: &Paths) -> Result<Child, Failure> {
    let program = find_daemon()?;
    make_private_dir(&paths.state_dir)?;
    let log_file = paths.log_file();
    let log =
        log_file::open(&log_file).map_err(|error| cannot("open the log", &log_file, &error))?;
    let second = log
        .try_clone()
        .map_err(|error| cannot("open the log", &log_file, &error))?;
    let own = own_program()?;
    Command::new(own)
        .arg("launch")
        .arg(&program)
        .env("SPACES_SOCKET", &paths.socket)
        .current_dir(&paths.state_dir)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(second)
        .spawn()
        .map_err(|error| cannot("start", &program, &error))
}

/// The daemon of this installation: said by `SPACESD_BIN`, else beside this
/// program, else on PATH.
fn find_daemon() -> Result<PathBuf, Failure> {
    if let Some(said) = std::env::var_os("SPACESD_BIN").filter(|said| !said.is_empty()) {
        let said = std::path::absolute(PathBuf::from(said))?;
        if !said.is_file() {
            return Err(Failure::new(
                ErrorKind::NotFound,
                format!(
                    "SPACESD_BIN is {}, where there is no program",
                    said.display()
                ),
            ));
        }
        return Ok(said);
    }
    let beside = own_program()?.with_file_name("spacesd");
    if beside.is_file() {
        return Ok(beside);
    }
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .map(|dir| dir.join("spacesd"))
        .find(|program| program.is_file());
    on_path.ok_or_else(|| {
        Failure::new(
            ErrorKind::NotFound,
            format!(
                "there is no spacesd beside {} or on PATH",
                beside.with_file_name("spacesctl").display()
            ),
        )
        .hint("install it beside spacesctl (`make install`), or set SPACESD_BIN")
    })
}

fn own_program() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    // A link in a directory for programs must lead to what was installed with it.
    Ok(own.canonicalize().unwrap_or(own))
}

/// Makes a directory, and those above it, for this user alone.
pub fn make_private_dir(dir: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| cannot("make the directory", dir, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    let mut failure = Failure::from(std::io::Error::new(error.kind(), error.to_string()));
    failure.message = format!("cannot {what} {}: {error}", path.display());
    failure
}
