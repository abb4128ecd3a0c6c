//! Attachments that are files: named when they are added, read where an event is finished. The one place of this crate
//! that reads files of a program, beside [`Envelope::from_path`](crate::Envelope::from_path).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::protocol::{Attachment, AttachmentType};

/// A file to attach, see [`Scope::add_attachment_from_path`](crate::Scope::add_attachment_from_path).
///
/// It is read anew for each event, on the thread that finishes it (the worker with the built-in transport): what it
/// says by then is what is sent. One that cannot be read, is no regular file, or is larger than
/// [`max_attachment_size`](field@crate::ClientOptions::max_attachment_size), is left out and counted; the event is
/// sent.
///
/// ```
/// use sentry_core::{FileAttachment, configure_scope};
///
/// let log = FileAttachment::new("/var/log/app.log").filename("log.txt");
/// configure_scope(|scope| scope.add_attachment_from_path(log));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct FileAttachment {
    path: PathBuf,
    filename: Option<String>,
    content_type: Option<String>,
    ty: Option<AttachmentType>,
}

impl FileAttachment {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), filename: None, content_type: None, ty: None }
    }

    /// The name it is sent with. Default: that in the path.
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Its media type. Default: what usual endings of the name stand for, else `application/octet-stream`.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// What it is to the server. Default: a plain attachment.
    pub fn attachment_type(mut self, ty: AttachmentType) -> Self {
        self.ty = Some(ty);
        self
    }

    /// Reads it, if it has at most `limit` bytes.
    pub(crate) fn read(&self, limit: usize) -> Result<Attachment, FileProblem> {
        let buffer = read_regular(&self.path, limit)?;
        let filename = self.name();
        let content_type = self.content_type.clone().or_else(|| media_type(&filename).map(str::to_owned));
        Ok(Attachment { buffer, filename, content_type, ty: self.ty.clone() })
    }

    /// The name it is sent with.
    pub(crate) fn name(&self) -> String {
        let in_path = || self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.filename.clone().or_else(in_path).unwrap_or_else(|| "unnamed".to_owned())
    }

    /// What it weighs as long as it is not read.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [&self.filename, &self.content_type].into_iter().flatten().map(String::len).sum::<usize>();
        size_of::<Self>() + self.path.as_os_str().len() + texts
    }
}

impl<P: AsRef<Path>> From<P> for FileAttachment {
    fn from(path: P) -> Self {
        Self::new(path.as_ref())
    }
}

/// Why a file is not attached.
#[derive(Debug)]
pub(crate) enum FileProblem {
    /// It has at least so many bytes.
    TooLarge(u64),
    /// A directory, a pipe or a device: reading one may never end.
    NotRegular,
    Unreadable(io::Error),
}

impl From<io::Error> for FileProblem {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Looks before it opens: opening a pipe waits for its other end. A file that grows meanwhile is cut off behind the
/// limit, and then too large.
fn read_regular(path: &Path, limit: usize) -> Result<Vec<u8>, FileProblem> {
    let look = |metadata: fs::Metadata| match metadata.len() {
        _ if !metadata.is_file() => Err(FileProblem::NotRegular),
        length if usize::try_from(length).is_ok_and(|length| length <= limit) => Ok(length),
        length => Err(FileProblem::TooLarge(length)),
    };
    look(fs::metadata(path)?)?;
    let file = File::open(path)?;
    let length = look(file.metadata()?)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > limit { Err(FileProblem::TooLarge(most)) } else { Ok(bytes) }
}

fn media_type(filename: &str) -> Option<&'static str> {
    let (_, ending) = filename.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "txt" | "log" | "conf" | "ini" => "text/plain",
        "csv" => "text/csv",
        "htm" | "html" => "text/html",
        "md" => "text/markdown",
        "json" => "application/json",
        "toml" => "application/toml",
        "xml" => "application/xml",
        "yaml" | "yml" => "application/yaml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "gif" => "image/gif",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of its own, which is gone when the test is over.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, content: &[u8]) -> Self {
            let directory = std::env::temp_dir().join(format!("sentry-core-{}", crate::random::uuid().simple()));
            fs::create_dir(&directory).expect("a directory");
            fs::write(directory.join(name), content).expect("a file");
            Self(directory.join(name))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = self.0.parent().map(fs::remove_dir_all);
        }
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let file = Scratch::new("app.LOG", b"12345");
        let attachment = FileAttachment::from(&file.0).read(5).expect("it fits");
        assert_eq!((attachment.buffer.as_slice(), attachment.filename.as_str()), (&b"12345"[..], "app.LOG"));
        assert_eq!((attachment.content_type.as_deref(), attachment.ty), (Some("text/plain"), None));
        assert!(matches!(FileAttachment::from(&file.0).read(4), Err(FileProblem::TooLarge(5))));
    }

    #[test]
    fn what_is_said_of_a_file_wins_over_its_name() {
        let file = Scratch::new("data.json", b"");
        let attachment = FileAttachment::new(&file.0).filename("x.png").content_type("a/b").read(0).expect("empty");
        assert_eq!((attachment.filename.as_str(), attachment.content_type.as_deref()), ("x.png", Some("a/b")));
        let attachment = FileAttachment::new(&file.0).filename("x.png").attachment_type(AttachmentType::Minidump);
        let attachment = attachment.read(0).expect("empty");
        assert_eq!(attachment.content_type.as_deref(), Some("image/png"));
        assert_eq!(attachment.ty, Some(AttachmentType::Minidump));
    }

    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        let file = Scratch::new("file", b"x");
        let directory = file.0.parent().expect("a directory");
        assert!(matches!(FileAttachment::new(directory).read(9), Err(FileProblem::NotRegular)));
        assert!(matches!(FileAttachment::new(directory.join("none")).read(9), Err(FileProblem::Unreadable(_))));
        // Endless, and of length 0.
        if cfg!(unix) {
            assert!(matches!(FileAttachment::new("/dev/zero").read(9), Err(FileProblem::NotRegular)));
        }
    }

    #[test]
    fn endings_tell_media_types() {
        for (name, media) in [
            ("a.b.CSV", Some("text/csv")),
            ("a.jpeg", Some("image/jpeg")),
            ("json", None),
            ("a.", None),
            (".png", Some("image/png")),
            ("", None),
            ("a.unknown", None),
        ] {
            assert_eq!(media_type(name), media, "{name}");
        }
    }
}
