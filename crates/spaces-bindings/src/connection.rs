//! The connection and the contexts that the SDK hands to callbacks.

use spacetimedb_sdk::__codegen as __sdk;

use crate::{AppliedDiff, DbUpdate, Reducer, Tables};

/// The Spaces module, as the SDK's type parameter.
#[derive(Debug)]
pub struct RemoteModule;

impl __sdk::InModule for RemoteModule {
    type Module = Self;
}

impl __sdk::SpacetimeModule for RemoteModule {
    type DbConnection = DbConnection;
    type EventContext = EventContext;
    type ReducerEventContext = ReducerEventContext;
    type ProcedureEventContext = ProcedureEventContext;
    type SubscriptionEventContext = SubscriptionEventContext;
    type ErrorContext = ErrorContext;
    type Reducer = Reducer;
    type DbView = Tables;
    type Reducers = Calls;
    type Procedures = Calls;
    type DbUpdate = DbUpdate;
    type AppliedDiff<'r> = AppliedDiff<'r>;
    type SubscriptionHandle = SubscriptionHandle;
    type QueryBuilder = __sdk::QueryBuilder;

    fn register_tables(cache: &mut __sdk::ClientCache<Self>) {
        crate::module::register_tables(cache);
    }

    const ALL_TABLE_NAMES: &'static [&'static str] = crate::module::ALL_TABLE_NAMES;
}

/// A procedure's arguments, which name it and what it returns.
pub trait Procedure: __sdk::__lib::ser::Serialize + __sdk::InModule<Module = RemoteModule> {
    const NAME: &'static str;
    type Output: for<'de> __sdk::__lib::de::Deserialize<'de> + 'static;
}

/// How a call of a reducer ended: `Ok(Ok(()))` committed (durable where the
/// connection has confirmed reads), `Ok(Err(text))` refused by the module, `Err`
/// failed inside the hub.
pub type Completion = Result<Result<(), String>, __sdk::InternalError>;

/// One WebSocket connection to a hub. Nothing happens on it until one of the
/// `advance` or `run` methods drives it.
pub struct DbConnection {
    pub db: Tables,
    pub calls: Calls,
    imp: __sdk::DbContextImpl<RemoteModule>,
}

impl DbConnection {
    pub fn builder() -> __sdk::DbConnectionBuilder<RemoteModule> {
        __sdk::DbConnectionBuilder::new()
    }

    /// Waits for one message or one queued call and carries it out.
    pub async fn advance_one_message_async(&self) -> __sdk::Result<()> {
        self.imp.advance_one_message_async().await
    }

    /// Drives the connection on a thread of its own until it ends.
    pub fn run_threaded(&self) -> std::thread::JoinHandle<()> {
        self.imp.run_threaded()
    }

    pub fn subscription_builder(&self) -> __sdk::SubscriptionBuilder<RemoteModule> {
        __sdk::SubscriptionBuilder::new(&self.imp)
    }

    pub fn is_active(&self) -> bool {
        self.imp.is_active()
    }

    pub fn try_identity(&self) -> Option<__sdk::Identity> {
        self.imp.try_identity()
    }

    /// Queues a clean close.
    pub fn disconnect(&self) -> __sdk::Result<()> {
        self.imp.disconnect()
    }
}

impl __sdk::InModule for DbConnection {
    type Module = RemoteModule;
}

impl __sdk::DbConnection for DbConnection {
    fn new(imp: __sdk::DbContextImpl<RemoteModule>) -> Self {
        Self {
            db: Tables::new(imp.clone()),
            calls: Calls { imp: imp.clone() },
            imp,
        }
    }
}

/// Calls of reducers and procedures. They are queued in the order of calling and
/// sent when the connection is driven; if it ends first, the callback is dropped.
pub struct Calls {
    imp: __sdk::DbContextImpl<RemoteModule>,
}

impl __sdk::InModule for Calls {
    type Module = RemoteModule;
}

impl Calls {
    /// `done` is also given the moment, by the hub's clock, at which it ran.
    pub fn reducer(
        &self,
        reducer: impl Into<Reducer>,
        done: impl FnOnce(__sdk::Timestamp, Completion) + Send + 'static,
    ) -> __sdk::Result<()> {
        self.imp
            .invoke_reducer_with_callback::<Reducer>(reducer.into(), move |ctx, completion| {
                done(ctx.event.timestamp, completion)
            })
    }

    pub fn procedure<P: Procedure>(
        &self,
        arguments: P,
        done: impl FnOnce(Result<P::Output, __sdk::InternalError>) + Send + 'static,
    ) {
        self.imp.invoke_procedure_with_callback::<P, P::Output>(
            P::NAME,
            arguments,
            move |_, output| done(output),
        );
    }
}

/// A live subscription.
#[derive(Clone)]
pub struct SubscriptionHandle {
    imp: __sdk::SubscriptionHandleImpl<RemoteModule>,
}

impl __sdk::InModule for SubscriptionHandle {
    type Module = RemoteModule;
}

impl __sdk::SubscriptionHandle for SubscriptionHandle {
    fn new(imp: __sdk::SubscriptionHandleImpl<RemoteModule>) -> Self {
        Self { imp }
    }

    fn is_ended(&self) -> bool {
        self.imp.is_ended()
    }

    fn is_active(&self) -> bool {
        self.imp.is_active()
    }

    fn unsubscribe_then(self, on_end: __sdk::OnEndedCallback<RemoteModule>) -> __sdk::Result<()> {
        self.imp.unsubscribe_then(Some(on_end))
    }

    fn unsubscribe(self) -> __sdk::Result<()> {
        self.imp.unsubscribe_then(None)
    }
}

macro_rules! contexts {
    ($($(#[$doc:meta])* $name:ident: $kind:ident($event:ty);)*) => {$(
        $(#[$doc])*
        pub struct $name {
            pub db: Tables,
            pub event: $event,
        }

        impl __sdk::InModule for $name {
            type Module = RemoteModule;
        }

        impl __sdk::AbstractEventContext for $name {
            type Event = $event;

            fn event(&self) -> &Self::Event {
                &self.event
            }

            fn new(imp: __sdk::DbContextImpl<RemoteModule>, event: Self::Event) -> Self {
                Self { db: Tables::new(imp), event }
            }
        }

        impl __sdk::$kind for $name {}
    )*};
}

contexts! {
    /// What a row's callback is given.
    EventContext: EventContext(__sdk::Event<Reducer>);
    /// What a reducer's callback is given.
    ReducerEventContext: ReducerEventContext(__sdk::ReducerEvent<Reducer>);
    /// What a procedure's callback is given.
    ProcedureEventContext: ProcedureEventContext(());
    /// What a subscription's callback is given.
    SubscriptionEventContext: SubscriptionEventContext(());
    /// What the callback of a failure is given.
    ErrorContext: ErrorContext(Option<__sdk::Error>);
}
