use std::time::Duration;

use clap::Args;
use spaces_client::spaces_api::methods::{events, message};
use spaces_client::spaces_api::model::{Event, EventKind, Message};
use spaces_client::spaces_api::{ChannelRef, ErrorKind};
use spaces_client::{Error, Subscription};

use crate::ctl::{Ctl, note};
use crate::failure::Failure;
use crate::output::{BOLD, DIM, Out, clean_line};
use crate::{names, render};

/// Show the end of a channel, and with -f what comes
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl tail agent-logs
  spacesctl tail -f general
  spacesctl tail -f general --json | jq -r .content")]
pub struct Tail {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    /// Go on with what comes, also over a restart of the daemon
    #[arg(long, short = 'f')]
    follow: bool,
    /// How many of the newest messages to begin with
    #[arg(long, short = 'n', default_value_t = 10)]
    limit: u32,
}

/// Show everything that happens, one event a line
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl events
  spacesctl events --kind message --kind receipt --json
  spacesctl events --cursor 1200 --json      what came after event 1200")]
pub struct Events {
    /// Begin after this event; with the next one if absent
    #[arg(long)]
    cursor: Option<u64>,
    /// Only events of this word: message, receipt, session, claim, ... (repeatable)
    #[arg(long = "kind", value_name = "WORD")]
    kinds: Vec<String>,
    /// Only messages of this channel (repeatable)
    #[arg(long = "channel", value_name = "CHANNEL", add = names::channels())]
    channels: Vec<ChannelRef>,
}

/// How often a follower looks whether a daemon that went away is back.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long one wait for an event is.
const WAIT: Duration = Duration::from_secs(60);

impl Tail {
    /// Shows the end of the channel and follows it.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let follow = self.follow;
        let mut following = Following {
            of: self,
            shown: Shown::default(),
        };
        // Before the page is read, so that nothing falls between the two.
        let subscription = match follow {
            true => Some(ctl.client.subscribe(&following.subscription(None))?),
            false => None,
        };
        let page = following.of.page(ctl)?;
        following.show_page(&mut ctl.out, &page)?;
        ctl.out.flush()?;
        match subscription {
            Some(subscription) => follow_on(ctl, subscription, &mut following),
            None => Ok(()),
        }
    }

    fn page(&self, ctl: &mut Ctl) -> Result<message::Page, Error> {
        ctl.client.call::<message::List>(&message::ListParams {
            channel: self.channel.clone(),
            thread_id: None,
            limit: Some(self.limit),
            before: None,
            after: None,
            author: None,
            kind: None,
        })
    }
}

/// A channel's end that is followed.
struct Following {
    of: Tail,
    shown: Shown,
}

impl Following {
    fn show_page(&mut self, out: &mut Out, page: &message::Page) -> Result<(), Failure> {
        for message in &page.messages {
            self.shown.show(out, message)?;
        }
        if !out.is_json() {
            out.freshness(&page.meta);
        }
        Ok(())
    }
}

impl Follower for Following {
    fn subscription(&self, cursor: Option<u64>) -> events::SubscribeParams {
        events::SubscribeParams {
            cursor,
            kinds: vec!["message".to_owned()],
            channels: vec![self.of.channel.clone()],
        }
    }

    fn show(&mut self, out: &mut Out, event: &Event) -> Result<(), Failure> {
        match &event.what {
            EventKind::Message { message } => self.shown.show(out, message),
            _ => Ok(()),
        }
    }

    fn make_good(&mut self, ctl: &mut Ctl) -> Result<(), Failure> {
        let page = self.of.page(ctl)?;
        let newest = page.messages.iter().filter_map(|message| message.seq).max();
        if newest.is_some_and(|newest| newest < self.shown.newest_seq) {
            // A hub that was set back to a copy, or another one.
            note("the hub does not have what was shown last; the channel as it is now:");
            self.shown = Shown::default();
        }
        self.show_page(&mut ctl.out, &page)
    }
}

/// What `tail` has shown, so that a message that was shown while it was pending,
/// or on the first page, is not shown again.
#[derive(Default)]
struct Shown {
    newest_seq: u64,
    pending: Vec<(String, String)>,
}

impl Shown {
    fn show(&mut self, out: &mut Out, message: &Message) -> Result<(), Failure> {
        if let Some(seq) = message.seq {
            if seq <= self.newest_seq {
                return Ok(());
            }
            self.newest_seq = seq;
        }
        if out.is_json() {
            return out.json(message);
        }
        let same = (message.author.identity.clone(), message.content.clone());
        let known = self.pending.iter().position(|pending| *pending == same);
        match (message.pending, known) {
            (true, Some(_)) => return Ok(()),
            (true, None) => self.pending.push(same),
            (false, Some(index)) => {
                self.pending.swap_remove(index);
                return Ok(());
            }
            (false, None) => {}
        }
        render::message(out, message, false);
        Ok(())
    }
}

impl Events {
    /// Follows the events.
    pub fn run(mut self, ctl: &mut Ctl) -> Result<(), Failure> {
        let subscription = ctl.client.subscribe(&self.subscription(self.cursor))?;
        follow_on(ctl, subscription, &mut self)
    }
}

impl Follower for Events {
    fn subscription(&self, cursor: Option<u64>) -> events::SubscribeParams {
        events::SubscribeParams {
            cursor,
            kinds: self.kinds.clone(),
            channels: self.channels.clone(),
        }
    }

    fn show(&mut self, out: &mut Out, event: &Event) -> Result<(), Failure> {
        if out.is_json() {
            return out.json(event);
        }
        show_event(out, event);
        Ok(())
    }

    fn make_good(&mut self, _: &mut Ctl) -> Result<(), Failure> {
        note("events were missed: they are no longer kept");
        Ok(())
    }
}

/// A command that shows events as they come.
trait Follower {
    /// What it wants to hear of, from a cursor on or from now on.
    fn subscription(&self, cursor: Option<u64>) -> events::SubscribeParams;

    fn show(&mut self, out: &mut Out, event: &Event) -> Result<(), Failure>;

    /// Shows or tells what was missed while the events since its cursor went.
    fn make_good(&mut self, ctl: &mut Ctl) -> Result<(), Failure>;
}

/// Shows every event, until the output or the contract fails; a daemon that goes
/// away, or is about to load everything anew, is waited for.
fn follow_on(
    ctl: &mut Ctl,
    mut subscription: Subscription,
    follower: &mut impl Follower,
) -> Result<(), Failure> {
    loop {
        match subscription.next(WAIT) {
            Ok(Some(event)) => {
                follower.show(&mut ctl.out, &event)?;
                ctl.out.flush()?;
            }
            Ok(None) => {}
            Err(Error::ConnectionLost { .. }) => {
                note("the events have ended; waiting for the daemon");
                subscription = again(ctl, subscription.cursor(), follower)?;
                ctl.out.flush()?;
                note("following again");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn again(
    ctl: &mut Ctl,
    cursor: u64,
    follower: &mut impl Follower,
) -> Result<Subscription, Failure> {
    let mut cursor = Some(cursor);
    loop {
        let subscribed = ctl.client.subscribe(&follower.subscription(cursor));
        let outcome = match subscribed.map_err(Failure::from) {
            // What comes from now on comes by it; what is lost before is asked for.
            Ok(subscription) if cursor.is_none() => follower.make_good(ctl).map(|()| subscription),
            outcome => outcome,
        };
        match outcome {
            Err(failure) if failure.kind == ErrorKind::CursorExpired => cursor = None,
            Err(failure)
                if failure.daemon_down
                    || matches!(failure.kind, ErrorKind::NotReady | ErrorKind::Busy) =>
            {
                std::thread::sleep(LOOK_EVERY);
            }
            outcome => return outcome,
        }
    }
}

fn show_event(out: &mut Out, event: &Event) {
    out.line(format_args!(
        "{DIM}{} {}{DIM:#} {BOLD}{}{BOLD:#}",
        event.cursor,
        event.at,
        event.what.word()
    ));
    match &event.what {
        EventKind::Message { message } => render::message(out, message, true),
        EventKind::Receipt { receipt } => {
            out.line(crate::ctl::receipt_line(receipt, "write"));
        }
        EventKind::Session { session } => render::session(out, session),
        EventKind::Claim { claim } => render::claim(out, claim),
        EventKind::Inbox { item } => render::inbox_item(out, item),
        EventKind::Channel { channel } => render::channel(out, channel),
        EventKind::Member { member } => super::member::line(out, member),
        EventKind::Presence { user } => render::user(out, user),
        EventKind::Typing { username, .. } => {
            out.line(format_args!("    @{} types", clean_line(username)));
        }
        EventKind::Voice { participants, .. } => {
            let names: Vec<_> = participants
                .iter()
                .map(|participant| format!("@{}", participant.user.username))
                .collect();
            out.line(format_args!("    {}", clean_line(&names.join(" "))));
        }
        EventKind::Removed { kind, id } => {
            out.line(format_args!("    {} {}", clean_line(kind), clean_line(id)));
        }
        EventKind::Hub { state } => out.line(format_args!("    {}", state.as_str())),
    }
}
