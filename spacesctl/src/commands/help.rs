use clap::Args;
use serde_json::json;
use spaces_client::spaces_api::ErrorKind;

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::output::{BOLD, DIM};

/// Show the help of a command, or of the topic `exit-codes`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl help post
  spacesctl help channel create
  spacesctl help exit-codes")]
pub struct Help {
    /// The command, or `exit-codes`
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

impl Help {
    /// Prints the help.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        if self.words == ["exit-codes"] {
            return exit_codes(ctl);
        }
        let mut command = crate::cli::command();
        command.build();
        let mut found = &mut command;
        for word in &self.words {
            let known: Vec<_> = found
                .get_subcommands()
                .filter(|inner| !inner.is_hide_set())
                .map(|inner| inner.get_name().to_owned())
                .chain(std::iter::once("exit-codes".to_owned()))
                .collect();
            found = found.find_subcommand_mut(word).ok_or_else(|| {
                let mut failure = Failure::new(
                    ErrorKind::MethodNotFound,
                    format!("there is no command `{word}`"),
                );
                failure.candidates = nearest(word, known);
                failure.hint("see `spacesctl help`")
            })?;
        }
        let help = found.render_long_help();
        if ctl.out.is_json() {
            ctl.out
                .json(&json!({ "command": self.words, "help": help.to_string() }))?;
        } else {
            ctl.out.line(help.ansi());
        }
        ctl.out.flush()
    }
}

fn nearest(word: &str, known: Vec<String>) -> Vec<String> {
    let mut rated: Vec<_> = known
        .into_iter()
        .map(|name| (strsim::jaro(word, &name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    rated.sort_by(|one, other| other.0.total_cmp(&one.0));
    rated.into_iter().map(|(_, name)| name).take(3).collect()
}

fn exit_codes(ctl: &mut Ctl) -> Result<(), Failure> {
    if ctl.out.is_json() {
        let codes: Vec<_> = ErrorKind::ALL
            .iter()
            .map(
                |kind| json!({ "code": kind.exit_code(), "kind": kind, "meaning": kind.meaning() }),
            )
            .collect();
        ctl.out.json(&codes)?;
        return ctl.out.flush();
    }
    ctl.out.line("spacesctl ends with one of these codes:\n");
    ctl.out.line(format_args!(
        "  {BOLD}{:>3}{BOLD:#}  {:<20} It did what was asked.",
        0, "-"
    ));
    let mut kinds = ErrorKind::ALL.to_vec();
    kinds.sort_by_key(|kind| kind.exit_code());
    for kind in kinds {
        ctl.out.line(format_args!(
            "  {BOLD}{:>3}{BOLD:#}  {:<20} {}",
            kind.exit_code(),
            kind.as_str(),
            kind.meaning()
        ));
    }
    ctl.out.line(format_args!(
        "\n{DIM}The words are `error.kind` of what --json prints on stderr. A command line that\n\
         cannot be understood ends with 2.{DIM:#}"
    ));
    ctl.out.flush()
}
