//! Whose calls these are. An agent session that is known by its tool's hooks is
//! the same session here: its own claims must not count as another's.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use spaces_client::Paths;
use uuid::Uuid;

use crate::hook::memory::{self, Memory};
use crate::hook::{Tool, session_id};
use crate::process_tree;

/// The name that peers see for a client that says nothing of itself.
const NAMELESS: &str = "mcp";
const MAX_NAME: usize = 64;

pub struct Sessions {
    paths: Paths,
    tool: Option<Tool>,
    cwd: Option<PathBuf>,
    given: Option<String>,
    /// Used where no other session is known.
    own: String,
    parent: Option<u32>,
    client: OnceLock<String>,
}

/// The session of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    /// Whoever made the session has started it.
    pub started: bool,
    /// It ends with this process.
    pub own: bool,
    /// The tool as peers see it.
    pub tool: String,
    /// Where the agent works.
    pub cwd: Option<String>,
}

impl Sessions {
    pub fn new(
        paths: Paths,
        tool: Option<Tool>,
        cwd: Option<PathBuf>,
        given: Option<String>,
    ) -> Self {
        Self {
            paths,
            tool,
            cwd: cwd.and_then(|dir| std::path::absolute(dir).ok()),
            given: given.filter(|id| !id.is_empty()),
            own: format!("mcp:{}", Uuid::new_v4()),
            parent: process_tree::parent(),
            client: OnceLock::new(),
        }
    }

    /// What the client calls itself; the first time counts.
    pub fn client_is(&self, name: &str) {
        self.client.get_or_init(|| name.to_owned());
    }

    /// The session now. A tool may begin another one while this process runs.
    pub fn current(&self) -> Session {
        let hooks = self.of_hooks();
        let cwd = self.directory(hooks.as_ref());
        let (id, started, own) = if let Some(id) = &self.given {
            (id.clone(), true, false)
        } else if let Some(memory) = hooks {
            (memory.session, memory.started, false)
        } else if let Some(id) = self.of_claude_code() {
            (id, false, false)
        } else {
            (self.own.clone(), false, true)
        };
        Session {
            id,
            started,
            own,
            tool: self.tool_name(),
            cwd,
        }
    }

    /// The session of the tool's hooks: of the process that started this one, or
    /// else the only one of the tool that works here.
    fn of_hooks(&self) -> Option<Memory> {
        let tool = self.known_tool().map(|tool| format!("{}:", tool.as_str()));
        let of_tool = |memory: &Memory| match &tool {
            Some(tool) => memory.session.starts_with(tool),
            None => true,
        };
        let memories = memory::directory(&self.paths);
        if let Some(parent) = self.parent
            && let Some(memory) = Memory::of_process(&memories, parent)
                .into_iter()
                .find(of_tool)
        {
            return Some(memory);
        }
        tool.as_ref()?;
        if self.of_claude_code().is_some() {
            return None;
        }
        let here = self.directory(None)?;
        let mut there = Memory::working_in(&memories, Path::new(&here));
        there.retain(of_tool);
        match there.len() {
            1 => there.pop(),
            _ => None,
        }
    }

    /// Claude Code tells its session to what it starts.
    fn of_claude_code(&self) -> Option<String> {
        if !matches!(self.known_tool(), None | Some(Tool::ClaudeCode)) {
            return None;
        }
        let id = std::env::var("CLAUDE_CODE_SESSION_ID").ok()?;
        (!id.is_empty()).then(|| session_id(Tool::ClaudeCode.as_str(), &id))
    }

    fn directory(&self, hooks: Option<&Memory>) -> Option<String> {
        let said = |name| {
            let dir = PathBuf::from(std::env::var_os(name)?);
            (dir.is_absolute() && dir.is_dir()).then_some(dir)
        };
        let dir = self
            .cwd
            .clone()
            .or_else(|| hooks.and_then(|memory| memory.cwd.clone()))
            .or_else(|| said("CLAUDE_PROJECT_DIR"))
            .or_else(workspace_folder)
            .or_else(|| std::env::current_dir().ok())?;
        dir.into_os_string().into_string().ok()
    }

    /// One of the tools whose hooks Spaces speaks.
    fn known_tool(&self) -> Option<Tool> {
        let of_client = || {
            let name = self.client.get()?.to_lowercase();
            [
                ("claude-code", Tool::ClaudeCode),
                ("codex", Tool::Codex),
                ("gemini", Tool::Gemini),
                ("cursor", Tool::Cursor),
                ("opencode", Tool::Opencode),
            ]
            .into_iter()
            .find(|(word, _)| name.contains(word))
            .map(|(_, tool)| tool)
        };
        self.tool
            .filter(|tool| !matches!(tool, Tool::Git | Tool::Generic))
            .or_else(of_client)
    }

    fn tool_name(&self) -> String {
        if let Some(tool) = self.known_tool() {
            return tool.as_str().to_owned();
        }
        let name = self.client.get().map(String::as_str).unwrap_or_default();
        let name: String = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-_. ".contains(*c))
            .take(MAX_NAME)
            .collect();
        match name.trim() {
            "" => NAMELESS.to_owned(),
            name => name.to_owned(),
        }
    }
}

/// Cursor starts servers in `/` and names the open folders in a variable.
fn workspace_folder() -> Option<PathBuf> {
    let all = std::env::var("WORKSPACE_FOLDER_PATHS").ok()?;
    std::iter::once(all.as_str())
        .chain(all.split([',', ':']))
        .map(PathBuf::from)
        .find(|dir| dir.is_absolute() && dir.is_dir())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use spaces_api::Timestamp;
    use spaces_client::Paths;

    use super::{Sessions, process_tree};
    use crate::hook::Tool;
    use crate::hook::memory::{self, Memory};

    fn paths(dir: &Path) -> Paths {
        Paths {
            config_file: dir.join("config.toml"),
            state_dir: dir.join("state"),
            cache_dir: dir.join("cache"),
            socket: dir.join("d.sock"),
        }
    }

    fn sessions(dir: &Path, tool: Option<Tool>) -> Sessions {
        Sessions::new(paths(dir), tool, Some(dir.to_owned()), None)
    }

    fn hooked(dir: &Path, id: &str, begun: i64, above: Vec<u32>) {
        let memories = memory::directory(&paths(dir));
        let mut memory = Memory::load(&memories, id);
        memory.begun_at = Timestamp::from_micros(begun);
        memory.above = above;
        memory.started = true;
        memory.cwd = Some(dir.to_owned());
        memory.save(&memories).unwrap();
    }

    #[test]
    fn the_session_is_that_of_the_hooks_of_the_same_process() {
        let dir = tempfile::tempdir().unwrap();
        let parent = process_tree::parent().unwrap();
        let sessions = sessions(dir.path(), Some(Tool::Codex));
        hooked(dir.path(), "codex:elsewhere", 9, vec![parent + 1]);
        hooked(dir.path(), "codex:first", 1, vec![parent]);
        assert_eq!(sessions.current().id, "codex:first");
        // The agent has cleared its context: the tool begins another session.
        hooked(dir.path(), "codex:second", 2, vec![parent]);
        assert_eq!(sessions.current().id, "codex:second");
        hooked(dir.path(), "gemini:third", 3, vec![parent]);
        assert_eq!(sessions.current().id, "codex:second", "of another tool");
    }

    #[test]
    fn without_a_common_process_the_only_session_here_is_taken_and_else_none() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = sessions(dir.path(), Some(Tool::Cursor));
        let own = sessions.current();
        assert!(own.own && own.id.starts_with("mcp:"), "{own:?}");
        hooked(dir.path(), "cursor:one", 1, Vec::new());
        let taken = sessions.current();
        assert_eq!((taken.id.as_str(), taken.started), ("cursor:one", true));
        hooked(dir.path(), "cursor:two", 2, Vec::new());
        assert_eq!(sessions.current().id, own.id, "which of the two?");
    }

    #[test]
    fn a_client_is_known_by_its_name_and_an_odd_name_is_made_plain() {
        let dir = tempfile::tempdir().unwrap();
        for (name, tool) in [
            ("codex-mcp-client", "codex"),
            ("Cursor-vscode", "cursor"),
            ("my\u{1b}[31m \"agent\"", "my31m agent"),
            ("\u{7}", "mcp"),
        ] {
            let sessions = sessions(dir.path(), None);
            sessions.client_is(name);
            assert_eq!(sessions.current().tool, tool);
        }
    }
}
