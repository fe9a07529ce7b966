//! The program `spacesctl`; all of it is in the library of the same name, so that
//! its parts can be called without it.

use std::process::ExitCode;

fn main() -> ExitCode {
    spacesctl::run()
}
