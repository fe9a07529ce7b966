//! `completions` and `man`: what is made of the command line's own description.

use std::path::PathBuf;

use clap::Args;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use serde_json::json;
use spaces_client::spaces_api::ErrorKind;

use crate::ctl::Ctl;
use crate::failure::Failure;

/// Print the completion script of a shell
///
/// Commands, flags, and the names of channels, users, servers and sessions that
/// the daemon knows.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  echo 'source <(spacesctl completions bash)' >> ~/.bashrc
  echo 'source <(spacesctl completions zsh)' >> ~/.zshrc
  spacesctl completions fish > ~/.config/fish/completions/spacesctl.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

/// Write the manual pages into a directory
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  spacesctl man ~/.local/share/man/man1 && man spacesctl-post")]
pub struct Man {
    /// The directory; made if it is not there
    dir: PathBuf,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> Result<(), Failure> {
        let shell: &dyn EnvCompleter = match self.shell.as_str() {
            "bash" => &Bash,
            "zsh" => &Zsh,
            _ => &Fish,
        };
        let mut script = Vec::new();
        shell.write_registration(
            "COMPLETE",
            "spacesctl",
            "spacesctl",
            "spacesctl",
            &mut script,
        )?;
        std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
        Ok(())
    }
}

impl Man {
    /// Writes a page for every command.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let cannot = |error: std::io::Error| {
            Failure::new(
                ErrorKind::InvalidParams,
                format!(
                    "cannot write manual pages into {}: {error}",
                    self.dir.display()
                ),
            )
        };
        std::fs::create_dir_all(&self.dir).map_err(cannot)?;
        clap_mangen::generate_to(crate::cli::command(), &self.dir).map_err(cannot)?;
        if ctl.out.is_json() {
            ctl.out.json(&json!({ "dir": self.dir }))?;
        } else {
            ctl.out
                .line(format_args!("manual pages are in {}", self.dir.display()));
        }
        ctl.out.flush()
    }
}
