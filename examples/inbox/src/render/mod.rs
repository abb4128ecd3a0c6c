//! Issues as text. The functions here are pure: time and source files come in as arguments.

mod chain;
mod details;
mod frames;
mod issue;
mod list;
mod source;
mod style;
mod text;
mod when;

pub(crate) use issue::render as issue;
pub(crate) use list::{again, render as list};
pub(crate) use source::read as read_source;
pub use style::Style;
