//! `spacesctl doctor`: checks that exercise the thing and say what to do.

mod bundle;
mod daemon;
mod disk;
mod hooks;
mod report;

use std::path::PathBuf;

use clap::Args;
use spaces_api::ErrorKind;

use crate::ctl::Ctl;
use crate::failure::Failure;
use report::{Check, Outcome};

/// Check that Spaces works, and say what to do where it does not
///
/// Each check tries the thing itself: a round trip through the socket, a write
/// to the disk, the hooks as the tools see them. The exit code is that of the
/// first failure; warnings alone end with 0.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl doctor
  spacesctl doctor --json
  spacesctl doctor --bundle report.json    to send with a question; without secrets")]
pub struct DoctorArgs {
    /// Also write a report to a new file, without secrets, names of your home
    /// directory, or anyone's text
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

impl DoctorArgs {
    /// Runs all checks.
    ///
    /// # Errors
    /// The first check that failed; or the report can't be written.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let mut checks = disk::checks(&ctl.paths);
        let daemon = daemon::Examined::examine(&ctl.paths);
        checks.extend(daemon.checks());
        checks.extend(hooks::checks(&ctl.paths));
        if let Some(file) = &self.bundle {
            bundle::write(file, &ctl.paths, &checks, daemon.status.as_ref())?;
        }
        if ctl.out.is_json() {
            ctl.out.json(&serde_json::json!({ "checks": checks }))?;
        } else {
            for check in &checks {
                check.show(&mut ctl.out);
            }
            if let Some(file) = &self.bundle {
                ctl.out
                    .line(format_args!("report written to {}", file.display()));
            }
        }
        ctl.out.flush()?;
        verdict(&checks)
    }
}

fn verdict(checks: &[Check]) -> Result<(), Failure> {
    let failed: Vec<_> = checks
        .iter()
        .filter(|check| check.outcome == Outcome::Fail)
        .collect();
    let Some(first) = failed.first() else {
        return Ok(());
    };
    let names: Vec<_> = failed.iter().map(|check| check.name.as_str()).collect();
    let failure = Failure::new(
        first.kind.unwrap_or(ErrorKind::Internal),
        format!("failed: {}", names.join(", ")),
    );
    Err(match &first.remedy {
        Some(remedy) => failure.hint(remedy.clone()),
        None => failure,
    })
}
