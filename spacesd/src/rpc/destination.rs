//! Where messages are posted: the channel that a name stands for, and what the
//! caller is there. Each post asks for it, and it hardly ever changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use spaces_api::model::{ChannelType, MessageKind, Role};
use spaces_api::{ChannelRef, Delivery, ErrorKind, RpcError};

use super::reference::{self, cache_failed};
use super::{domain, write};
use crate::daemon::Daemon;

/// Destinations that are remembered.
const REMEMBERED: usize = 256;

/// A channel to post to.
pub struct Destination {
    pub channel_id: u64,
    /// `#name`, or `@username` for a DM.
    pub label: String,
    name: String,
    channel_type: ChannelType,
    archived: bool,
    /// The caller's; none in a DM, and where the cache does not know it.
    role: Option<Role>,
}

impl Destination {
    /// The channel, looked for in the configured server first.
    pub(super) fn named(daemon: &Daemon, channel: &ChannelRef) -> Result<Arc<Self>, RpcError> {
        // Before the rows are read: a change in between has them read again.
        let generation = daemon.cache.name_generation();
        let key = Key {
            server: daemon.settings.current().server.clone(),
            channel: channel.clone(),
        };
        if let Some(known) = daemon.destinations.recall(generation, &key) {
            return Ok(known);
        }
        let destination = Arc::new(Self::read(daemon, channel)?);
        daemon.destinations.remember(generation, key, &destination);
        Ok(destination)
    }

    /// The channel that takes summaries and notes where none is named.
    pub(super) fn agent_log(
        daemon: &Daemon,
        named: Option<&ChannelRef>,
    ) -> Result<Arc<Self>, RpcError> {
        match named {
            Some(channel) => Self::named(daemon, channel),
            None => {
                let configured = daemon.settings.current().agent_log.as_str().into();
                Self::named(daemon, &configured)
            }
        }
    }

    fn read(daemon: &Daemon, channel: &ChannelRef) -> Result<Self, RpcError> {
        let facts = reference::channel(daemon, channel)?;
        let role = daemon
            .role_in(facts.channel.server_id)
            .map_err(|error| cache_failed(&error))?;
        Ok(Self {
            channel_id: facts.channel.id,
            label: facts.label,
            name: facts.channel.name,
            channel_type: facts.channel.channel_type,
            archived: facts.channel.archived,
            role,
        })
    }

    /// Tells at once what the hub would refuse. What may have changed on the hub
    /// meanwhile is left to it, unless the cache is live.
    pub(super) fn check_post(
        &self,
        daemon: &Daemon,
        kind: MessageKind,
        delivery: &Delivery,
    ) -> Result<(), RpcError> {
        let accepted = domain::channel_type(self.channel_type).accepts(domain::message_kind(kind));
        if !accepted {
            let message = format!(
                "#{} is of type {} and takes no messages of kind {kind}",
                self.name, self.channel_type
            );
            return Err(RpcError::new(ErrorKind::InvalidParams, message));
        }
        if !daemon.live() {
            return Ok(());
        }
        if self.archived {
            let message = format!("#{} is archived", self.name);
            let hint = format!(
                "open it again (`spacesctl channel archive '{}' --undo`), or post elsewhere",
                self.label
            );
            return Err(RpcError::new(ErrorKind::Conflict, message).hint(hint));
        }
        match self.role {
            Some(role) => write::checked(domain::may_post(
                role,
                self.channel_type,
                delivery.session.is_some(),
            )),
            // Direct messages have no server; of the rest the hub knows best.
            None => Ok(()),
        }
    }
}

/// Those that were posted to, as long as no name changes.
#[derive(Default)]
pub struct Destinations(Mutex<Known>);

#[derive(Default)]
struct Known {
    generation: u64,
    of: HashMap<Key, Arc<Destination>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    /// The one that is configured.
    server: Option<String>,
    channel: ChannelRef,
}

impl Destinations {
    fn recall(&self, generation: u64, key: &Key) -> Option<Arc<Destination>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = known.generation == generation;
        holds.then(|| known.of.get(key).cloned()).flatten()
    }

    fn remember(&self, generation: u64, key: Key, destination: &Arc<Destination>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation || known.of.len() >= REMEMBERED {
            known.of.clear();
            known.generation = generation;
        }
        known.of.insert(key, Arc::clone(destination));
    }
}
