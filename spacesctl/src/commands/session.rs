use clap::{Args, Subcommand};
use spaces_client::spaces_api::ChannelRef;
use spaces_client::spaces_api::methods::session;
use spaces_client::spaces_api::model::SessionState;

use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Delivery, Place, write_params};
use crate::failure::Failure;
use crate::words::words;
use crate::{names, render};

use super::text::Text;

/// Agent sessions: one run of an agent each
#[derive(Debug, Subcommand)]
pub enum Session {
    /// Start a session, or update it where its id is known
    Start(Start),
    /// Change a session's task, state or paths
    Update(Update),
    /// End a session, with a summary for its peers
    End(End),
    /// Say that a session is alive
    Heartbeat(Heartbeat),
    /// List sessions, newest first
    List(List),
    /// Show a session and what it wrote
    Show(Show),
}

/// Start a session, or update it where its id is known
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl session start --tool claude-code --task 'fix the parser'
  spacesctl session start --tool codex --id \"$RUN_ID\" --json")]
pub struct Start {
    /// The agent tool: `claude-code`, `codex`, `gemini`, ...
    #[arg(long)]
    tool: String,
    /// Id of the session, stable for the run; made if absent
    #[arg(long)]
    id: Option<String>,
    /// Name of the durable agent, as `claude.spaces.main`; made of tool, repository and branch if absent
    #[arg(long)]
    agent: Option<String>,
    /// What it works on
    #[arg(long)]
    task: Option<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    delivery: Delivery,
}

/// Change a session's task, state or paths
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl session update \"$ID\" --state blocked
  spacesctl session update \"$ID\" --task 'now the tests' --path tests/a.rs")]
pub struct Update {
    /// Id of the session
    #[arg(add = names::sessions())]
    id: String,
    /// What it works on now
    #[arg(long)]
    task: Option<String>,
    /// How it is
    #[arg(long, value_parser = words!(SessionState))]
    state: Option<SessionState>,
    /// Path it works on, relative to the repository (repeatable; replaces the former ones)
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    /// Branch it is on now
    #[arg(long)]
    branch: Option<String>,
    /// Commit it is on now
    #[arg(long)]
    commit: Option<String>,
    #[command(flatten)]
    delivery: Delivery,
}

/// End a session, with a summary for its peers
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl session end \"$ID\" 'parser fixed, tests green'
  spacesctl session end \"$ID\" - < summary.md")]
pub struct End {
    /// Id of the session
    #[arg(add = names::sessions())]
    id: String,
    #[command(flatten)]
    summary: Text,
    /// Where the summary goes; the configured agent log if absent
    #[arg(long, add = names::channels())]
    channel: Option<ChannelRef>,
    #[command(flatten)]
    delivery: Delivery,
}

/// Say that a session is alive
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl session heartbeat \"$ID\"")]
pub struct Heartbeat {
    /// Id of the session
    #[arg(add = names::sessions())]
    id: String,
}

/// List sessions, newest first
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl session list
  spacesctl session list --repo github.com/acme/app --all")]
pub struct List {
    /// Only of this repository
    #[arg(long)]
    repo: Option<String>,
    /// Only on this branch
    #[arg(long)]
    branch: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = words!(SessionState))]
    state: Option<SessionState>,
    /// Also those that have ended
    #[arg(long)]
    all: bool,
    /// Most sessions to show, 1 to 500
    #[arg(long, short = 'n')]
    limit: Option<u32>,
}

/// Show a session and what it wrote
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl session show \"$ID\"")]
pub struct Show {
    /// Id of the session
    #[arg(add = names::sessions())]
    id: String,
}

impl Session {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Start(start) => start.run(ctl),
            Self::Update(update) => update.run(ctl),
            Self::End(end) => end.run(ctl),
            Self::Heartbeat(heartbeat) => {
                ctl.read::<session::Heartbeat>(&session::SessionId { id: heartbeat.id }, |_, _| {})
            }
            Self::List(list) => list.run(ctl),
            Self::Show(show) => {
                ctl.read::<session::Show>(&session::SessionId { id: show.id }, |out, shown| {
                    render::session(out, &shown.session);
                    for message in &shown.messages {
                        render::message(out, message, true);
                    }
                    out.freshness(&shown.meta);
                })
            }
        }
    }
}

impl Start {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let delivery = self.delivery;
        // Known before the daemon answers, so that a spooled start has an id to
        // go on with.
        let id = self.id.unwrap_or_else(|| delivery.key().to_string());
        let params = write_params!(
            delivery,
            session::StartParams {
                id: Some(id.clone()),
                tool: self.tool,
                agent: self.agent,
                task: self.task,
                cwd: self.place.cwd(),
                context: self.place.context(),
            }
        );
        ctl.write_or_spool::<session::Start>(
            &delivery,
            &format!("start of session {id}"),
            &params,
            |result| &result.receipt,
            |out, result| render::session(out, &result.session),
        )
    }
}

impl Update {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let delivery = self.delivery;
        let what = format!("update of session {}", self.id);
        let params = write_params!(
            delivery,
            session::UpdateParams {
                id: self.id,
                task: self.task,
                state: self.state,
                paths: (!self.paths.is_empty()).then_some(self.paths),
                branch: self.branch,
                commit: self.commit,
            }
        );
        ctl.write_or_spool::<session::Update>(
            &delivery,
            &what,
            &params,
            |result| &result.receipt,
            |out, result| out.line(receipt_line(&result.receipt, &what)),
        )
    }
}

impl End {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let summary = self.summary.read_if_given()?;
        let delivery = self.delivery;
        let what = format!("end of session {}", self.id);
        let params = write_params!(
            delivery,
            session::EndParams {
                id: self.id,
                summary,
                channel: self.channel,
            }
        );
        ctl.write_or_spool::<session::End>(
            &delivery,
            &what,
            &params,
            |result| &result.receipt,
            |out, result| {
                out.line(receipt_line(&result.receipt, &what));
                if let Some(summary) = &result.summary {
                    out.line(receipt_line(summary, "its summary"));
                }
            },
        )
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = session::ListParams {
            repo: self.repo,
            branch: self.branch,
            state: self.state,
            all: self.all,
            limit: self.limit,
        };
        ctl.read::<session::List>(&params, |out, list| {
            if list.sessions.is_empty() {
                out.line("no sessions");
            }
            for session in &list.sessions {
                render::session(out, session);
            }
            out.freshness(&list.meta);
        })
    }
}
