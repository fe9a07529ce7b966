//! The one macro behind the declarations in `module.rs`. What it writes is what
//! a client of the SpacetimeDB SDK needs to know of a module: the types on the
//! wire, which tables there are, and how calls are named.

/// Declares types that travel between module and client. The wire format has no
/// tags, so fields and variants must stand in the module's order.
macro_rules! wire {
    ($($(#[$doc:meta])* $kind:ident $name:ident { $($body:tt)* })*) => {$(
        wire!(@ $kind $(#[$doc])* $name { $($body)* });
    )*};
    (@ record $(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, __lib::SpacetimeType)]
        #[sats(crate = __lib)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }

        impl __sdk::InModule for $name {
            type Module = RemoteModule;
        }
    };
    (@ choice $(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $(($type:ty))?,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, __lib::SpacetimeType)]
        #[sats(crate = __lib)]
        pub enum $name { $($(#[$vdoc])* $variant $(($type))?,)* }
    };
}

/// Declares the module: one line per table, view, reducer and procedure.
///
/// A table or view is `kept by KEY` (its rows stay in the SDK's cache, and an
/// update is told apart from a delete and an insert by the primary key), `kept`
/// (without a key), or `passing` (rows are handed to `on_insert` and then
/// forgotten: for events, and for tables that the client stores by itself).
macro_rules! module {
    (
        tables { $($table:ident: $table_row:ident $table_use:ident $(by $table_key:ident)?,)* }
        views { $($view:ident: $view_row:ident $view_use:ident $(by $view_key:ident)?,)* }
        reducers { $($reducer:ident: $args:ident { $($arg:ident: $arg_type:ty,)* })* }
        procedures { $($procedure:ident: $proc_args:ident { $($proc_arg:ident: $proc_type:ty,)* } -> $output:ty;)* }
    ) => {
        /// The rows of one transaction, or of one subscription's answer.
        #[derive(Debug, Default)]
        pub struct DbUpdate {
            $($table: __sdk::TableUpdate<$table_row>,)*
            $($view: __sdk::TableUpdate<$view_row>,)*
        }

        impl __sdk::InModule for DbUpdate {
            type Module = RemoteModule;
        }

        impl TryFrom<__ws::v2::TransactionUpdate> for DbUpdate {
            type Error = __sdk::Error;

            fn try_from(raw: __ws::v2::TransactionUpdate) -> Result<Self, Self::Error> {
                let mut update = Self::default();
                for rows in __sdk::transaction_update_iter_table_updates(raw) {
                    match &rows.table_name[..] {
                        $(stringify!($table) => update.$table.append(__sdk::TableUpdate::parse_table_update(rows)?),)*
                        $(stringify!($view) => update.$view.append(__sdk::TableUpdate::parse_table_update(rows)?),)*
                        unknown => return Err(unknown_table(unknown)),
                    }
                }
                Ok(update)
            }
        }

        impl DbUpdate {
            fn from_rows(raw: __ws::v2::QueryRows, as_deletes: bool) -> __sdk::Result<Self> {
                let mut update = Self::default();
                for rows in raw.tables {
                    match &rows.table[..] {
                        $(stringify!($table) => update.$table.append(parse_rows(rows.rows, as_deletes)?),)*
                        $(stringify!($view) => update.$view.append(parse_rows(rows.rows, as_deletes)?),)*
                        unknown => return Err(unknown_table(unknown)),
                    }
                }
                Ok(update)
            }
        }

        impl __sdk::DbUpdate for DbUpdate {
            fn apply_to_client_cache(&self, cache: &mut __sdk::ClientCache<RemoteModule>) -> AppliedDiff<'_> {
                AppliedDiff {
                    $($table: applied!(cache, stringify!($table), &self.$table, $table_use $(by $table_key)?),)*
                    $($view: applied!(cache, stringify!($view), &self.$view, $view_use $(by $view_key)?),)*
                }
            }

            fn parse_initial_rows(raw: __ws::v2::QueryRows) -> __sdk::Result<Self> {
                Self::from_rows(raw, false)
            }

            fn parse_unsubscribe_rows(raw: __ws::v2::QueryRows) -> __sdk::Result<Self> {
                Self::from_rows(raw, true)
            }
        }

        /// What an update changed for the client.
        pub struct AppliedDiff<'r> {
            $($table: __sdk::TableAppliedDiff<'r, $table_row>,)*
            $($view: __sdk::TableAppliedDiff<'r, $view_row>,)*
        }

        impl __sdk::InModule for AppliedDiff<'_> {
            type Module = RemoteModule;
        }

        impl<'r> __sdk::AppliedDiff<'r> for AppliedDiff<'r> {
            fn invoke_row_callbacks(&self, event: &EventContext, callbacks: &mut __sdk::DbCallbacks<RemoteModule>) {
                $(callbacks.invoke_table_row_callbacks(stringify!($table), &self.$table, event);)*
                $(callbacks.invoke_table_row_callbacks(stringify!($view), &self.$view, event);)*
            }
        }

        /// The tables and views, for callbacks and for the rows that are kept.
        pub struct Tables {
            imp: __sdk::DbContextImpl<RemoteModule>,
        }

        impl __sdk::InModule for Tables {
            type Module = RemoteModule;
        }

        impl Tables {
            $(pub fn $table(&self) -> __sdk::TableHandle<$table_row> { self.imp.get_table(stringify!($table)) })*
            $(pub fn $view(&self) -> __sdk::TableHandle<$view_row> { self.imp.get_table(stringify!($view)) })*
        }

        pub(crate) fn register_tables(cache: &mut __sdk::ClientCache<RemoteModule>) {
            $(cache.get_or_make_table::<$table_row>(stringify!($table));)*
            $(cache.get_or_make_table::<$view_row>(stringify!($view));)*
        }

        pub(crate) const ALL_TABLE_NAMES: &[&str] = &[$(stringify!($table),)* $(stringify!($view),)*];

        /// The arguments of each reducer.
        pub mod reducers {
            use super::*;
            wire! { $(record $args { $($arg: $arg_type,)* })* }
        }

        /// A call of a reducer.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Reducer { $($args(reducers::$args),)* }

        impl __sdk::InModule for Reducer {
            type Module = RemoteModule;
        }

        impl __sdk::Reducer for Reducer {
            fn reducer_name(&self) -> &'static str {
                match self { $(Self::$args(_) => stringify!($reducer),)* }
            }

            fn args_bsatn(&self) -> Result<Vec<u8>, __sats::bsatn::EncodeError> {
                match self { $(Self::$args(args) => __sats::bsatn::to_vec(args),)* }
            }
        }

        $(impl From<reducers::$args> for Reducer {
            fn from(args: reducers::$args) -> Self { Self::$args(args) }
        })*

        /// The arguments of each procedure.
        pub mod procedures {
            use super::*;
            use crate::connection::Procedure;
            wire! { $(record $proc_args { $($proc_arg: $proc_type,)* })* }

            $(impl Procedure for $proc_args {
                const NAME: &'static str = stringify!($procedure);
                type Output = $output;
            })*
        }

        /// Everything declared above, as types that can be compared with a schema.
        pub fn declared() -> Declared {
            Declared {
                tables: vec![$(Declared::row::<$table_row>(stringify!($table), key!($($table_key)?)),)*],
                views: vec![$(Declared::row::<$view_row>(stringify!($view), None),)*],
                reducers: vec![$(Declared::call::<reducers::$args>(stringify!($reducer)),)*],
                procedures: vec![$((
                    Declared::call::<procedures::$proc_args>(stringify!($procedure)),
                    Declared::type_of::<$output>(),
                ),)*],
            }
        }
    };
}

macro_rules! applied {
    ($cache:ident, $name:expr, $update:expr, kept by $key:ident) => {
        $cache
            .apply_diff_to_table($name, $update)
            .with_updates_by_pk(|row| &row.$key)
    };
    ($cache:ident, $name:expr, $update:expr, kept) => {
        $cache.apply_diff_to_table($name, $update)
    };
    ($cache:ident, $name:expr, $update:expr, passing) => {
        $update.into_event_diff()
    };
}

macro_rules! key {
    () => {
        None
    };
    ($key:ident) => {
        Some(stringify!($key))
    };
}
