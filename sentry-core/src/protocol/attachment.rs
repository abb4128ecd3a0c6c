//! Files that travel beside an event.

use std::fmt;
use std::io::{self, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an attachment is to the server.
#[derive(Debug, Clone, Eq, PartialEq, Default)]
pub enum AttachmentType {
    /// A file without special meaning.
    #[default]
    Attachment,
    /// A minidump, from which the server makes the event's stack traces.
    Minidump,
    /// An Apple crash report, read like a minidump.
    AppleCrashReport,
    /// The context file of an Unreal Engine crash.
    UnrealContext,
    /// The log file of an Unreal Engine crash.
    UnrealLogs,
    /// Another type, by its name on the wire.
    Custom(String),
}

impl AttachmentType {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Attachment => "event.attachment",
            Self::Minidump => "event.minidump",
            Self::AppleCrashReport => "event.applecrashreport",
            Self::UnrealContext => "unreal.context",
            Self::UnrealLogs => "unreal.logs",
            Self::Custom(name) => name,
        }
    }

    fn from_name(name: String) -> Self {
        let known = [Self::Attachment, Self::Minidump, Self::AppleCrashReport, Self::UnrealContext, Self::UnrealLogs];
        known.into_iter().find(|known| known.as_str() == name).unwrap_or(Self::Custom(name))
    }
}

impl Serialize for AttachmentType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AttachmentType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from_name)
    }
}

/// A file that travels beside an event, held in memory. Over 20 MiB it is not sent but counted.
#[derive(Clone, PartialEq, Default)]
pub struct Attachment {
    /// The file's content.
    pub buffer: Vec<u8>,
    /// The file's name. A path in front of it is not sent.
    pub filename: String,
    /// The content's media type. Default: `application/octet-stream`.
    pub content_type: Option<String>,
    /// What it is to the server. Default: a plain attachment.
    pub ty: Option<AttachmentType>,
}

impl Attachment {
    /// Writes the attachment as an envelope item: header line and content.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn to_writer<W>(&self, writer: &mut W) -> io::Result<()>
    where
        W: Write,
    {
        serde_json::to_writer(&mut *writer, &self.header(&self.filename))?;
        writer.write_all(b"\n")?;
        writer.write_all(&self.buffer)
    }

    pub(crate) fn header<'a>(&'a self, filename: &'a str) -> AttachmentHeader<'a> {
        AttachmentHeader {
            ty: "attachment",
            length: self.buffer.len(),
            filename,
            attachment_type: self.ty.as_ref().unwrap_or(&AttachmentType::Attachment).as_str(),
            content_type: self.content_type.as_deref().unwrap_or("application/octet-stream"),
        }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("buffer", &format_args!("{} bytes", self.buffer.len()))
            .field("filename", &self.filename)
            .field("content_type", &self.content_type)
            .field("ty", &self.ty)
            .finish()
    }
}

/// The item header of an attachment, in the order of the wire.
#[derive(Serialize)]
pub(crate) struct AttachmentHeader<'a> {
    #[serde(rename = "type")]
    ty: &'static str,
    length: usize,
    filename: &'a str,
    attachment_type: &'a str,
    content_type: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(attachment: &Attachment) -> String {
        let mut out = Vec::new();
        attachment.to_writer(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn header_and_content_are_written() {
        let attachment = Attachment { buffer: b"some\nbytes".to_vec(), filename: "a.txt".into(), ..Default::default() };
        assert_eq!(
            written(&attachment),
            "{\"type\":\"attachment\",\"length\":10,\"filename\":\"a.txt\",\"attachment_type\":\"event.attachment\",\
             \"content_type\":\"application/octet-stream\"}\nsome\nbytes"
        );
    }

    #[test]
    fn hostile_names_stay_inside_their_json_strings() {
        let attachment = Attachment {
            buffer: Vec::new(),
            filename: "a\"\n{\"x\":1}\u{2028}".into(),
            content_type: Some("text/plain\r\n".into()),
            ty: Some(AttachmentType::Custom("q\"".into())),
        };
        assert_eq!(
            written(&attachment),
            "{\"type\":\"attachment\",\"length\":0,\"filename\":\"a\\\"\\n{\\\"x\\\":1}\u{2028}\",\
             \"attachment_type\":\"q\\\"\",\"content_type\":\"text/plain\\r\\n\"}\n"
        );
    }

    #[test]
    fn type_names() {
        for (ty, name) in [
            (AttachmentType::Attachment, "event.attachment"),
            (AttachmentType::Minidump, "event.minidump"),
            (AttachmentType::AppleCrashReport, "event.applecrashreport"),
            (AttachmentType::UnrealContext, "unreal.context"),
            (AttachmentType::UnrealLogs, "unreal.logs"),
            (AttachmentType::Custom("x.y".into()), "x.y"),
        ] {
            assert_eq!(ty.as_str(), name);
            assert_eq!(serde_json::to_string(&ty).unwrap(), format!("{name:?}"));
            assert_eq!(serde_json::from_str::<AttachmentType>(&format!("{name:?}")).unwrap(), ty);
        }
    }

    #[test]
    fn debug_does_not_show_the_content() {
        let attachment = Attachment { buffer: b"secret".to_vec(), ..Default::default() };
        let debug = format!("{attachment:?}");
        assert!(debug.contains("6 bytes") && !debug.contains("115"), "{debug}");
    }
}
