use clap::{Args, Subcommand};
use spaces_client::spaces_api::methods::{None as NoParams, user};

use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Delivery, write_params};
use crate::failure::Failure;

use super::user::agent_line;

/// Agents: durable addresses that keep for messages while no session runs
#[derive(Debug, Subcommand)]
pub enum Agent {
    /// List your own agents
    List(List),
    /// Register an agent's address
    Register(Register),
}

/// List your own agents
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl agent list")]
pub struct List {}

/// Register an agent's address
///
/// Sessions register theirs by themselves; do it by hand to have an address
/// before the first session.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  spacesctl agent register claude.spaces.main --tool claude-code --description 'keeps main green'")]
pub struct Register {
    /// Name, as `claude.spaces.main`
    name: String,
    /// The agent tool: `claude-code`, `codex`, `gemini`, ...
    #[arg(long)]
    tool: String,
    /// What it does
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    delivery: Delivery,
}

impl Agent {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::List(List {}) => ctl.read::<user::Me>(&NoParams {}, |out, me| {
                if me.agents.is_empty() {
                    out.line("no agents");
                }
                for agent in &me.agents {
                    agent_line(out, agent);
                }
                out.freshness(&me.meta);
            }),
            Self::Register(register) => register.run(ctl),
        }
    }
}

impl Register {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.delivery;
        let params = write_params!(
            how,
            user::RegisterAgentParams {
                name: self.name,
                tool: self.tool,
                description: self.description,
            }
        );
        ctl.make::<user::RegisterAgent>(
            &how,
            &params,
            |result| &result.receipt,
            |out, result| {
                let what = format!("agent {}", result.address);
                out.line(receipt_line(&result.receipt, &what));
            },
        )
    }
}
