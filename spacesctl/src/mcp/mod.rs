//! `spacesctl mcp`: Spaces for agents over the Model Context Protocol on
//! standard input and output, and its registration with agent tools. The only
//! command with a runtime; nothing of it is started for the others.

mod daemon;
mod failure;
mod handler;
mod install;
mod opening;
mod prompt;
mod resources;
mod schema;
mod session;
mod tools;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use rmcp::ServiceExt;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::io::stdio_pipes;
use tokio::signal::unix::{SignalKind, signal};

use crate::ctl::{Ctl, note};
use crate::failure::Failure;
use crate::hook::Tool;
use daemon::Daemon;
use handler::Server;
use opening::Opening;
use session::Sessions;

/// Serve agents over the Model Context Protocol (stdio), and register that with their tools
///
/// Agent tools start it without a subcommand and speak to it on standard input
/// and output. What it does is done for the agent's session: the hub holds it to
/// the agent tier.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  spacesctl mcp install claude-code     register it with an agent tool
  spacesctl mcp                         what the tool then runs"
)]
pub struct Mcp {
    #[command(subcommand)]
    command: Option<install::Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Args, Debug)]
struct Serve {
    /// The agent tool that starts it [default: what the tool says of itself]
    #[arg(long)]
    tool: Option<Tool>,
    /// Where the agent works [default: what its hooks or the tool say, else here]
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// The session for which calls are made [default: that of the tool's hooks, else one of its own]
    #[arg(long = "as-session", value_name = "ID", env = "SPACES_SESSION")]
    session: Option<String>,
}

impl Mcp {
    /// Serves until the input ends, or edits settings.
    ///
    /// # Errors
    /// The settings can't be edited, or the streams can't be used.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self.command {
            Some(command) => command.run(ctl),
            None => self.serve.run(ctl),
        }
    }
}

impl Serve {
    fn run(self, ctl: &Ctl) -> Result<(), Failure> {
        if std::io::stdin().is_terminal() {
            note(
                "this is for agent tools, which speak the Model Context Protocol here; \
                 `spacesctl mcp install TOOL` registers it",
            );
        }
        let sessions = Sessions::new(ctl.paths.clone(), self.tool, self.cwd, self.session);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let outcome = runtime.block_on(serve(Daemon::new(ctl.paths.clone(), sessions)));
        // A read of standard input that still waits must not hold up the end.
        runtime.shutdown_background();
        outcome
    }
}

/// Until the input ends or the process is asked to end.
async fn serve(daemon: Daemon) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (input, output) = stdio_pipes();
    let transport = Opening::new(AsyncRwTransport::new_server(input, output));
    let server = Server::new(daemon.clone());
    let served = async {
        // A tool that ends before it has said anything has looked whether the
        // program is there.
        if let Ok(service) = server.serve(transport).await {
            let _ = service.waiting().await;
        }
    };
    tokio::select! {
        () = served => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    daemon.end().await;
    Ok(())
}
