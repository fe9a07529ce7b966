//! The module `notes` with one more table and one more column: it can follow it.

use spacetimedb::{ProcedureContext, ReducerContext, Table, reducer, table};

#[table(accessor = note, public)]
pub struct Note {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub text: String,
    #[default(false)]
    pub pinned: bool,
}

#[table(accessor = label, public)]
pub struct Label {
    #[primary_key]
    pub name: String,
}

#[reducer]
pub fn add_label(ctx: &ReducerContext, name: String) {
    ctx.db.label().insert(Label { name });
}

#[table(accessor = secret)]
pub struct Secret {
    #[primary_key]
    pub id: u64,
    pub text: String,
}

/// How many connections are open, as the module was told.
#[table(accessor = presence, public)]
pub struct Presence {
    #[primary_key]
    pub id: u8,
    pub connections: i64,
}

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    ctx.db.presence().insert(Presence {
        id: 0,
        connections: 0,
    });
    ctx.db.secret().insert(Secret {
        id: 0,
        text: "for the owner only".into(),
    });
}

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) {
    count(ctx, 1);
}

#[reducer(client_disconnected)]
pub fn disconnected(ctx: &ReducerContext) {
    count(ctx, -1);
}

fn count(ctx: &ReducerContext, change: i64) {
    if let Some(row) = ctx.db.presence().id().find(0) {
        ctx.db.presence().id().update(Presence {
            connections: row.connections + change,
            ..row
        });
    }
}

#[reducer]
pub fn add_note(ctx: &ReducerContext, text: String) -> Result<(), String> {
    if text.is_empty() {
        return Err("invalid: a note needs a text".into());
    }
    ctx.db.note().insert(Note {
        id: 0,
        text,
        pinned: false,
    });
    log::info!("a note was added");
    Ok(())
}

#[spacetimedb::procedure]
pub fn count_notes(ctx: &mut ProcedureContext) -> u64 {
    ctx.with_tx(|tx| tx.db.note().count())
}
