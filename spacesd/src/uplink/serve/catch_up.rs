//! How a connection synchronizes: it meets the hub, takes the state of the small
//! tables, then the messages that it lacks, and from then on follows the hub
//! from block to block.

use std::time::Instant;

use spaces_api::Timestamp;

use super::Connection;
use crate::row::MessageRow;
use crate::uplink::connect::Event;
use crate::uplink::inbound::{Gathered, Subscription};
use crate::uplink::{refusal, rows, subscribe};

/// How far synchronizing has come.
pub(super) enum Stage {
    /// Not yet known which hub and schema it is.
    Meeting,
    CatchingUp {
        /// Still to be asked for, the next one last.
        parts: Vec<Vec<String>>,
        /// Of the first window, messages from then on.
        since: Option<Timestamp>,
        received: usize,
    },
    CaughtUp,
}

impl Connection {
    /// Which hub is it, with which schema? Only then what it holds is asked for.
    pub(super) async fn meet(&mut self) -> Result<(), String> {
        let info = self.hub.db.module_info().iter().next();
        let info = info.ok_or("the hub's module tells nothing of itself: it is no Spaces module, or its set-up failed")?;
        if let Some(why) = refusal::of_schema(info.schema_version, &info.module_version) {
            return Err(why);
        }
        if !matches!(self.stage, Stage::Meeting) {
            return Ok(());
        }
        let name = rows::timestamp(info.created_at).as_micros().to_string();
        let me = self
            .me
            .ok_or("the hub said what it is before it said who we are")?;
        let bound = self.plan.sink.belongs_to(&name, me).await;
        bound.map_err(|_| "the cache could not be bound to this hub")?;
        // It may have begun anew for this hub; what was lost before comes now.
        self.rebuilds.mark_unchanged();
        self.seen = self.plan.sink.last_seq();
        self.stage = Stage::CatchingUp {
            parts: Vec::new(),
            since: None,
            received: 0,
        };
        let within = self.plan.timing.sync_within;
        self.watch.expect_rows(within, Instant::now());
        subscribe::begin(
            &self.hub,
            &self.inbound,
            Subscription::State,
            subscribe::state(),
        );
        self.event(Event::Syncing {
            schema_version: info.schema_version,
            module_version: info.module_version,
        });
        Ok(())
    }

    /// Asks for the next part once one has come; true at the end of the last.
    pub(super) fn next_step(&mut self, gathered: &mut Gathered) -> bool {
        let first = gathered.applied.contains(&Subscription::State);
        if first {
            self.plan_messages();
        }
        let Stage::CatchingUp {
            parts,
            since,
            received,
        } = &mut self.stage
        else {
            return false;
        };
        if !gathered
            .applied
            .iter()
            .any(|one| *one != Subscription::Info)
        {
            return false;
        }
        let mut at_the_end = false;
        if let Some(since) = *since {
            at_the_end = subscribe::reaches_back_to(since, gathered.messages());
            gathered.drop_messages_before(since);
        }
        *received += gathered.messages().count();
        let enough = at_the_end || *received >= self.plan.window_messages as usize;
        match parts.pop() {
            Some(queries) if first || !enough => {
                let within = self.plan.timing.sync_within;
                self.watch.expect_rows(within, Instant::now());
                subscribe::begin(&self.hub, &self.inbound, Subscription::Messages, queries);
                false
            }
            _ => {
                self.stage = Stage::CaughtUp;
                let within = self.plan.timing.answer_within;
                self.watch.expect_answers(within, Instant::now());
                true
            }
        }
    }

    /// Which messages are missing, now that the hub has said how far it is.
    fn plan_messages(&mut self) {
        let window_days = self.plan.window_days;
        let open: Vec<_> = self.hub.db.channel().iter().map(|row| row.id).collect();
        self.known = match self.seen {
            0 => None,
            _ => self.plan.sink.newest_in(&open),
        };
        let newest = self.newest_block();
        let messages = subscribe::messages(self.seen, self.known, newest, window_days);
        self.to_block = messages.to_block;
        self.stage = Stage::CatchingUp {
            parts: messages.parts.into_iter().rev().collect(),
            since: messages.since,
            received: 0,
        };
    }

    /// Whether the hub still has what we had last of it. One that was set back to
    /// a copy has not, and gives the numbers since then to other messages: what we
    /// have beyond the copy is not there, and what is new seems old to us.
    ///
    /// # Errors
    /// It has not; then we begin anew.
    pub(super) fn compare(&mut self, gathered: &Gathered) -> Result<(), String> {
        let Some(known) = self.known.take() else {
            return Ok(());
        };
        let same = |row: &MessageRow| row.id == known.id && row.created_at == known.created_at;
        if gathered.messages().any(same) {
            return Ok(());
        }
        let why = "the hub does not have the last message that we know of it: it was set back to a copy, and everything is fetched anew";
        self.plan.sink.begin_anew(why);
        Err(why.to_owned())
    }

    fn newest_block(&self) -> u64 {
        let newest = self.hub.db.newest_block().iter().next();
        newest.map_or(0, |newest| newest.block)
    }

    /// Asks for the blocks that have become the hub's newest.
    pub(super) fn follow_blocks(&mut self) {
        let newest = self.newest_block();
        while let Some((block, query)) = subscribe::next_block(self.to_block, newest) {
            subscribe::begin(
                &self.hub,
                &self.inbound,
                Subscription::Messages,
                vec![query],
            );
            self.to_block = block;
        }
    }
}
