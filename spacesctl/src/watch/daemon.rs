//! The line to the daemon: a thread that follows its events, and one that asks
//! what the view wants to know.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use spaces_client::spaces_api::methods::{
    None as NoParams, channel, claim, daemon, dm, inbox, message, read, session, thread as threads,
};
use spaces_client::spaces_api::model::Context;
use spaces_client::spaces_api::{ChannelRef, ErrorKind, MessageRef, UserRef, Wait, WriteParams};
use spaces_client::spaces_api::{Method, methods::events};
use spaces_client::{Client, Error, Paths, Subscription, spool};
use uuid::Uuid;

use super::asks::{Answer, Ask, Post};
use super::feed::{PAGE, Span};
use super::place::{Place, View};
use super::refresh::Part;
use super::update::Input;
use super::{Happening, run_aside};
use crate::failure::Failure;

/// One wait for an event; only a limit, not a pace.
const WAIT: Duration = Duration::from_secs(60);
/// How often a daemon that went away is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A read comes from memory: longer means that the daemon hangs.
const READ: Duration = Duration::from_secs(3);
/// A write costs one sync of the disk.
const WRITE: Duration = Duration::from_secs(10);
/// Most sessions and claims that are shown.
const WORK: u32 = 200;

/// A client for this view.
pub fn client(socket: &Path) -> Client {
    Client::new(socket).call_timeout(READ)
}

/// Follows the events in a thread of its own, over restarts of the daemon. The
/// thread ends when nobody listens any more.
pub fn follow(client: Client, first: Subscription, to: SyncSender<Happening>) {
    run_aside(to, move |to| {
        let mut subscription = first;
        loop {
            let happening = match subscription.next(WAIT) {
                Ok(Some(event)) => Input::Event(Box::new(event)),
                Ok(None) => continue,
                Err(error @ Error::ConnectionLost { .. }) => {
                    let why = reason(&error);
                    if to.send(Happening::Input(Input::Gone(why))).is_err() {
                        return;
                    }
                    match again(&client) {
                        Ok(found) => subscription = found,
                        Err(error) => return end(to, error.into()),
                    }
                    Input::Back
                }
                Err(error) => return end(to, error.into()),
            };
            if to.send(Happening::Input(happening)).is_err() {
                return;
            }
        }
    });
}

fn end(to: &SyncSender<Happening>, failure: Failure) {
    // Nobody listens any more: then nobody is to be told.
    let _ = to.send(Happening::Failed(failure));
}

/// A subscription to the daemon that comes. Everything is read anew after it, so
/// it begins with what happens next.
fn again(client: &Client) -> Result<Subscription, Error> {
    loop {
        match client.subscribe(&everything()) {
            Err(error)
                if error.is_daemon_down()
                    || matches!(error.kind(), ErrorKind::NotReady | ErrorKind::Busy) =>
            {
                thread::sleep(LOOK_EVERY);
            }
            outcome => return outcome,
        }
    }
}

/// All events.
pub fn everything() -> events::SubscribeParams {
    events::SubscribeParams::default()
}

/// Why the connection broke, without the method that it broke under.
fn reason(error: &Error) -> String {
    match error {
        Error::ConnectionLost { why, .. } => why.clone(),
        error => error.to_string(),
    }
}

/// Answers what comes, one after the other, in a thread of its own.
pub fn answer(paths: Paths, asked: Receiver<Ask>, to: SyncSender<Happening>) {
    run_aside(to, move |to| {
        let mut line = Line {
            client: client(&paths.socket),
            paths,
            post: None,
        };
        for ask in asked {
            let answer = line.answer(&ask).map_err(Failure::from);
            let input = Input::Answered(ask, answer);
            if to.send(Happening::Input(input)).is_err() {
                return;
            }
        }
    });
}

struct Line {
    client: Client,
    paths: Paths,
    /// A post that failed, and its key: the same post again has the same key, so
    /// that one whose fate is unknown is not sent twice.
    post: Option<(Post, Uuid)>,
}

impl Line {
    fn answer(&mut self, ask: &Ask) -> Result<Answer, Error> {
        Ok(match ask {
            Ask::Part(part) => self.part(*part)?,
            Ask::Page(view, span) => Answer::Page(self.page(view, *span)?),
            Ask::Threads(place) => Answer::Threads(
                self.client
                    .call::<threads::List>(&threads::ListParams {
                        channel: channel_of(place),
                        all: true,
                    })?
                    .threads,
            ),
            Ask::Search(query) => Answer::Hits(
                self.client
                    .call::<message::Search>(&search(query.clone()))?
                    .hits,
            ),
            Ask::Post(post) => self.post(post)?,
            Ask::MarkRead(channel) => {
                let params = read::MarkParams {
                    channel: channel.clone(),
                    seq: None,
                    client_key: Some(Uuid::now_v7()),
                    wait: Wait::Queued,
                    timeout_ms: None,
                    session: None,
                };
                let written = self.client.call_within::<read::Mark>(&params, WRITE)?;
                Answer::Receipt(written.receipt)
            }
        })
    }

    fn part(&mut self, part: Part) -> Result<Answer, Error> {
        let nothing = &NoParams {};
        let client = &mut self.client;
        Ok(match part {
            Part::Status => Answer::Status(Box::new(client.call::<daemon::Status>(nothing)?)),
            Part::Inbox => Answer::Inbox(client.call::<inbox::Unread>(nothing)?.inbox),
            Part::Channels => Answer::Channels(
                client
                    .call::<channel::List>(&channel::ListParams::default())?
                    .channels,
            ),
            Part::Conversations => {
                Answer::Conversations(client.call::<dm::Conversations>(nothing)?.conversations)
            }
            Part::Sessions => {
                let params = session::ListParams {
                    limit: Some(WORK),
                    ..session::ListParams::default()
                };
                Answer::Sessions(client.call::<session::List>(&params)?.sessions)
            }
            Part::Claims => {
                let params = claim::ListParams {
                    limit: Some(WORK),
                    ..claim::ListParams::default()
                };
                Answer::Claims(client.call::<claim::List>(&params)?.claims)
            }
            // Without a view there is no page.
            Part::Page => Answer::Nothing,
        })
    }

    fn page(&mut self, view: &View, span: Span) -> Result<message::Page, Error> {
        let (before, after) = match span {
            Span::Newest => (None, None),
            Span::Before(id) => (Some(id), None),
            Span::After(id) => (None, Some(id)),
            Span::UpTo(id) => (Some(id.saturating_add(1)), None),
        };
        match &view.place {
            Place::Channel { id, .. } => self.client.call::<message::List>(&message::ListParams {
                channel: ChannelRef::Id(*id),
                thread_id: view.thread,
                limit: Some(PAGE),
                before,
                after,
                author: None,
                kind: None,
            }),
            Place::Conversation { user, .. } => self.client.call::<dm::List>(&dm::ListParams {
                with: UserRef::from(format!("@{user}")),
                limit: Some(PAGE),
                before,
                after,
            }),
        }
    }

    fn post(&mut self, post: &Post) -> Result<Answer, Error> {
        let key = match self.post.take() {
            Some((same, key)) if same == *post => key,
            _ => Uuid::now_v7(),
        };
        let reply_to = post.reply_to.map(MessageRef::Id);
        let cwd = std::env::current_dir()
            .ok()
            .and_then(|dir| dir.into_os_string().into_string().ok());
        let outcome = match &post.view.place {
            Place::Channel { id, .. } => self.send::<message::Send>(&message::SendParams {
                channel: ChannelRef::Id(*id),
                content: post.text.clone(),
                kind: None,
                thread_id: post.view.thread,
                reply_to,
                cwd,
                context: Context::default(),
                client_key: Some(key),
                wait: Wait::Queued,
                timeout_ms: None,
                session: None,
            }),
            Place::Conversation { user, .. } => self.send::<dm::Send>(&dm::SendParams {
                to: UserRef::from(format!("@{user}")),
                content: post.text.clone(),
                reply_to,
                cwd,
                context: Context::default(),
                client_key: Some(key),
                wait: Wait::Queued,
                timeout_ms: None,
                session: None,
            }),
        };
        if outcome.is_err() {
            self.post = Some((post.clone(), key));
        }
        outcome
    }

    /// Sends, or leaves it in the spool where no daemon answers or one stops.
    fn send<M>(&mut self, params: &M::Params) -> Result<Answer, Error>
    where
        M: Method<Result = spaces_client::spaces_api::Written>,
        M::Params: WriteParams,
    {
        match self.client.call_within::<M>(params, WRITE) {
            Ok(written) => Ok(Answer::Receipt(written.receipt)),
            Err(error) if error.is_daemon_down() => match spool::write::<M>(&self.paths, params) {
                Ok(_) => Ok(Answer::Spooled),
                Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

fn channel_of(place: &Place) -> ChannelRef {
    match place.channel_id() {
        Some(id) => ChannelRef::Id(id),
        None => ChannelRef::Name(place.label()),
    }
}

fn search(query: String) -> message::SearchParams {
    message::SearchParams {
        query,
        channel: None,
        author: None,
        kind: None,
        repo: None,
        branch: None,
        since: None,
        limit: Some(100),
    }
}
