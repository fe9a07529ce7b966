//! `session.*`: one run of an agent.

use crate::model::{Message, Session, SessionState, results};
use crate::{Meta, Receipt, Written};

methods! {
    /// Starts a session, or starts it again: a known id is updated.
    Start = "session.start", Write, StartParams => Started;
    /// Says that a session is alive. Kept local and sent with the daemon's own heartbeat.
    Heartbeat = "session.heartbeat", Local, SessionId => super::None;
    /// Changes a session's task, state or place.
    Update = "session.update", Write, UpdateParams => Written;
    /// Ends a session, with a summary for its peers if there is one.
    End = "session.end", Write, EndParams => Ended;
    /// Sessions, newest first.
    List = "session.list", Read, ListParams => Sessions;
    /// One session and what it wrote.
    Show = "session.show", Read, SessionId => Shown;
}

write_params! {
    StartParams {
        /// Made by the caller, stable for the run; made by the daemon if absent. 1 to
        /// 128 characters; what is no UUID is turned into one, always the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// `claude-code`, `codex`, `gemini`, ...
        tool: String,
        /// Name of the durable agent (`claude.spaces.main`); derived from tool,
        /// repository and branch if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// Directory of the work: the daemon reads repository and branch there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        /// Said by the caller; goes before what `cwd` shows.
        #[serde(default)]
        context: crate::model::Context,
    }
    UpdateParams {
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<SessionState>,
        /// Paths now worked on, relative to the repository; replaces the former ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paths: Option<Vec<String>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    }
    EndParams {
        id: String,
        /// Posted to the agent log as a message of kind `summary`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        /// Where the summary goes; the configured agent log if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<crate::ChannelRef>,
    }
}

params! {
    SessionId {
        id: String,
    }
    #[derive(Default)]
    ListParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repo: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<SessionState>,
        /// Also those that have ended.
        #[serde(default)]
        all: bool,
        /// 1 to 500; default 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    }
}

results! {
    Started {
        session: Session,
        receipt: Receipt,
    }
    Ended {
        receipt: Receipt,
        /// The receipt of the summary, where one was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<Receipt>,
    }
    Sessions {
        sessions: Vec<Session>,
        meta: Meta,
    }
    Shown {
        session: Session,
        /// What the session wrote, newest first, at most 50.
        messages: Vec<Message>,
        meta: Meta,
    }
}
