//! Everything `init` accepts as a DSN.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use crate::dsn::{Dsn, ParseDsnError};

/// Something that may hold a DSN. Empty text and `()` hold none, which disables the client.
pub trait IntoDsn {
    /// The DSN, `None` for none, or what is wrong with it.
    ///
    /// # Errors
    ///
    /// The part of the text that is not as a DSN has it.
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError>;
}

impl<I: IntoDsn> IntoDsn for Option<I> {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.map_or(Ok(None), IntoDsn::into_dsn)
    }
}

impl IntoDsn for () {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        Ok(None)
    }
}

impl IntoDsn for &'_ str {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        // A line break from a file or a variable is no part of a DSN.
        let text = self.trim();
        if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
    }
}

impl IntoDsn for Cow<'_, str> {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        (*self).into_dsn()
    }
}

impl IntoDsn for String {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.as_str().into_dsn()
    }
}

impl IntoDsn for &'_ OsStr {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.to_string_lossy().into_dsn()
    }
}

impl IntoDsn for OsString {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.as_os_str().into_dsn()
    }
}

impl IntoDsn for &'_ Dsn {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        Ok(Some(self.clone()))
    }
}

impl IntoDsn for Dsn {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        Ok(Some(self))
    }
}
