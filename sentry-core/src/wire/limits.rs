//! What servers accept, one constant for each limit. Whatever is over one is cut or counted here, not refused there.

/// Of an envelope, all items included (ITM-40).
pub(crate) const MAX_ENVELOPE_BYTES: usize = 200 << 20;

/// Of an event (ITM-41).
pub(crate) const MAX_EVENT_BYTES: usize = 1 << 20;

/// Of an attachment (ATT-04, ITM-48).
pub(crate) const MAX_ATTACHMENT_BYTES: usize = 20 << 20;

/// Of one log (ITM-41), and how many fit into an envelope (ITM-45).
pub(crate) const MAX_LOG_BYTES: usize = 1 << 20;
pub(crate) const MAX_LOGS: usize = 100;

/// Of one metric; a larger one costs its whole envelope (ITM-42).
pub(crate) const MAX_METRIC_BYTES: usize = 2 << 10;

/// Of a check-in (ITM-43).
pub(crate) const MAX_CHECK_IN_BYTES: usize = 100 << 10;

/// Of a client report (ITM-43).
pub(crate) const MAX_CLIENT_REPORT_BYTES: usize = 4 << 10;

/// Rows of a client report that fit into [`MAX_CLIENT_REPORT_BYTES`] whatever they say.
pub(crate) const MAX_CLIENT_REPORT_ROWS: usize = 40;

/// Of keys and values of tags (EVT-07).
pub(crate) const MAX_TAG_CHARS: usize = 200;

/// Of a stack trace, half of them from each end (STK-09).
pub(crate) const MAX_FRAMES: usize = 1000;

/// What texts are cut to in an event that is too large otherwise (EVT-13 has it for messages and bodies).
pub(crate) const LONG_TEXT_BYTES: usize = 8 << 10;

/// Of values nested in each other. Servers cut at a fraction of it; a JSON writer would need stack for all of it.
pub(crate) const MAX_DEPTH: usize = 64;

/// Of what a user says (FBK-03).
pub(crate) const MAX_FEEDBACK_CHARS: usize = 4096;

/// Of the names of feature flags (FLG-05).
pub(crate) const MAX_FLAG_CHARS: usize = 32;
