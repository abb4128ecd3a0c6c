//! Issues and telemetry as text. The functions here are pure: time and source files come in as arguments.

mod chain;
mod details;
mod feedback;
mod frames;
mod issue;
mod list;
mod logs;
mod metrics;
mod monitors;
mod news;
mod overview;
mod releases;
mod source;
mod style;
mod table;
mod text;
mod trace;
mod tree;
mod when;

pub(crate) use feedback::render as feedback;
pub(crate) use issue::render as issue;
pub(crate) use list::{again, render as list};
pub(crate) use logs::render as logs;
pub(crate) use metrics::render as metrics;
pub(crate) use monitors::render as monitors;
pub(crate) use news::render as news;
pub(crate) use overview::render as overview;
pub(crate) use releases::render as releases;
pub(crate) use source::read as read_source;
pub use style::Style;
pub(crate) use trace::render as traces;
