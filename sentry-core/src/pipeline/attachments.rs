//! What a scope attaches, as items of an event's envelope: within the limit, files read now, what is left out counted.

use super::Pipeline;
use crate::attachment_file::{FileAttachment, FileProblem};
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Attachment, Envelope};
use crate::scope::{Attached, ScopeSnapshot};
use crate::wire::limits::{MAX_ATTACHMENT_BYTES, MAX_ENVELOPE_BYTES};

impl Pipeline {
    pub(super) fn add_attachments(&self, envelope: &mut Envelope, scope: &ScopeSnapshot) {
        // What does not fit into an envelope need not be read.
        let mut room = MAX_ENVELOPE_BYTES;
        for attached in scope.global.attachments().iter().chain(scope.scope.attachments()) {
            let limit = room.min(self.options.max_attachment_size).min(MAX_ATTACHMENT_BYTES);
            let attachment = match &**attached {
                Attached::Memory(attachment) => self.within(limit, attachment),
                Attached::File(file) => self.read(limit, file),
            };
            if let Some(attachment) = attachment {
                room = room.saturating_sub(attachment.buffer.len());
                for item in attachment.losses() {
                    self.recorder.record_captured(item.category, item.quantity);
                }
                envelope.add_item(attachment);
            }
        }
    }

    fn within(&self, limit: usize, attachment: &Attachment) -> Option<Attachment> {
        let length = attachment.buffer.len();
        if length <= limit {
            return Some(attachment.clone());
        }
        self.leave_out(&attachment.filename, &FileProblem::TooLarge(u64::try_from(length).unwrap_or(u64::MAX)));
        None
    }

    fn read(&self, limit: usize, file: &FileAttachment) -> Option<Attachment> {
        let problem = match file.read(limit) {
            Ok(attachment) => return Some(attachment),
            Err(problem) => problem,
        };
        self.leave_out(&file.name(), &problem);
        None
    }

    /// Counts and says what is missing beside an event (spec ATT-04, ATT-06).
    fn leave_out(&self, name: &str, problem: &FileProblem) {
        let remark = |kind, why| self.diagnostics.remark(kind, format_args!("{name:?} is not attached: {why}"));
        let bytes = match problem {
            FileProblem::TooLarge(bytes) => {
                remark("attachment too large", format_args!("it has {bytes} bytes or more, over max_attachment_size"));
                *bytes
            }
            FileProblem::NotRegular => {
                remark("attachment not regular", format_args!("it is no regular file"));
                1
            }
            FileProblem::Unreadable(error) => {
                remark("attachment unreadable", format_args!("{error}"));
                1
            }
        };
        self.recorder.record_captured(Category::Attachment, bytes);
        self.recorder.record_loss(Category::Attachment, Reason::InternalSdkError, bytes);
    }
}
