//! `spacesctl hook EVENT --tool TOOL`: what agent tools call. A hot path: no
//! runtime, no network, one short conversation with the daemon, and in every
//! case exit code 0 within a second.

pub mod adapter;
pub mod config;
pub mod digest;
pub mod event;
pub mod failures;
mod flow;
mod link;
pub mod memory;
pub mod place;
pub mod stdin;
pub mod summary;

use std::ffi::OsString;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use spaces_client::Paths;

use event::Outcome;
pub use event::{Event, Tool};
use failures::{Failure, Kept};
pub use flow::session_id;

/// In all, from the first instruction to the last.
const BUDGET: Duration = Duration::from_millis(950);
/// For the tool to write its input.
const INPUT: Duration = Duration::from_millis(300);

/// Tells Spaces what happens in an agent session, and the agent what its peers do.
///
/// Called by the agent tools, whose event comes as JSON on standard input. Ends
/// with exit code 0 in every case: a hook never stops an agent. What could not
/// be done is counted; `spacesctl doctor` shows it.
#[derive(Debug, Parser)]
#[command(
    name = "spacesctl hook",
    after_help = "Examples:\n  spacesctl hook session-start --tool claude-code < event.json\n  spacesctl hook session-start --tool generic --session \"$ID\" --cwd \"$PWD\" < /dev/null\n\n`spacesctl hooks install TOOL` puts these calls into a tool's settings."
)]
pub struct HookArgs {
    /// What happened.
    pub event: Event,
    /// The tool that calls: decides the form of input and output.
    #[arg(long)]
    pub tool: Tool,
    /// Name of the tool, with `--tool generic`.
    #[arg(long)]
    pub name: Option<String>,
    /// Id of the tool's session, where the input does not say it.
    #[arg(long)]
    pub session: Option<String>,
    /// Where the agent works, where the input does not say it [default: here].
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
}

/// Runs a hook from the words after `spacesctl hook`. Words that are not
/// understood end with exit code 0 too: agent tools take 2, the usual code for
/// that, as the order to stop the agent.
pub fn run_words(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words = std::iter::once(OsString::from("spacesctl hook")).chain(words);
    match HookArgs::try_parse_from(words) {
        Ok(args) => run(args),
        Err(error) => {
            if error.use_stderr() {
                count(
                    "",
                    "",
                    "bad_arguments",
                    &error.kind().to_string(),
                    Kept::Skipped,
                );
            }
            // Nothing is left to do if even this can't be printed.
            let _ = error.print();
            ExitCode::SUCCESS
        }
    }
}

impl HookArgs {
    /// Runs a hook that came through the whole command line.
    ///
    /// # Errors
    /// Never: see [`run`].
    pub fn run(self) -> Result<(), crate::failure::Failure> {
        run(self);
        Ok(())
    }
}

/// Runs a hook. Never longer than its budget, never another code than 0.
pub fn run(args: HookArgs) -> ExitCode {
    let deadline = Instant::now() + BUDGET;
    let (event, tool) = (args.event, args.tool);
    let decided = end_at(deadline, event, tool);
    // A fault must not stop the agent; nothing of the work is used after one.
    let outcome = catch_unwind(AssertUnwindSafe(|| work(args, deadline)));
    if decided.swap(true, Ordering::SeqCst) {
        // The budget is spent, and the process about to end.
        loop {
            thread::park();
        }
    }
    match outcome {
        Ok(outcome) => print(&adapter::write(tool, event, &outcome)),
        Err(_) => count(
            event.as_str(),
            tool.as_str(),
            "fault",
            "the hook ended by a fault of its own; please report it",
            Kept::Skipped,
        ),
    }
    ExitCode::SUCCESS
}

/// Ends the process at the deadline, unless by then it is decided otherwise:
/// whoever sets what is given back ends it.
fn end_at(deadline: Instant, event: Event, tool: Tool) -> Arc<AtomicBool> {
    let decided = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&decided);
    let watch = move || {
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        if !watched.swap(true, Ordering::SeqCst) {
            count(
                event.as_str(),
                tool.as_str(),
                "out_of_time",
                "the hook was not done within its budget",
                Kept::Skipped,
            );
            std::process::exit(0);
        }
    };
    // On a machine that has no thread to give, each wait still has its own limit.
    let _ = thread::Builder::new().spawn(watch);
    decided
}

fn work(args: HookArgs, deadline: Instant) -> Outcome {
    let (event, tool) = (args.event, args.tool);
    let paths = match Paths::from_env() {
        Ok(paths) => paths,
        Err(error) => {
            eprintln!("spacesctl hook: {error}");
            return Outcome::default();
        }
    };
    let mut link = link::Link::new(paths, event, tool, deadline);
    let input = if tool == Tool::Git {
        serde_json::Value::Null
    } else {
        stdin::read(INPUT).unwrap_or_else(|what| {
            link.fault("bad_input", &what, Kept::Skipped);
            serde_json::Value::Null
        })
    };
    let mut input = adapter::read(tool, event, &input);
    input.session = input.session.or(args.session);
    input.cwd = input
        .cwd
        .or(args.cwd)
        .filter(|cwd| cwd.is_absolute())
        .or_else(|| std::env::current_dir().ok());
    let name = args.name.filter(|_| tool == Tool::Generic);
    let name = name.as_deref().unwrap_or(tool.as_str());
    flow::run(&mut link, (tool, name), event, input)
}

fn print(output: &str) {
    if output.is_empty() {
        return;
    }
    let mut stdout = std::io::stdout().lock();
    // The tool may have gone away; then nobody is there to be told.
    let _ = stdout
        .write_all(output.as_bytes())
        .and_then(|()| stdout.flush());
}

fn count(event: &str, tool: &str, reason: &str, detail: &str, outcome: Kept) {
    let failure = Failure::now(event, tool, reason, detail, outcome);
    let counted = Paths::from_env()
        .map_err(|error| error.to_string())
        .and_then(|paths| {
            failures::append(&paths.state_dir, &failure).map_err(|error| error.to_string())
        });
    if let Err(error) = counted {
        eprintln!("spacesctl hook: {reason}: {detail} (and it can't be counted: {error})");
    }
}
