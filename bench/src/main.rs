//! Measures Spaces against references in the same run, prints one table and
//! writes `bench/results.json`. `make bench` builds what it needs and runs it.

mod awake;
mod limits;
mod lines;
mod machine;
mod measures;
mod pair;
mod process;
mod references;
mod report;
mod row;
mod samples;
mod sdk;
mod site;
mod stage;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};

use awake::Awake;
use machine::Machine;
use measures::{ALL, Measure};
use row::Outcome;
use stage::{Effort, Stage};

/// Measure Spaces against references in the same run
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only these measures, and write no file
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// List the measures
    #[arg(long)]
    list: bool,
    /// A tenth of the work, to see that it runs; writes no file
    #[arg(long)]
    quick: bool,
    /// Let processors sleep while nothing is to be done (see awake.rs)
    #[arg(long)]
    asleep: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Count for ever, as long as standard input is open
    #[command(hide = true)]
    KeepAwake,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::KeepAwake) => awake::count_for_ever(),
        None if arguments.list => list(),
        None => return measure(&arguments),
    }
    ExitCode::SUCCESS
}

fn list() {
    for measure in ALL {
        println!("{:<16} {}", measure.name, measure.about);
    }
}

fn measure(arguments: &Arguments) -> ExitCode {
    let chosen = match choose(&arguments.only) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            eprintln!("spaces-bench: there is no measure `{unknown}`; --list shows them all");
            return ExitCode::from(2);
        }
    };
    let effort = if arguments.quick {
        Effort::Quick
    } else {
        Effort::Full
    };
    let awake = match (!arguments.asleep).then(Awake::keep).transpose() {
        Ok(awake) => awake,
        Err(error) => {
            eprintln!(
                "spaces-bench: the processors cannot be kept awake: {error}. \
                 It needs chrt (package util-linux); --asleep measures without"
            );
            return ExitCode::FAILURE;
        }
    };
    let stage = Stage::new(effort);
    let machine = Machine::here(&stage.directory("machine"), awake.is_some());
    println!("{}\n", machine.in_words());

    let mut outcome = Outcome::default();
    let mut failed = Vec::new();
    for measure in chosen {
        eprintln!("== {}: {}", measure.name, measure.about);
        let begun = Instant::now();
        // One that fails has said why; the others are measured all the same.
        match catch_unwind(AssertUnwindSafe(|| (measure.run)(&stage))) {
            Ok(more) => outcome.extend(more),
            Err(_) => failed.push(measure.name),
        }
        eprintln!("   {:.1} s", begun.elapsed().as_secs_f64());
    }
    report::print(&outcome);
    if !failed.is_empty() {
        eprintln!(
            "spaces-bench: these could not be measured: {}",
            failed.join(", ")
        );
        return ExitCode::FAILURE;
    }
    if arguments.only.is_empty()
        && effort == Effort::Full
        && let Err(error) = report::write(&machine, &outcome)
    {
        eprintln!("spaces-bench: the results cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The measures of these names, in their order; all of them without a name.
fn choose(names: &[String]) -> Result<Vec<&'static Measure>, &str> {
    let known = |name: &String| ALL.iter().any(|measure| measure.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(unknown);
    }
    let chosen = ALL
        .iter()
        .filter(|measure| names.is_empty() || names.iter().any(|name| name == measure.name));
    Ok(chosen.collect())
}
