//! Older history on demand: where the cache lacks a part of a page of messages,
//! the hub is asked for it.
//!
//! What it gives is passed on and not kept. The cache drops the oldest first, so
//! it would drop this at once wherever it is full; and it would have to count as
//! unread what nobody has missed. The reader has the page, and asking again costs
//! one question.

use std::time::Duration;

use spaces_api::RpcError;
use spaces_api::methods::message::Page;
use spaces_api::model::Older;
use spaces_domain::limits::HISTORY_PAGE;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::reference::cache_failed;
use crate::cache::{MessagePage, PageQuery};
use crate::daemon::Daemon;
use crate::row::{MessageRow, PageEnd};
use crate::uplink::PastPage;

/// How long a read waits for the hub. After that it is answered as offline: the
/// hub may hang for longer before the link is given up.
const HUB_ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// A page of the cache as the answer to a read, with what it lacks from the hub
/// where that can be asked.
pub(super) async fn complete(
    daemon: &Daemon,
    query: &PageQuery,
    page: MessagePage,
) -> Result<Page, RpcError> {
    let mut answer = Page {
        before: page.before,
        after: page.after,
        older: Some(match page.before {
            Some(_) => Older::More,
            None => Older::None,
        }),
        messages: page.messages,
        meta: daemon.meta(),
    };
    if let Some(gap) = page.gap {
        let whole = answer.messages.len() - gap.beyond;
        let lacking = (query.limit as usize).saturating_sub(whole);
        if lacking == 0 {
            // The gap is before the page, not in it.
            answer.before = answer.messages.iter().find_map(|message| message.id);
            answer.older = Some(Older::More);
        } else if let Some(past) = fetch(daemon, query, gap.end, lacking).await {
            let shown = daemon.cache.show(query.channel_id, &past.messages);
            let mut shown = shown.map_err(|error| cache_failed(&error))?;
            let laid = daemon.overlay().lay(|laid| {
                laid.change(&mut shown);
                Ok(())
            });
            laid.map_err(|error| cache_failed(&error))?;
            shown.extend(answer.messages.drain(gap.beyond..));
            answer.messages = shown;
            let newest = answer.messages.iter().rev().find_map(|message| message.id);
            answer.after = newest.or(answer.after);
            answer.before = past.before;
            answer.older = Some(match past.before {
                Some(_) => Older::More,
                None => Older::None,
            });
        } else {
            answer.older = Some(Older::OnHub);
        }
        answer.meta = daemon.meta();
    }
    if query.after.is_some() {
        answer.older = None;
    }
    Ok(answer)
}

/// What the hub had of a page.
struct Past {
    /// Oldest first.
    messages: Vec<MessageRow>,
    /// For the page before; none where the channel begins.
    before: Option<u64>,
}

/// The newest messages of a page before `end`, `lacking` of them at most: fewer
/// where the channel begins, or where the time was over before all were found.
/// None where the hub cannot be asked or has not answered in time.
async fn fetch(
    daemon: &Daemon,
    query: &PageQuery,
    mut end: PageEnd,
    lacking: usize,
) -> Option<Past> {
    if !daemon.live() {
        return None;
    }
    let until = Instant::now() + HUB_ANSWERS_WITHIN;
    // Newest first while they come.
    let mut messages = Vec::with_capacity(lacking);
    // The oldest that was looked at, while there are older ones.
    let mut reached = None;
    'pages: loop {
        let Some(page) = ask(daemon, query, end, lacking, until).await else {
            // From what was looked at the reader can go on.
            reached?;
            break;
        };
        reached = None;
        for (index, message) in page.messages.into_iter().enumerate().rev() {
            if query.after >= Some(message.id) {
                reached = None;
                break 'pages;
            }
            reached = (index > 0 || page.more).then_some((message.id, message.ordinal));
            if query.fits(&message) {
                messages.push(message);
            }
            if messages.len() == lacking {
                break 'pages;
            }
        }
        match reached {
            Some((_, ordinal)) => end = PageEnd::BeforeOrdinal(ordinal),
            None => break,
        }
    }
    if let Some((id, ordinal)) = reached {
        daemon.uplink.read_down_to(query.channel_id, id, ordinal);
    }
    messages.reverse();
    Some(Past {
        messages,
        before: reached.map(|(id, _)| id),
    })
}

async fn ask(
    daemon: &Daemon,
    query: &PageQuery,
    end: PageEnd,
    lacking: usize,
    until: Instant,
) -> Option<PastPage> {
    let wanted = match query.chooses() {
        // The hub knows pages of a channel only: what belongs to a thread or an
        // author is picked here.
        true => HISTORY_PAGE,
        false => u32::try_from(lacking).map_or(HISTORY_PAGE, |lacking| lacking.min(HISTORY_PAGE)),
    };
    let why = match timeout_at(until, daemon.uplink.history(query.channel_id, end, wanted)).await {
        Ok(Ok(page)) => return Some(page),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {HUB_ANSWERS_WITHIN:?}"),
    };
    debug!(
        channel = query.channel_id,
        why, "older messages could not be fetched"
    );
    None
}
