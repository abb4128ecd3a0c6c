//! What travels to Sentry: the payload types of protocol 7 and the envelope that carries them.
//!
//! Writing: empty fields are left out, names are those of the wire. Reading is tolerant, since events of other SDKs pass
//! through here too: unknown fields are ignored, `null` means absent, and what older clients wrote differently (lists
//! without `values`, pairs instead of maps, times as text) is understood. Strings that are usually constant are
//! `Cow`s, so that an event can borrow them.
//!
//! The types depend on serde and on each other only.

mod addr;
mod attachment;
mod breadcrumb;
pub mod client_report;
mod contexts;
mod crontab;
mod debug_meta;
pub(crate) mod envelope;
mod event;
mod exception;
mod ids;
mod lenient;
mod level;
pub(crate) mod log;
mod log_entry;
mod mechanism;
mod metric;
mod monitor;
mod request;
mod sampling_context;
mod sdk;
mod session;
mod span;
mod span_link;
mod span_status;
mod stacktrace;
#[cfg(test)]
mod testing;
mod thread;
pub(crate) mod time;
mod transaction;
mod unit;
mod user;
mod values;

pub use uuid::Uuid;

pub use self::addr::{Addr, RegVal};
pub use self::attachment::{Attachment, AttachmentType};
pub use self::breadcrumb::Breadcrumb;
pub use self::client_report::Report as ClientReport;
pub use self::contexts::{
    AppContext, BrowserContext, Context, DeviceContext, GpuContext, Orientation, OsContext, OtelContext,
    ResponseContext, RuntimeContext, TraceContext,
};
pub use self::debug_meta::{
    AppleDebugImage, DebugImage, DebugMeta, ProguardDebugImage, SymbolicDebugImage, SystemSdkInfo, WasmDebugImage,
};
pub use self::envelope::{
    Envelope, EnvelopeError, EnvelopeFilter, EnvelopeFilterCallbacks, EnvelopeHeaders, EnvelopeItem, EnvelopeItemIter,
    ItemContainer, UnknownItem,
};
pub use self::event::Event;
pub use self::exception::Exception;
pub use self::ids::{ParseIdError, SpanId, TraceId};
pub use self::level::{Level, ParseLevelError};
pub use self::log::{Log, LogAttribute, LogLevel, LogSeverityNumber, SeverityOutOfRange};
pub use self::log_entry::LogEntry;
pub use self::map::Map;
pub use self::mechanism::{CError, MachException, Mechanism, MechanismMeta, PosixSignal};
pub use self::metric::{Metric, MetricType};
pub use self::monitor::{
    CrontabParseError, MonitorCheckIn, MonitorCheckInStatus, MonitorConfig, MonitorIntervalUnit, MonitorSchedule,
};
pub use self::request::Request;
pub use self::sampling_context::{DynamicSamplingContext, InvalidSampleRandError, OrganizationId, SampleRand};
pub use self::sdk::{ClientSdkInfo, ClientSdkPackage};
pub use self::session::{
    ParseSessionStatusError, SessionAggregateItem, SessionAggregates, SessionAttributes, SessionStatus, SessionUpdate,
};
pub use self::span::Span;
pub use self::span_link::SpanLink;
pub use self::span_status::{ParseStatusError, SpanStatus};
pub use self::stacktrace::{Frame, Stacktrace, TemplateInfo};
pub use self::thread::{Thread, ThreadId};
pub use self::transaction::{Measurement, Transaction, TransactionInfo, TransactionSource};
pub use self::unit::Unit;
pub use self::user::{IpAddress, User};
pub use self::value::Value;
pub use self::values::Values;
pub use crate::url::Url;

/// Free-form JSON values, as in `extra`, `data` and `vars`.
pub mod value {
    pub use serde_json::value::{Index, Map, Number, Value, from_value, to_value};
}

/// The ordered map of all payloads, and what belongs to it.
pub mod map {
    pub use std::collections::btree_map::{BTreeMap as Map, *};
}

/// Identifiers of debug files.
pub mod debugid {
    pub use ::debugid::{BreakpadFormat, CodeId, DebugId, ParseDebugIdError};
}
