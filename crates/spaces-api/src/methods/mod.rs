//! The methods, a file per family. `methods!` makes a marker type of each, with
//! its name, parameters, result and access, and the registry [`METHODS`].

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How a method behaves; decides what is done with it while the hub is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Answered from the local cache, with freshness.
    Read,
    /// Goes through the outbox; may be queued offline.
    Write,
    /// Needs the hub; fails at once with `hub_unreachable` while it is away.
    Admin,
    /// Concerns the daemon alone.
    Local,
}

/// A method of the contract.
pub trait Method {
    /// `family.verb`
    const NAME: &'static str;
    const ACCESS: Access;
    /// What it does, in one line.
    const SUMMARY: &'static str;
    /// Named parameters; unknown ones are refused.
    type Params: DeserializeOwned + Serialize;
    type Result: DeserializeOwned + Serialize;
}

/// One row of the registry.
#[derive(Clone, Copy)]
pub struct MethodInfo {
    pub name: &'static str,
    pub access: Access,
    pub summary: &'static str,
    #[cfg(feature = "schema")]
    pub(crate) params: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    #[cfg(feature = "schema")]
    pub(crate) result: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

macro_rules! methods {
    ($(#[doc = $summary:literal] $name:ident = $method:literal, $access:ident, $params:ty => $result:ty;)*) => {
        $(
            #[doc = $summary]
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl $crate::methods::Method for $name {
                const NAME: &'static str = $method;
                const ACCESS: $crate::methods::Access = $crate::methods::Access::$access;
                const SUMMARY: &'static str = $summary.trim_ascii();
                type Params = $params;
                type Result = $result;
            }
        )*

        pub(crate) const METHODS: &[$crate::methods::MethodInfo] = &[$(
            $crate::methods::MethodInfo {
                name: $method,
                access: $crate::methods::Access::$access,
                summary: $summary.trim_ascii(),
                #[cfg(feature = "schema")]
                params: schemars::SchemaGenerator::subschema_for::<$params>,
                #[cfg(feature = "schema")]
                result: schemars::SchemaGenerator::subschema_for::<$result>,
            },
        )*];
    };
}

/// Parameters of reads: plain structs in which unknown fields are refused.
macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }
    )*};
}

/// Parameters of writes: as `params!`, plus the fields of a [`crate::Delivery`].
macro_rules! write_params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $type,)*
            /// Idempotency key (UUID); made by the daemon if absent. A repeat with the
            /// same key and content gives the same receipt.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub client_key: Option<uuid::Uuid>,
            /// What to wait for.
            #[serde(default)]
            pub wait: $crate::Wait,
            /// Limit of a wait for `sent`, in milliseconds (default 10,000; at most 60,000).
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub timeout_ms: Option<u64>,
            /// The agent session for which the call is made; holds it to the agent tier.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub session: Option<String>,
        }

        impl $crate::WriteParams for $name {
            fn delivery(&self) -> $crate::Delivery {
                $crate::Delivery {
                    client_key: self.client_key,
                    wait: self.wait,
                    timeout_ms: self.timeout_ms,
                    session: self.session.clone(),
                }
            }
        }
    )*};
}

params! {
    /// No parameters.
    #[derive(Default)]
    None {}
}

pub mod activity;
pub mod audit;
pub mod channel;
pub mod claim;
pub mod daemon;
pub mod dm;
pub mod events;
pub mod hub;
pub mod inbox;
pub mod invite;
pub mod member;
pub mod message;
pub mod note;
pub mod outbox;
pub mod read;
pub mod server;
pub mod session;
pub mod thread;
pub mod user;
pub mod voice;

const FAMILIES: &[&[MethodInfo]] = &[
    daemon::METHODS,
    session::METHODS,
    activity::METHODS,
    message::METHODS,
    dm::METHODS,
    note::METHODS,
    claim::METHODS,
    channel::METHODS,
    thread::METHODS,
    server::METHODS,
    member::METHODS,
    invite::METHODS,
    hub::METHODS,
    user::METHODS,
    voice::METHODS,
    inbox::METHODS,
    read::METHODS,
    audit::METHODS,
    outbox::METHODS,
    events::METHODS,
];

/// Every method of the contract, family by family. `rpc.discover` stands beside
/// them: it describes them.
pub static METHODS: std::sync::LazyLock<Vec<MethodInfo>> =
    std::sync::LazyLock::new(|| FAMILIES.concat());

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::METHODS;

    #[test]
    fn names_are_distinct_and_are_family_verb() {
        let names: HashSet<_> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(names.len(), METHODS.len());
        for name in names {
            assert_eq!(name.split('.').count(), 2, "{name}");
        }
    }
}
