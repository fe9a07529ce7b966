//! Measures Spaces against references in the same run, prints one table and
//! writes `bench/results.json`. `make bench` builds what it needs and runs it.

mod apart;
mod awake;
mod crowd;
mod docs;
mod growth;
mod limits;
mod lines;
mod machine;
mod measures;
mod pair;
mod picture;
mod process;
mod readable;
mod references;
mod report;
mod row;
mod samples;
mod scale;
mod sdk;
mod site;
mod stage;
mod subscribers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};

use awake::{Awake, When};
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
    #[arg(long, global = true)]
    quick: bool,
    /// Whether to keep processors from sleeping while nothing is to be done (see awake.rs)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    awake: When,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Measure how costs grow with size; writes bench/growth.json
    Scale,
    /// Put the last results into README.md and docs/
    Docs,
    /// Count for ever, as long as standard input is open
    #[command(hide = true)]
    KeepAwake,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::KeepAwake) => awake::count_for_ever(),
        Some(Command::Docs) => docs::render(),
        Some(Command::Scale) => scale(&arguments),
        None if arguments.list => {
            list();
            Ok(())
        }
        None => measure(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failures) => {
            for failure in failures {
                eprintln!("spaces-bench: {failure}");
            }
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for measure in ALL {
        println!("{:<16} {}", measure.name, measure.about);
    }
}

/// What could not be done, in words.
type Done = Result<(), Vec<String>>;

fn measure(arguments: &Arguments) -> Done {
    let chosen = choose(&arguments.only)?;
    let stage = Stage::new(effort(arguments));
    let awake = awake(arguments, &stage)?;
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
            Err(_) => failed.push(format!("{} could not be measured", measure.name)),
        }
        eprintln!("   {:.1} s", begun.elapsed().as_secs_f64());
    }
    report::print(&outcome);
    if !failed.is_empty() {
        return Err(failed);
    }
    if arguments.only.is_empty() && !arguments.quick {
        let written = report::write(&machine, &outcome);
        written.map_err(|error| vec![format!("the results cannot be written: {error}")])?;
    }
    Ok(())
}

fn scale(arguments: &Arguments) -> Done {
    let stage = Stage::new(effort(arguments));
    let awake = awake(arguments, &stage)?;
    let machine = Machine::here(&stage.directory("machine"), awake.is_some());
    println!("{}\n", machine.in_words());
    let growth = scale::measure(machine, effort(arguments));
    if arguments.quick {
        return Ok(());
    }
    growth::write(&growth).map_err(|error| vec![format!("bench/growth.json: {error}")])
}

fn effort(arguments: &Arguments) -> Effort {
    match arguments.quick {
        true => Effort::Quick,
        false => Effort::Full,
    }
}

/// Lasts until it is dropped.
fn awake(arguments: &Arguments, stage: &Stage) -> Result<Option<Awake>, Vec<String>> {
    Awake::keep(arguments.awake, &stage.directory("awake")).map_err(|error| {
        vec![format!(
            "the processors cannot be kept awake: {error}. It needs chrt (package util-linux); `--awake never` measures without"
        )]
    })
}

/// The measures of these names, in their order; all of them without a name.
fn choose(names: &[String]) -> Result<Vec<&'static Measure>, Vec<String>> {
    let known = |name: &String| ALL.iter().any(|measure| measure.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(vec![format!(
            "there is no measure `{unknown}`; --list shows them all"
        )]);
    }
    let chosen = ALL
        .iter()
        .filter(|measure| names.is_empty() || names.iter().any(|name| name == measure.name));
    Ok(chosen.collect())
}
