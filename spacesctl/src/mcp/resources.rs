//! Resources: the digest, the list of channels, and each channel.

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use spaces_api::methods::{channel, message};
use spaces_api::{ChannelRef, ErrorKind};

use super::daemon::Daemon;
use super::failure::ToolError;
use super::tools::{channel_page, channels_page, digest};
use crate::peers::inline;

const DIGEST: &str = "spaces://activity";
const CHANNELS: &str = "spaces://channels";
/// Before a channel's id or name.
const CHANNEL: &str = "spaces://channels/";
const TEXT: &str = "text/plain";

/// Items of the digest and messages of a channel.
const ITEMS: u32 = 30;

/// The fixed ones, and the channels as far as a daemon answers.
pub async fn list(daemon: &Daemon) -> Vec<Resource> {
    let fixed = [
        Resource::new(DIGEST, "activity")
            .with_title("Spaces digest")
            .with_description("What peers did that matters for this repository and branch"),
        Resource::new(CHANNELS, "channels")
            .with_title("Spaces channels")
            .with_description("Channels you may read"),
    ];
    let listed = daemon
        .ask::<channel::List>(&channel::ListParams::default())
        .await;
    let channels = listed.map(|listed| listed.channels).unwrap_or_default();
    let each = channels.iter().map(|channel| {
        Resource::new(
            format!("{CHANNEL}{}", channel.id),
            format!("#{}", inline(&channel.name, 80)),
        )
        .with_description(format!(
            "Newest messages of {}/#{}",
            inline(&channel.server, 80),
            inline(&channel.name, 80)
        ))
    });
    fixed
        .into_iter()
        .chain(each)
        .map(|resource| resource.with_mime_type(TEXT))
        .collect()
}

pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{CHANNEL}{{channel}}"), "channel")
            .with_title("Spaces channel")
            .with_description("Newest messages of a channel, by name without # or id")
            .with_mime_type(TEXT),
    ]
}

/// # Errors
/// There is no such resource, or the daemon can't give it.
pub async fn read(daemon: &Daemon, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let text = match uri {
        DIGEST => digest(daemon, ITEMS).await,
        CHANNELS => daemon
            .ask::<channel::List>(&channel::ListParams::default())
            .await
            .map(|listed| channels_page(&listed)),
        _ => match uri.strip_prefix(CHANNEL) {
            Some(name) if !name.is_empty() => channel(daemon, name).await,
            _ => Err(ToolError::new(
                ErrorKind::NotFound,
                format!("there is no resource {uri}"),
            )),
        },
    };
    let text = text.map_err(|error| fault(&error))?;
    Ok(ReadResourceResult::new(vec![
        ResourceContents::text(text, uri).with_mime_type(TEXT),
    ]))
}

async fn channel(daemon: &Daemon, name: &str) -> Result<String, ToolError> {
    let params = message::ListParams {
        channel: ChannelRef::from(name),
        thread_id: None,
        limit: Some(ITEMS),
        before: None,
        after: None,
        author: None,
        kind: None,
    };
    let found = daemon.ask::<message::List>(&params).await?;
    Ok(channel_page(name, &found))
}

fn fault(error: &ToolError) -> ErrorData {
    let data = error.to_json();
    let message = data["message"].as_str().unwrap_or_default().to_owned();
    match error.kind {
        ErrorKind::NotFound | ErrorKind::AmbiguousName => {
            ErrorData::resource_not_found(message, Some(data))
        }
        _ => ErrorData::internal_error(message, Some(data)),
    }
}
