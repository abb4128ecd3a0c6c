//! What a scope attaches to events: bytes in memory, or a file that is read where an event is finished.

use crate::attachment_file::FileAttachment;
use crate::protocol::Attachment;

#[derive(Debug)]
pub(crate) enum Attached {
    Memory(Attachment),
    File(FileAttachment),
}

impl Attached {
    /// What it keeps in memory.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Memory(attachment) => attachment.buffer.len(),
            Self::File(file) => file.bytes(),
        }
    }
}
