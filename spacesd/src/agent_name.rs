//! The name of a durable agent, from what a session is: the same tool on the
//! same branch of the same repository is the same agent, whenever it runs.

use spaces_api::model::Context;
use spaces_domain::names::AGENT_NAME_CHARS;

/// What is left of each part when the whole would be too long.
const PART_CHARS: usize = 40;

/// `claude.spaces.main`: tool, repository, branch. What is not known is left out.
pub fn derive(tool: &str, context: &Context) -> String {
    let parts = [
        Some(short_tool(tool)),
        context.repo.as_deref().map(short_repo),
        context.branch.as_deref(),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(word)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        return "agent".into();
    }
    let name: String = parts.join(".").chars().take(AGENT_NAME_CHARS).collect();
    name.trim_end_matches(['-', '_', '.']).to_owned()
}

/// `claude-code` and `gemini-cli` are called `claude` and `gemini`.
fn short_tool(tool: &str) -> &str {
    ["-code", "-cli", "-agent"]
        .iter()
        .find_map(|end| tool.strip_suffix(end))
        .unwrap_or(tool)
}

/// The last part of `github.com/acme/app`; the first digits of `root:<commit>`.
fn short_repo(repo: &str) -> &str {
    match repo.strip_prefix("root:") {
        Some(commit) => commit.get(..8).unwrap_or(commit),
        None => repo
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(repo),
    }
}

/// Only what an agent's name may hold; everything else is a hyphen.
fn word(text: &str) -> String {
    let mut word = String::new();
    for character in text.to_lowercase().chars() {
        let character = match character {
            'a'..='z' | '0'..='9' | '_' => character,
            _ => '-',
        };
        if character != '-' || !word.ends_with('-') {
            word.push(character);
        }
    }
    let word: String = word
        .trim_matches(['-', '_'])
        .chars()
        .take(PART_CHARS)
        .collect();
    word.trim_end_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spaces_api::model::Context;
    use spaces_domain::names::check_agent_name;

    use super::derive;

    fn context(repo: &str, branch: &str) -> Context {
        Context {
            repo: Some(repo.into()),
            branch: Some(branch.into()),
            ..Context::default()
        }
    }

    #[test]
    fn is_made_of_tool_repository_and_branch() {
        assert_eq!(
            derive("claude-code", &context("github.com/acme/spaces", "main")),
            "claude.spaces.main"
        );
        assert_eq!(
            derive("codex", &context("root:0123456789abcdef", "feat/Über x")),
            "codex.01234567.feat-ber-x"
        );
        assert_eq!(derive("gemini-cli", &Context::default()), "gemini");
        assert_eq!(derive("???", &Context::default()), "agent");
    }

    proptest! {
        #[test]
        fn is_always_a_valid_name(tool in ".{0,200}", repo in ".{0,200}", branch in ".{0,200}") {
            let name = derive(&tool, &context(&repo, &branch));
            prop_assert!(check_agent_name(&name).is_ok(), "{name:?}");
        }
    }
}
