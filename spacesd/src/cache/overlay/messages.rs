//! Pending messages, notes, edits, deletions and reactions.

use std::collections::HashMap;

use spaces_api::model::{Context, Conversation, Message, MessageKind, Note, Reaction};
use uuid::Uuid;

use super::{Overlay, PendingWrite};
use crate::cache::query::note::NoteQuery;
use crate::cache::{CacheError, MessagePage, PageQuery};
use crate::operation::Operation;
use crate::row::Identity;

impl Overlay<'_> {
    /// Adds what waits for this page's channel at its end, unless the page ends
    /// before the newest message; and what waits to be changed in it.
    pub fn page(&self, page: &mut MessagePage, query: &PageQuery) -> Result<(), CacheError> {
        self.change(&mut page.messages);
        let full = page.messages.len() >= query.limit as usize;
        if query.before.is_some() || (query.after.is_some() && full) {
            return Ok(());
        }
        if query.author.is_some() && query.author != self.me {
            return Ok(());
        }
        let limit = query.limit as usize;
        // Only what can be shown is looked at more closely: thousands may wait.
        let mut fitting = Vec::new();
        if query.after.is_some() {
            for write in self.pending {
                if fitting.len() < limit && self.fits(write, query)? {
                    fitting.push(write);
                }
            }
        } else {
            for write in self.pending.iter().rev() {
                if fitting.len() < limit && self.fits(write, query)? {
                    fitting.push(write);
                }
            }
            fitting.reverse();
        }
        for write in fitting {
            page.messages.extend(self.message_of(write)?);
        }
        if query.after.is_some() {
            page.messages.truncate(limit);
        } else {
            cut_to_newest(page, limit);
        }
        Ok(())
    }

    /// Whether a write makes a message of this page, as far as it can be told
    /// without asking the cache for more.
    fn fits(&self, write: &PendingWrite<'_>, query: &PageQuery) -> Result<bool, CacheError> {
        let (channel_id, thread_id, kind) = match &write.call.operation {
            Operation::SendMessage {
                channel_id,
                thread_id,
                kind,
                ..
            } => (*channel_id, *thread_id, *kind),
            // A note is in no channel: its own only says who may read it.
            Operation::LeaveNote { .. } => return Ok(false),
            Operation::SendDirectMessage { recipient, .. } => {
                (self.dm_channel(recipient)?, None, MessageKind::Text)
            }
            _ => return Ok(false),
        };
        Ok(channel_id == query.channel_id
            && (query.thread_id.is_none() || query.thread_id == thread_id)
            && query.kind.is_none_or(|wanted| wanted == kind))
    }

    /// Adds what waits for a conversation to its newest page: a first message
    /// has no channel yet.
    pub fn dm_page(
        &self,
        page: &mut MessagePage,
        with: &Identity,
        limit: u32,
    ) -> Result<(), CacheError> {
        self.change(&mut page.messages);
        let limit = limit as usize;
        let to_them = |write: &&PendingWrite<'_>| {
            matches!(&write.call.operation,
                Operation::SendDirectMessage { recipient, .. } if recipient == with)
        };
        let mut newest: Vec<_> = self
            .pending
            .iter()
            .rev()
            .filter(to_them)
            .take(limit)
            .collect();
        newest.reverse();
        for write in newest {
            page.messages.extend(self.message_of(write)?);
        }
        cut_to_newest(page, limit);
        Ok(())
    }

    /// Puts the newest waiting message of each conversation in its place.
    pub fn conversations(&self, conversations: &mut [Conversation]) -> Result<(), CacheError> {
        // Only the newest to each can be shown: thousands may wait.
        let mut newest: HashMap<&Identity, &PendingWrite<'_>> = HashMap::new();
        for write in self.pending {
            if let Operation::SendDirectMessage { recipient, .. } = &write.call.operation {
                newest.insert(recipient, write);
            }
        }
        for (recipient, write) in newest {
            let recipient = recipient.to_string();
            if let Some(conversation) = conversations
                .iter_mut()
                .find(|conversation| conversation.with.identity == recipient)
                && let Some(message) = self.message_of(write)?
            {
                conversation.last = Some(message);
            }
        }
        Ok(())
    }

    /// The waiting message with this key, if it is one and still waits.
    pub fn message(&self, key: &Uuid) -> Result<Option<Message>, CacheError> {
        match self
            .pending
            .iter()
            .find(|write| write.call.client_key == *key)
        {
            Some(write) => self.message_of(write),
            None => Ok(None),
        }
    }

    /// The newest `limit` waiting messages and notes, newest first.
    pub fn newest_messages(&self, limit: u32) -> Result<Vec<Message>, CacheError> {
        let newest = self.pending.iter().rev();
        newest
            .filter_map(|write| self.message_of(write).transpose())
            .take(limit as usize)
            .collect()
    }

    /// Adds waiting notes and marks those that wait to be marked as done.
    pub fn notes(&self, notes: &mut Vec<Note>, query: &NoteQuery) -> Result<(), CacheError> {
        for write in self.pending {
            match &write.call.operation {
                Operation::LeaveNote { context, .. } if is_for(context, &query.place) => {
                    if let Some(message) = self.message_of(write)? {
                        notes.push(Note {
                            message,
                            done: false,
                            done_by: None,
                            done_at: None,
                        });
                    }
                }
                Operation::ResolveNote { message_id } => {
                    for note in notes.iter_mut() {
                        if note.message.id == Some(*message_id) && !note.done {
                            note.done = true;
                            note.done_by = Some(self.username.clone());
                            note.done_at = Some(write.queued_at);
                            note.message.pending = true;
                        }
                    }
                }
                _ => {}
            }
        }
        if !query.done_too {
            notes.retain(|note| !note.done);
        }
        notes.sort_by_key(|note| std::cmp::Reverse(note.message.created_at));
        notes.truncate(query.limit as usize);
        Ok(())
    }

    /// Shows edits, deletions and reactions that wait.
    pub fn change(&self, messages: &mut [Message]) {
        for write in self.pending {
            let (target, change): (u64, &dyn Fn(&mut Message)) = match &write.call.operation {
                Operation::EditMessage {
                    message_id,
                    content,
                } => (*message_id, &|message: &mut Message| {
                    message.content.clone_from(content);
                    message.edited_at = Some(write.queued_at);
                }),
                Operation::DeleteMessage { message_id } => {
                    (*message_id, &|message: &mut Message| {
                        message.content.clear();
                        message.deleted = true;
                    })
                }
                Operation::AddReaction { message_id, emoji } => {
                    (*message_id, &|message: &mut Message| {
                        react(message, emoji, &self.username);
                    })
                }
                Operation::RemoveReaction { message_id, emoji } => {
                    (*message_id, &|message: &mut Message| {
                        unreact(message, emoji, &self.username);
                    })
                }
                _ => continue,
            };
            if let Some(message) = messages
                .iter_mut()
                .find(|message| message.id == Some(target))
            {
                change(message);
                message.pending = true;
            }
        }
    }

    /// The message that a write will make; none for other writes, and for those
    /// that the hub has shown.
    fn message_of(&self, write: &PendingWrite<'_>) -> Result<Option<Message>, CacheError> {
        let (channel_id, thread_id, reply_to, kind, content, context) = match &write.call.operation
        {
            Operation::SendMessage {
                channel_id,
                thread_id,
                reply_to,
                kind,
                content,
                context,
            } => (*channel_id, *thread_id, *reply_to, *kind, content, context),
            Operation::LeaveNote {
                channel_id,
                content,
                context,
            } => (*channel_id, None, None, MessageKind::Note, content, context),
            Operation::SendDirectMessage {
                recipient,
                reply_to,
                content,
                context,
            } => {
                let channel = self.dm_channel(recipient)?;
                let kind = MessageKind::Text;
                (channel, None, *reply_to, kind, content, context)
            }
            _ => return Ok(None),
        };
        if self.arrived(&write.call.client_key)? {
            return Ok(None);
        }
        let channel = match &write.call.operation {
            Operation::SendDirectMessage { recipient, .. } => {
                let recipient = *recipient;
                let user = self
                    .cache
                    .read(|db| crate::cache::query::user::by_identity(db, &recipient))?;
                let name = user.map_or_else(
                    || recipient.to_string()[..12].to_owned(),
                    |user| user.username,
                );
                format!("@{name}")
            }
            _ => match self.cache.channel(channel_id)? {
                Some(facts) => facts.label,
                None if channel_id == 0 => "note".to_owned(),
                None => format!("#{channel_id}"),
            },
        };
        Ok(Some(Message {
            id: None,
            seq: None,
            channel_id,
            channel,
            thread_id,
            author: self.author(write.call.session.as_deref())?,
            session_id: write.call.session.clone(),
            kind,
            content: content.clone(),
            context: context.clone(),
            reply_to,
            mentions: Vec::new(),
            reactions: Vec::new(),
            created_at: write.queued_at,
            edited_at: None,
            deleted: false,
            pending: true,
            client_key: Some(write.call.client_key),
        }))
    }
}

/// Whether a note left with `context` is among those asked for by `place`.
fn is_for(context: &Context, place: &Context) -> bool {
    let same_repo = place.repo.is_none() || place.repo == context.repo;
    let same_branch =
        place.branch.is_none() || context.branch.is_none() || place.branch == context.branch;
    same_repo && same_branch
}

fn react(message: &mut Message, emoji: &str, username: &str) {
    let place = message
        .reactions
        .iter()
        .position(|reaction| reaction.emoji == emoji);
    let users = match place {
        Some(place) => &mut message.reactions[place].users,
        None => {
            message.reactions.push(Reaction {
                emoji: emoji.to_owned(),
                users: Vec::new(),
            });
            let last = message.reactions.len() - 1;
            &mut message.reactions[last].users
        }
    };
    if !users.iter().any(|user| user == username) {
        users.push(username.to_owned());
    }
}

fn unreact(message: &mut Message, emoji: &str, username: &str) {
    for reaction in &mut message.reactions {
        if reaction.emoji == emoji {
            reaction.users.retain(|user| user != username);
        }
    }
    message
        .reactions
        .retain(|reaction| !reaction.users.is_empty());
}

/// Keeps the newest messages of a page. What was cut off is before it, even if
/// only waiting messages, which have no id, are left.
fn cut_to_newest(page: &mut MessagePage, limit: usize) {
    let excess = page.messages.len().saturating_sub(limit);
    if excess == 0 {
        return;
    }
    page.messages.drain(..excess);
    if let Some(gap) = &mut page.gap {
        gap.beyond = gap.beyond.saturating_sub(excess);
    }
    let oldest = page.messages.iter().find_map(|message| message.id);
    page.before = oldest.or(page.after.map(|newest| newest + 1));
}
