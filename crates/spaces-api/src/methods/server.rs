//! `server.*`: communities inside a hub.

use super::None;
use crate::model::{Server, Visibility, results};
use crate::{Meta, Receipt, ServerRef, Written};

methods! {
    /// Servers that the caller may see.
    List = "server.list", Read, None => Servers;
    /// Makes a server; the caller is its owner.
    Create = "server.create", Admin, CreateParams => Created;
    /// Changes a server's name, description or icon.
    Update = "server.update", Admin, UpdateParams => Written;
    /// Deletes a server with all its channels.
    Delete = "server.delete", Admin, ServerParams => Written;
    /// Joins an open server.
    Join = "server.join", Admin, ServerParams => Written;
    /// Leaves a server.
    Leave = "server.leave", Admin, ServerParams => Written;
}

write_params! {
    CreateParams {
        /// 1 to 64 characters.
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// A private server is invite-only, and so are all its channels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        visibility: Option<Visibility>,
    }
    UpdateParams {
        server: ServerRef,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon_url: Option<String>,
    }
    ServerParams {
        server: ServerRef,
    }
}

results! {
    Servers {
        servers: Vec<Server>,
        meta: Meta,
    }
    Created {
        server: Server,
        receipt: Receipt,
    }
}
