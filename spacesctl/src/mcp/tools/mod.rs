//! The tools. Each is a type with a name, a description, an input and a call;
//! its schema comes from the input's type. All definitions together stay under
//! 2,000 tokens: every session of every agent pays for them.

mod attention;
mod channels;
mod messages;
mod work;

use std::pin::Pin;

use rmcp::model::{Tool as Definition, ToolAnnotations};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spaces_api::{HubState, Meta};

use super::daemon::Daemon;
use super::failure::ToolError;
use super::schema;
use crate::peers::{Entry, Keep, Page, minute};

pub use attention::digest;
pub use channels::{channels as channels_page, messages as channel_page};

/// What a client may assume about a tool before it asks its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// Changes nothing.
    Reads,
    /// Adds something each time.
    Adds,
    /// The same arguments a second time change nothing more.
    Sets,
}

trait Tool {
    const NAME: &'static str;
    const DESCRIPTION: &'static str;
    const NATURE: Nature;
    type Input: DeserializeOwned + JsonSchema + Send;

    /// Does it, and gives the text for the agent.
    fn call(
        daemon: &Daemon,
        input: Self::Input,
    ) -> impl Future<Output = Result<String, ToolError>> + Send;
}

/// Calls a tool with its arguments, an object.
pub type Call = for<'a> fn(&'a Daemon, Value) -> Answer<'a>;

/// What a tool says, or why it can't.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<String, ToolError>> + Send + 'a>>;

/// A tool as a row of the table.
struct Row {
    name: &'static str,
    definition: fn() -> Definition,
    call: Call,
}

const fn row<T: Tool>() -> Row {
    Row {
        name: T::NAME,
        definition: definition::<T>,
        call: call::<T>,
    }
}

const TABLE: [Row; 12] = [
    row::<attention::Activity>(),
    row::<attention::Inbox>(),
    row::<channels::ListChannels>(),
    row::<channels::ReadMessages>(),
    row::<messages::Search>(),
    row::<messages::SendMessage>(),
    row::<messages::SendDm>(),
    row::<work::Claim>(),
    row::<work::Note>(),
    row::<work::UpdateSession>(),
    row::<channels::ListMembers>(),
    row::<channels::CreateChannel>(),
];

/// What `tools/list` gives.
pub fn definitions() -> Vec<Definition> {
    TABLE.iter().map(|row| (row.definition)()).collect()
}

/// The tool of this name.
pub fn find(name: &str) -> Option<Call> {
    TABLE
        .iter()
        .find(|row| row.name == name)
        .map(|row| row.call)
}

fn definition<T: Tool>() -> Definition {
    let annotations = match T::NATURE {
        Nature::Reads => ToolAnnotations::new().read_only(true),
        nature => ToolAnnotations::new()
            .read_only(false)
            .destructive(false)
            .idempotent(nature == Nature::Sets),
    };
    Definition::new(T::NAME, T::DESCRIPTION, schema::of::<T::Input>()).with_annotations(annotations)
}

fn call<T: Tool>(daemon: &Daemon, arguments: Value) -> Answer<'_> {
    Box::pin(async move {
        let input = serde_json::from_value(arguments).map_err(|error| {
            ToolError::invalid(
                error.to_string(),
                "correct the arguments by the tool's input schema",
            )
        })?;
        T::call(daemon, input).await
    })
}

/// The most text of one answer: about 4,000 tokens.
const PAGE: Page = Page {
    max_chars: 16_000,
    max_text: 8_000,
    keep: Keep::First,
};

/// Entries as the answer to a read. `nothing` is said where there are none,
/// `more` where some did not fit.
pub(super) fn page(
    opening: &str,
    entries: &[Entry<'_>],
    keep: Keep,
    nothing: &str,
    more: &str,
    meta: &Meta,
) -> String {
    let fresh = freshness(meta);
    if entries.is_empty() {
        return format!("{nothing} {fresh}");
    }
    let page = Page { keep, ..PAGE }.shared_by(entries.len());
    let (mut text, left_out) = page.render(&format!("{opening} {fresh}"), entries);
    if left_out > 0 {
        text.push_str(&format!("\n{left_out} more did not fit; {more}"));
    }
    text
}

/// How fresh a read is, always said.
pub(super) fn freshness(meta: &Meta) -> String {
    let as_of = minute(meta.as_of);
    match meta.hub {
        HubState::Live if meta.is_current() => "Hub live.".to_owned(),
        HubState::Live => format!("Hub silent: what happened since {as_of} may be missing."),
        HubState::Syncing => format!("Hub syncing: what happened since {as_of} may be missing."),
        HubState::Offline => format!(
            "Hub offline: this is from this machine's cache, as of {as_of}, {} s old.",
            meta.stale_for_ms / 1000
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rmcp::model::ListToolsResult;

    use super::{TABLE, definitions};

    /// Tokens of the definitions as they go over the wire, by two vocabularies
    /// of different makers' generations.
    #[test]
    fn all_definitions_together_are_under_2000_tokens() {
        let listed =
            serde_json::to_string(&ListToolsResult::with_all_items(definitions())).unwrap();
        for (name, vocabulary) in [
            ("o200k", tiktoken_rs::o200k_base_singleton()),
            ("cl100k", tiktoken_rs::cl100k_base_singleton()),
        ] {
            let tokens = vocabulary.encode_ordinary(&listed).len();
            println!(
                "tools/list: {} tools, {} bytes, {tokens} tokens ({name})",
                TABLE.len(),
                listed.len()
            );
            assert!(tokens < 2_000, "{tokens} tokens of {name} in {listed}");
        }
    }

    #[test]
    fn names_are_distinct_and_schemas_plain() {
        let definitions = definitions();
        let names: HashSet<_> = definitions.iter().map(|tool| tool.name.clone()).collect();
        assert_eq!(names.len(), TABLE.len());
        for tool in definitions {
            let schema = tool.schema_as_json_value();
            assert_eq!(schema["type"], "object", "{}", tool.name);
            assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
            let text = schema.to_string();
            for noise in ["$schema", "\"null\"", "anyOf", "$ref", "\"format\""] {
                assert!(!text.contains(noise), "{}: {text}", tool.name);
            }
            let properties = schema["properties"].as_object().unwrap();
            for (name, property) in properties {
                assert!(
                    property.get("type").is_some() || property.get("enum").is_some(),
                    "{} of {}",
                    name,
                    tool.name
                );
            }
        }
    }
}
