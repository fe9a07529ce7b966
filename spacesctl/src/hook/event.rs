//! The words of a hook call: which tool, which event, and what the tool said.

use std::path::PathBuf;

use clap::ValueEnum;

/// The agent tools whose hooks Spaces speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Tool {
    ClaudeCode,
    Codex,
    Gemini,
    Cursor,
    Opencode,
    /// `post-commit` and `post-checkout` of a repository.
    Git,
    /// Any other tool: input as Claude Code writes it (or none), output as plain text.
    Generic,
}

impl Tool {
    /// The word on the command line and in sessions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Cursor => "cursor",
            Self::Opencode => "opencode",
            Self::Git => "git",
            Self::Generic => "generic",
        }
    }
}

/// What happened in the tool, in the words of Spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Event {
    /// A session began, was resumed, or lost its context.
    SessionStart,
    /// The person sent a prompt.
    UserPrompt,
    /// A file is about to be edited.
    PreTool,
    /// A file was edited, and the agent reads what the hook says.
    PostTool,
    /// A file was edited, and nobody reads what the hook says.
    Edited,
    /// A message of the agent, for tools whose `stop` does not carry the last one.
    AgentMessage,
    /// The agent finished its turn.
    Stop,
    /// The session is over.
    SessionEnd,
    /// git: a commit was made.
    PostCommit,
    /// git: another branch or commit was checked out.
    PostCheckout,
}

impl Event {
    /// The word on the command line and in the failure log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionStart => "session-start",
            Self::UserPrompt => "user-prompt",
            Self::PreTool => "pre-tool",
            Self::PostTool => "post-tool",
            Self::Edited => "edited",
            Self::AgentMessage => "agent-message",
            Self::Stop => "stop",
            Self::SessionEnd => "session-end",
            Self::PostCommit => "post-commit",
            Self::PostCheckout => "post-checkout",
        }
    }
}

/// What a tool said about an event, in common terms. Everything is optional:
/// tools leave fields out, and versions differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The tool's own id of its session.
    pub session: Option<String>,
    /// The tool's own id of the turn.
    pub turn: Option<String>,
    /// Where the agent works.
    pub cwd: Option<PathBuf>,
    /// Paths that an edit touches, as the tool wrote them.
    pub paths: Vec<String>,
    /// The agent's last message.
    pub message: Option<String>,
}

/// What a hook has to say, before it takes the tool's form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Text for the agent's context.
    pub context: Option<String>,
    /// Why the edit is refused; only for `pre-tool`.
    pub deny: Option<String>,
    /// A line for the person, where the tool can show one.
    pub notice: Option<String>,
}

impl Outcome {
    /// Text for the agent's context, and nothing else.
    pub fn context(text: Option<String>) -> Self {
        Self {
            context: text,
            ..Self::default()
        }
    }

    /// True where there is nothing to say.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}
