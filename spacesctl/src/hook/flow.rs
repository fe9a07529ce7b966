//! What each event does.

use std::path::Path;

use spaces_api::methods::{activity, claim, message, session};
use spaces_api::model::{ClaimState, Context, MessageKind, SessionState};
use spaces_api::{Timestamp, Wait};
use uuid::Uuid;

use super::event::{Event, Input, Outcome, Tool};
use super::failures::Kept;
use super::link::{Link, Written};
use super::memory::{self, Memory};
use super::{adapter, config, digest, place, summary};

/// Most items and tokens of the digest: what is asked for is marked as shown, so
/// all of it must fit into the output, heads and all.
const DIGEST_ITEMS: u32 = 24;
const DIGEST_TOKENS: u32 = 1_200;
/// Most items looked at for news; other items than news among them are not shown.
const NEWS_ITEMS: u32 = 50;

/// Paths and news after edits are dealt with at most this often.
const EDIT_PAUSE_MS: u64 = 15_000;

/// Longest id of a session.
const MAX_SESSION: usize = 128;

/// Does what the event asks for. `name` is what peers see as the tool.
pub fn run(link: &mut Link, (tool, name): (Tool, &str), event: Event, input: Input) -> Outcome {
    if tool == Tool::Git {
        git_moved(link, &input);
        return Outcome::default();
    }
    let session = input.session.as_deref().map(|id| session_id(name, id));
    let mut turn = Turn {
        memory: match &session {
            Some(session) => Memory::load(&link.memories, session),
            None => Memory::default(),
        },
        session,
        tool,
        name,
        event,
        input,
        link,
    };
    let before = turn.memory.clone();
    let outcome = match event {
        Event::SessionStart => turn.session_start(),
        Event::UserPrompt => turn.user_prompt(),
        Event::PreTool => turn.pre_tool(),
        Event::PostTool => turn.post_tool(),
        Event::Edited => turn.edited_unheard(),
        Event::AgentMessage => turn.agent_message(),
        Event::Stop => turn.stop(),
        Event::SessionEnd => turn.session_end(),
        Event::PostCommit | Event::PostCheckout => Outcome::default(),
    };
    turn.remember(&before);
    outcome
}

/// Stable for the tool's session, and no longer than an id may be.
pub fn session_id(tool: &str, id: &str) -> String {
    let full = format!("{tool}:{id}");
    if full.chars().count() <= MAX_SESSION && !full.chars().any(char::is_control) {
        return full;
    }
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes());
    format!("{}:{hash}", tool.chars().take(64).collect::<String>())
}

/// After a commit or checkout the sessions of this working tree are elsewhere.
fn git_moved(link: &mut Link, input: &Input) {
    let Some(cwd) = input.cwd.as_deref() else {
        return;
    };
    let root = place::root(cwd).unwrap_or_else(|| cwd.to_owned());
    let sessions = Memory::working_in(&link.memories, &root);
    if sessions.is_empty() {
        return;
    }
    let Some((commit, branch)) = place::head(&root) else {
        link.fault("bad_input", "git did not say where HEAD is", Kept::Skipped);
        return;
    };
    for memory in sessions {
        link.ask::<session::Update>(&session::UpdateParams {
            branch: branch.clone(),
            commit: Some(commit.clone()),
            ..update(&memory.session)
        });
    }
}

fn update(session: &str) -> session::UpdateParams {
    session::UpdateParams {
        id: session.to_owned(),
        task: None,
        state: None,
        paths: None,
        branch: None,
        commit: None,
        client_key: None,
        wait: Wait::Queued,
        timeout_ms: None,
        session: Some(session.to_owned()),
    }
}

struct Turn<'a> {
    link: &'a mut Link,
    tool: Tool,
    name: &'a str,
    event: Event,
    /// The session's id in Spaces.
    session: Option<String>,
    input: Input,
    memory: Memory,
}

impl Turn<'_> {
    fn session_start(&mut self) -> Outcome {
        memory::tidy(&self.link.memories);
        let digest = self.activity_asked(DIGEST_ITEMS, Some(DIGEST_TOKENS));
        let Some(start) = self.starting() else {
            let found = self.link.ask::<activity::List>(&digest);
            return Outcome::context(found.as_ref().and_then(digest::session_start));
        };
        let above = &mut self.memory.above;
        let meanwhile = || *above = crate::process_tree::above();
        let (written, found) = self
            .link
            .keep_and_ask::<session::Start, activity::List>(&start, &digest, meanwhile);
        self.memory.started = written != Written::Lost;
        Outcome::context(found.as_ref().and_then(digest::session_start))
    }

    /// Starts the session, or starts it again where it is known.
    fn start(&mut self) {
        if let Some(start) = self.starting() {
            self.memory.above = crate::process_tree::above();
            let written = self.link.keep::<session::Start>(&start);
            self.memory.started = written != Written::Lost;
        }
    }

    fn starting(&mut self) -> Option<session::StartParams> {
        let session = self.session.clone()?;
        self.memory.cwd.clone_from(&self.input.cwd);
        self.memory.state = Some(SessionState::Active);
        self.memory.begun_at = Timestamp::now();
        Some(session::StartParams {
            id: Some(session),
            tool: self.name.to_owned(),
            agent: None,
            task: None,
            cwd: self.cwd(),
            context: Context::default(),
            client_key: Some(Uuid::new_v4()),
            wait: Wait::Queued,
            timeout_ms: None,
            session: None,
        })
    }

    /// The hub refuses what is written for a session that it does not know: one
    /// that began before the hooks were installed is started at its next event.
    fn start_if_unknown(&mut self) {
        if !self.memory.started {
            self.start();
        }
    }

    fn user_prompt(&mut self) -> Outcome {
        self.start_if_unknown();
        self.tell(SessionState::Active);
        if !adapter::reaches_agent(self.tool, self.event) {
            return Outcome::default();
        }
        Outcome::context(self.news())
    }

    fn pre_tool(&mut self) -> Outcome {
        let paths = self.edited();
        let Some((warning, deny)) = self.claimed(&paths) else {
            return Outcome::default();
        };
        if deny {
            return Outcome {
                deny: Some(warning),
                ..Outcome::default()
            };
        }
        if adapter::reaches_agent(self.tool, self.event) {
            return Outcome::context(self.warn_once(&paths, warning));
        }
        Outcome::default()
    }

    fn edited_unheard(&mut self) -> Outcome {
        self.start_if_unknown();
        let paths = self.edited();
        self.memory.add_paths(&paths);
        if self.memory.untold && due(self.memory.told_at) {
            self.tell_paths();
        }
        Outcome::default()
    }

    fn post_tool(&mut self) -> Outcome {
        self.edited_unheard();
        let paths = self.edited();
        // For tools that can't give context earlier.
        let mut context = Vec::new();
        if adapter::reaches_agent(self.tool, self.event) {
            if !adapter::reaches_agent(self.tool, Event::PreTool)
                && let Some((warning, _)) = self.claimed(&paths)
            {
                context.extend(self.warn_once(&paths, warning));
            }
            if !adapter::reaches_agent(self.tool, Event::UserPrompt) && due(self.memory.news_at) {
                self.memory.news_at = Timestamp::now();
                context.extend(self.news());
            }
        }
        Outcome::context((!context.is_empty()).then(|| context.join("\n")))
    }

    fn agent_message(&mut self) -> Outcome {
        self.memory.message = self.input.message.as_deref().and_then(summary::text);
        Outcome::default()
    }

    fn stop(&mut self) -> Outcome {
        self.start_if_unknown();
        let said = self
            .input
            .message
            .take()
            .or_else(|| self.memory.message.clone());
        let written = said
            .as_deref()
            .and_then(summary::text)
            .map(|text| self.post(text));
        if self.memory.untold {
            self.tell_paths();
        }
        self.tell(SessionState::Idle);
        if written != Some(Written::Lost) {
            self.memory.message = None;
            return Outcome::default();
        }
        Outcome {
            notice: Some(
                "Spaces could not keep this turn's summary; `spacesctl doctor` says why."
                    .to_owned(),
            ),
            ..Outcome::default()
        }
    }

    fn session_end(&mut self) -> Outcome {
        // What nobody knows of needs no end.
        if !self.memory.started && self.memory.message.is_none() {
            return Outcome::default();
        }
        self.start_if_unknown();
        if let Some(session) = self.session.clone() {
            // What `stop` had no text for, for tools that end without one.
            if let Some(text) = self.memory.message.take() {
                self.post(text);
            }
            self.link.keep::<session::End>(&session::EndParams {
                id: session.clone(),
                summary: None,
                channel: None,
                client_key: Some(Uuid::new_v4()),
                wait: Wait::Queued,
                timeout_ms: None,
                session: Some(session),
            });
        }
        Outcome::default()
    }

    /// Posts a summary to the agent log. Repository, branch, commit and changed
    /// paths are what the daemon finds at `cwd`.
    fn post(&mut self, text: String) -> Written {
        let config = self.config();
        let session = self.session.clone();
        let key = summary::key(
            session.as_deref().unwrap_or_default(),
            self.input.turn.as_deref(),
            &text,
        );
        self.link.keep::<message::Send>(&message::SendParams {
            channel: config.agent_log.into(),
            content: text,
            kind: Some(MessageKind::Summary),
            thread_id: None,
            reply_to: None,
            cwd: self.cwd(),
            context: Context::default(),
            client_key: Some(key),
            wait: Wait::Queued,
            timeout_ms: None,
            session,
        })
    }

    /// What has come in and was not shown before.
    fn news(&mut self) -> Option<String> {
        let asked = self.activity_asked(NEWS_ITEMS, None);
        let found = self.link.ask::<activity::List>(&asked)?;
        digest::news(&found)
    }

    fn activity_asked(&self, items: u32, tokens: Option<u32>) -> activity::ListParams {
        activity::ListParams {
            cwd: self.cwd(),
            context: Context::default(),
            session: self.session.clone(),
            limit: Some(items),
            max_tokens: tokens,
            mark_shown: true,
        }
    }

    /// Who else claims the paths, in words, and whether the edit is to be refused.
    fn claimed(&mut self, paths: &[String]) -> Option<(String, bool)> {
        if paths.is_empty() {
            return None;
        }
        let found = self.link.ask::<claim::Check>(&claim::CheckParams {
            paths: paths.to_vec(),
            task: None,
            session: self.session.clone(),
            cwd: self.cwd(),
            context: Context::default(),
        })?;
        let warning = digest::claims(paths, &found.claims, &found.meta)?;
        let exclusive = found
            .claims
            .iter()
            .any(|claim| claim.exclusive && claim.state == ClaimState::Held);
        let deny = exclusive && self.event == Event::PreTool && self.config().hooks.deny_claimed;
        Some((warning, deny))
    }

    /// A warning is given once for each path and session.
    fn warn_once(&mut self, paths: &[String], warning: String) -> Option<String> {
        let news: Vec<_> = paths
            .iter()
            .filter(|path| !self.memory.warned.contains(path))
            .cloned()
            .collect();
        if news.is_empty() && self.session.is_some() {
            return None;
        }
        self.memory.warned.extend(news);
        Some(warning)
    }

    /// Tells the daemon of a state that it does not know yet; else that the
    /// session is alive.
    fn tell(&mut self, state: SessionState) {
        let Some(session) = self.session.clone() else {
            return;
        };
        if self.memory.state == Some(state) {
            self.link
                .ask::<session::Heartbeat>(&session::SessionId { id: session });
            return;
        }
        let told = self.link.ask::<session::Update>(&session::UpdateParams {
            state: Some(state),
            ..update(&session)
        });
        if told.is_some() {
            self.memory.state = Some(state);
        }
    }

    fn tell_paths(&mut self) {
        let Some(session) = self.session.clone() else {
            return;
        };
        let told = self.link.ask::<session::Update>(&session::UpdateParams {
            paths: Some(self.memory.paths.clone()),
            ..update(&session)
        });
        self.memory.told_at = Timestamp::now();
        self.memory.untold = told.is_none();
    }

    fn edited(&self) -> Vec<String> {
        let cwd = self.input.cwd.as_deref().unwrap_or(Path::new("/"));
        place::relative_paths(cwd, &self.input.paths)
    }

    fn cwd(&self) -> Option<String> {
        self.input.cwd.as_ref()?.to_str().map(str::to_owned)
    }

    fn config(&self) -> config::Config {
        config::load(&self.link.paths.config_file).unwrap_or_else(|what| {
            self.link.fault("bad_config", &what, Kept::Skipped);
            config::Config::default()
        })
    }

    fn remember(&mut self, before: &Memory) {
        if self.session.is_none() {
            return;
        }
        if self.event == Event::SessionEnd {
            Memory::forget(&self.link.memories, &self.memory.session);
            return;
        }
        if self.memory.cwd.is_none() {
            self.memory.cwd.clone_from(&self.input.cwd);
        }
        if self.memory == *before {
            return;
        }
        if let Err(error) = self.memory.save(&self.link.memories) {
            let detail = format!("the session's memory was not saved: {error}");
            self.link.fault("spool", &detail, Kept::Skipped);
        }
    }
}

fn due(last: Timestamp) -> bool {
    last.millis_until(Timestamp::now()) >= EDIT_PAUSE_MS
}
