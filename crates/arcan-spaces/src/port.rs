use published_arcan_spaces::{
    SpacesBridgeError, SpacesChannel, SpacesChannelType, SpacesDirectMessage, SpacesMessage,
    SpacesMessageType, SpacesPort,
};
use spaces_api::methods::{channel, dm, message, thread, user};
use spaces_api::model::{ChannelType, Context, Message, MessageKind};
use spaces_api::{ChannelRef, ErrorKind, MessageRef, Receipt, ReceiptState, UserRef, Wait};
use spaces_client::Error;

use crate::SpacesDaemon;
use crate::daemon::Operation;

/// The published crate's `SpacesPort` over the daemon's socket: an installation
/// that used its database client changes the line that makes the port.
///
/// The hive coordinator of that crate numbers threads by generation, while
/// threads of Spaces have ids that the hub gives. A number that is not the id
/// of a thread of the channel therefore stands for the thread named
/// `generation-N`, which is made when it is first written to, and is shown
/// under that number again when it is read.
///
/// Each operation has the budget as a whole. A post that the hub has not
/// confirmed within half of what is left is in the daemon's outbox and will arrive; it is reported with id 0.
pub struct SpacesdPort {
    daemon: SpacesDaemon,
}

impl SpacesdPort {
    /// A port over this daemon.
    pub fn new(daemon: &SpacesDaemon) -> Self {
        Self {
            daemon: daemon.clone(),
        }
    }
}

fn me(operation: &Operation<'_>) -> Result<String, SpacesBridgeError> {
    let me = operation
        .call::<user::Me>(&spaces_api::methods::None {})
        .map_err(bridge)?;
    Ok(me.user.identity)
}

fn threads(operation: &Operation<'_>, channel: u64) -> Result<Threads, SpacesBridgeError> {
    let params = thread::ListParams {
        channel: ChannelRef::Id(channel),
        all: true,
    };
    let listed = operation.call::<thread::List>(&params).map_err(bridge)?;
    Ok(Threads(
        listed
            .threads
            .into_iter()
            .map(|thread| (thread.id, thread.name))
            .collect(),
    ))
}

/// The id of the thread that the caller calls `number`, made if need be.
fn thread_for_writing(
    operation: &Operation<'_>,
    channel: u64,
    number: u64,
) -> Result<u64, SpacesBridgeError> {
    if let Some(id) = threads(operation, channel)?.id_of(number) {
        return Ok(id);
    }
    let params = thread::CreateParams {
        channel: ChannelRef::Id(channel),
        name: generation_name(number),
        client_key: None,
        wait: Wait::Sent,
        timeout_ms: None,
        session: None,
    };
    let made = operation.call::<thread::Create>(&params).map_err(bridge)?;
    Ok(made.thread.id)
}

impl SpacesPort for SpacesdPort {
    fn send_message(
        &self,
        channel_id: u64,
        content: &str,
        thread_id: Option<u64>,
        reply_to_id: Option<u64>,
    ) -> Result<SpacesMessage, SpacesBridgeError> {
        let operation = self.daemon.begin();
        let thread = match thread_id {
            Some(number) => Some(thread_for_writing(&operation, channel_id, number)?),
            None => None,
        };
        let sent = operation
            .call::<message::Send>(&message::SendParams {
                channel: ChannelRef::Id(channel_id),
                content: content.to_owned(),
                kind: None,
                thread_id: thread,
                reply_to: reply_to_id.map(MessageRef::Id),
                cwd: None,
                context: Context::default(),
                client_key: None,
                wait: Wait::Sent,
                timeout_ms: Some(operation.confirmation_ms()),
                session: None,
            })
            .map_err(bridge)?;
        accepted(&sent.receipt)?;
        Ok(SpacesMessage {
            id: sent.receipt.message_id.unwrap_or_default(),
            channel_id,
            sender: me(&operation)?,
            content: content.to_owned(),
            message_type: SpacesMessageType::Text,
            created_at: sent.receipt.queued_at.as_micros(),
            thread_id,
            reply_to_id,
        })
    }

    fn list_channels(&self, server_id: u64) -> Result<Vec<SpacesChannel>, SpacesBridgeError> {
        let params = channel::ListParams {
            server: Some(server_id.into()),
            all: false,
        };
        let listed = self
            .daemon
            .call::<channel::List>(&params)
            .map_err(|error| match error {
                Error::Rpc(error) if error.kind() == ErrorKind::NotFound => {
                    SpacesBridgeError::ServerNotFound(error.message)
                }
                error => bridge(error),
            })?;
        Ok(listed
            .channels
            .into_iter()
            .map(|channel| SpacesChannel {
                id: channel.id,
                server_id: channel.server_id,
                name: channel.name,
                channel_type: match channel.channel_type {
                    ChannelType::Text => SpacesChannelType::Text,
                    ChannelType::Voice => SpacesChannelType::Voice,
                    ChannelType::Announcement => SpacesChannelType::Announcement,
                    ChannelType::AgentLog => SpacesChannelType::AgentLog,
                },
                description: channel.topic,
            })
            .collect())
    }

    fn read_messages(
        &self,
        channel_id: u64,
        limit: u32,
        before_id: Option<u64>,
    ) -> Result<Vec<SpacesMessage>, SpacesBridgeError> {
        let operation = self.daemon.begin();
        let page = operation
            .call::<message::List>(&message::ListParams {
                channel: ChannelRef::Id(channel_id),
                thread_id: None,
                limit: Some(limit.clamp(1, 500)),
                before: before_id,
                after: None,
                author: None,
                kind: None,
            })
            .map_err(bridge)?;
        let threads = if page
            .messages
            .iter()
            .any(|message| message.thread_id.is_some())
        {
            threads(&operation, channel_id)?
        } else {
            Threads::default()
        };
        Ok(page
            .messages
            .into_iter()
            .map(|message| published(message, &threads))
            .collect())
    }

    fn send_dm(
        &self,
        recipient: &str,
        content: &str,
    ) -> Result<SpacesDirectMessage, SpacesBridgeError> {
        let operation = self.daemon.begin();
        let sent = operation
            .call::<dm::Send>(&dm::SendParams {
                to: UserRef::from(recipient),
                content: content.to_owned(),
                reply_to: None,
                cwd: None,
                context: Context::default(),
                client_key: None,
                wait: Wait::Sent,
                timeout_ms: Some(operation.confirmation_ms()),
                session: None,
            })
            .map_err(|error| match error {
                Error::Rpc(error) if error.kind() == ErrorKind::NotFound => {
                    SpacesBridgeError::RecipientNotFound(error.message)
                }
                error => bridge(error),
            })?;
        accepted(&sent.receipt)?;
        Ok(SpacesDirectMessage {
            id: sent.receipt.message_id.unwrap_or_default(),
            sender: me(&operation)?,
            recipient: recipient.to_owned(),
            content: content.to_owned(),
            created_at: sent.receipt.queued_at.as_micros(),
        })
    }
}

/// Ids and names of a channel's threads.
#[derive(Default)]
struct Threads(Vec<(u64, String)>);

impl Threads {
    /// The named generation goes first: an id that is by chance the same number
    /// must not take its place.
    fn id_of(&self, number: u64) -> Option<u64> {
        let name = generation_name(number);
        let by_name = self.0.iter().find(|(_, candidate)| *candidate == name);
        let by_id = self
            .0
            .iter()
            .find(|(id, candidate)| *id == number && generation_of(candidate).is_none());
        by_name.or(by_id).map(|(id, _)| *id)
    }

    fn number_of(&self, id: u64) -> u64 {
        let name = self.0.iter().find(|(candidate, _)| *candidate == id);
        name.and_then(|(_, name)| generation_of(name)).unwrap_or(id)
    }
}

fn generation_name(number: u64) -> String {
    format!("generation-{number}")
}

fn generation_of(name: &str) -> Option<u64> {
    name.strip_prefix("generation-")?.parse().ok()
}

fn published(message: Message, threads: &Threads) -> SpacesMessage {
    SpacesMessage {
        id: message.id.unwrap_or_default(),
        channel_id: message.channel_id,
        sender: message.author.identity,
        content: message.content,
        message_type: match message.kind {
            MessageKind::Text | MessageKind::Summary | MessageKind::Note => SpacesMessageType::Text,
            MessageKind::System => SpacesMessageType::System,
            MessageKind::AgentEvent => SpacesMessageType::AgentEvent,
            MessageKind::Join => SpacesMessageType::Join,
            MessageKind::Leave => SpacesMessageType::Leave,
        },
        created_at: message.created_at.as_micros(),
        thread_id: message.thread_id.map(|id| threads.number_of(id)),
        reply_to_id: message.reply_to,
    }
}

/// A rejected write is an error to the published crate, which has no receipts.
fn accepted(receipt: &Receipt) -> Result<(), SpacesBridgeError> {
    match receipt.state {
        ReceiptState::Queued | ReceiptState::Sent => Ok(()),
        ReceiptState::Rejected => Err(SpacesBridgeError::ReducerFailed(
            receipt
                .reason
                .clone()
                .unwrap_or_else(|| "rejected without a reason".to_owned()),
        )),
    }
}

fn bridge(error: Error) -> SpacesBridgeError {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::AmbiguousName => SpacesBridgeError::ChannelNotFound(text),
        ErrorKind::InvalidParams | ErrorKind::TooLarge => SpacesBridgeError::Validation(text),
        ErrorKind::PermissionDenied => SpacesBridgeError::AuthError(text),
        ErrorKind::Internal | ErrorKind::ParseError => SpacesBridgeError::ParseError(text),
        ErrorKind::DaemonUnreachable | ErrorKind::Timeout | ErrorKind::HubUnreachable => {
            SpacesBridgeError::Connection(text)
        }
        _ => SpacesBridgeError::ReducerFailed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::Threads;

    #[test]
    fn a_generation_is_never_mistaken_for_another_threads_id() {
        let threads = Threads(vec![
            (2, "generation-1".to_owned()),
            (3, "talk".to_owned()),
            (4, "generation-3".to_owned()),
        ]);
        assert_eq!(threads.id_of(1), Some(2));
        assert_eq!(threads.id_of(2), None, "id 2 is generation 1");
        assert_eq!(threads.id_of(3), Some(4), "the named one goes first");
        assert_eq!(threads.number_of(4), 3);
        assert_eq!(threads.number_of(3), 3);
    }
}
