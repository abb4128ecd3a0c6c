//! What the inbox tells about one group of events.

use std::sync::Arc;
use std::time::SystemTime;

use sentry_core::protocol::{Event, Level};

/// Events that are the same problem, as one entry of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// Short name, `INBOX-1` being the first issue since the start.
    pub id: String,
    /// `Type: value` of the outermost exception or the message; first line only.
    pub title: String,
    /// Where it happened: function and file of the newest frame of the application, or else the transaction; may be empty.
    pub culprit: String,
    /// Level of the latest event.
    pub level: Level,
    /// Events so far.
    pub count: u64,
    /// Distinct users so far, told apart by id, else email, else user name, else address; counting stops at 10,000.
    pub users: u64,
    /// The earliest time an event of this issue carries (by the sender's clock).
    pub first_seen: SystemTime,
    /// The latest time an event of this issue carries (by the sender's clock).
    pub last_seen: SystemTime,
    /// The event that arrived last.
    pub latest: Box<Event<'static>>,
    /// What came attached to the latest event.
    pub attachments: Vec<IssueAttachment>,
    /// False when an exception of the latest event says that nobody handled it.
    pub handled: bool,
}

/// A file that came with an event.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueAttachment {
    /// The name the sender gave it.
    pub filename: String,
    /// The media type the sender gave it.
    pub content_type: Option<String>,
    /// Bytes received.
    pub size: usize,
    /// The bytes; `None` when keeping them would have taken the attachments of all issues over 64 MiB.
    pub content: Option<Arc<[u8]>>,
}
