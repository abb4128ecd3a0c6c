//! Errors of the standard library and of `serde_json`, which are known by their types also behind `dyn Error`.

use std::error::Error;
use std::io;

use crate::error_event::static_type;

/// What is known of an error besides its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Details {
    /// What `std::io::ErrorKind` calls it.
    pub(crate) kind: Option<String>,
    /// The system's number for it.
    pub(crate) errno: Option<i32>,
}

type Name = (&'static str, Option<&'static str>);

/// The name of the first of the types that `$error` is of.
macro_rules! name_of {
    ($error:expr; $($ty:ty),* $(,)?) => {
        $(if $error.is::<$ty>() { return static_type::<$ty>(); })*
    };
}

/// The type's own name and module.
pub(crate) fn name(error: &(dyn Error + 'static)) -> Option<Name> {
    name_of!(error; io::Error, std::num::ParseIntError, std::num::ParseFloatError, std::str::Utf8Error,
        std::string::FromUtf8Error, std::fmt::Error, std::num::TryFromIntError, std::str::ParseBoolError,
        std::char::ParseCharError, std::net::AddrParseError, std::time::SystemTimeError, std::env::VarError,
        std::sync::mpsc::RecvError, std::sync::mpsc::RecvTimeoutError, std::array::TryFromSliceError,
        std::cell::BorrowError, std::cell::BorrowMutError, serde_json::Error);
    None
}

/// What the system calls an input or output error.
pub(crate) fn details(error: &(dyn Error + 'static)) -> Option<Details> {
    let error = error.downcast_ref::<io::Error>()?;
    Some(Details { kind: Some(format!("{:?}", error.kind())), errno: error.raw_os_error() })
}

/// The same where the compiler knows that it is one, and only its text can be asked.
pub(crate) fn details_of_text(text: &str) -> Option<Details> {
    let (_, number) = text.strip_suffix(')')?.rsplit_once(" (os error ")?;
    let errno = number.parse().ok()?;
    Some(Details { kind: Some(format!("{:?}", io::Error::from_raw_os_error(errno).kind())), errno: Some(errno) })
}

/// What is inside an error that shows only the text of that.
pub(crate) fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let inside = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_std_have_their_own_names() {
        let parse = "x".parse::<u8>().expect_err("no number");
        let not_there = io::Error::from_raw_os_error(2);
        for (error, expected) in [
            (&parse as &(dyn Error + 'static), Some(("ParseIntError", Some("core::num::error")))),
            (&not_there, Some(("Error", Some("std::io::error")))),
            (&std::fmt::Error, Some(("Error", Some("core::fmt")))),
            (&*Box::<dyn Error>::from("text"), None),
        ] {
            assert_eq!(name(error), expected, "{error:?}");
        }
    }

    #[test]
    fn input_and_output_errors_have_kind_and_number() {
        let error = io::Error::from_raw_os_error(2);
        for found in [details(&error), details_of_text(&error.to_string())] {
            let found = found.expect("an error of the system");
            assert_eq!((found.kind.as_deref(), found.errno), (Some("NotFound"), Some(2)));
        }
        let wrapped = io::Error::other("text");
        assert_eq!(details(&wrapped).expect("one of them").errno, None);
        assert_eq!(inside(&wrapped).expect("a text").to_string(), "text");
        assert!(details_of_text("no number (os error x)").is_none() && inside(&error).is_none());
    }
}
