//! The declarations. Order and types are the module's, field by field;
//! `tests/schema.rs` compares them with the compiled module.

use spacetimedb_sdk::__codegen::{self as __sdk, __lib, __sats, __ws};
use spacetimedb_sdk::{Identity, Timestamp};

use crate::connection::{EventContext, Procedure, RemoteModule};
use crate::declared::Declared;

impl Tables {
    pub(crate) fn new(imp: __sdk::DbContextImpl<RemoteModule>) -> Self {
        Self { imp }
    }
}

fn parse_rows<Row>(
    rows: __ws::v2::BsatnRowList,
    as_deletes: bool,
) -> __sdk::Result<__sdk::TableUpdate<Row>>
where
    Row: __lib::de::DeserializeOwned + std::fmt::Debug,
{
    if as_deletes {
        __sdk::parse_row_list_as_deletes(rows)
    } else {
        __sdk::parse_row_list_as_inserts(rows)
    }
}

fn unknown_table(name: &str) -> __sdk::Error {
    __sdk::InternalError::unknown_name("table", name, "the hub's update").into()
}

wire! {
    choice UserKind { Human, Agent, }
    record User {
        identity: Identity,
        username: String,
        display_name: Option<String>,
        bio: Option<String>,
        avatar_url: Option<String>,
        kind: UserKind,
        created_at: Timestamp,
    }
}

module! {
    tables {
        user: User kept by identity,
    }
    views {
        my_x: User passing,
    }
    reducers {
        leave_voice: LeaveVoice {}
        send: Send { a: String, b: Option<u64>, }
    }
    procedures {
        history: History { a: u64, } -> Result<Vec<User>, String>;
    }
}
