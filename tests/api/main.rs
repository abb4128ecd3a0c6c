//! Every public item of the API we stand in for, used the way a program would use it. Compiling is the test: a name, a
//! signature, a field or a trait that changes breaks programs, and breaks this first.
//!
//! Functions are checked as function pointers, structs by literals that name all official fields, enums by `match`.

#![allow(
    dead_code,
    deprecated,
    clippy::needless_update,
    clippy::redundant_closure,
    clippy::single_match,
    clippy::type_complexity,
    reason = "nothing runs; programs use deprecated names; types with a default may gain fields; other ways prove less"
)]

/// Holds if the type has all the traits.
macro_rules! has {
    ($($type:ty),+ $(,)?; $($bound:tt)+) => {
        const _: fn() = || {
            fn has<T: $($bound)+>() {}
            $(has::<$type>();)+
        };
    };
}

/// Holds if the types can be written and read by serde.
macro_rules! has_serde {
    ($($type:ty),+ $(,)?) => {
        const _: fn() = || {
            $(let _ = (serde_json::to_value::<$type>, serde_json::from_str::<$type>);)+
        };
    };
}

/// Compiles if its argument has the type.
fn is<T>(_: T) {}

mod envelope;
mod functions;
mod hub_and_client;
mod integrations;
mod options;
mod protocol_context;
mod protocol_event;
mod protocol_other;
mod scope;
#[cfg(feature = "test")]
mod testing;
mod transport;
mod types;

mod envelope_items;
mod logs_metrics;
mod monitors;
mod options_later;
mod performance;
mod protocol_performance;
mod rate_limiter;
mod sessions;
