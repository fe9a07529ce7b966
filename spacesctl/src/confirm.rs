use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use spaces_client::spaces_api::ErrorKind;

use crate::failure::Failure;
use crate::output::{WARN, clean};

/// Consent to what cannot be undone.
#[derive(Args, Debug)]
pub struct Confirm {
    /// Do not ask before what cannot be undone
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Confirm {
    /// Asks on the terminal; where there is none, `--yes` is needed.
    ///
    /// # Errors
    /// Where there was no consent: nothing was done.
    pub fn ask(&self, what: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new(
                ErrorKind::InvalidParams,
                format!("{}: this cannot be undone; nothing was done", clean(what)),
            )
            .hint("add --yes to consent"));
        }
        let mut stderr = anstream::stderr().lock();
        write!(
            stderr,
            "{WARN}{}?{WARN:#} This cannot be undone. [y/N] ",
            clean(what)
        )?;
        stderr.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::new(ErrorKind::InvalidParams, "nothing was done")),
        }
    }
}
