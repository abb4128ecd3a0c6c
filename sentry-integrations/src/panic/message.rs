//! What a panic says. Its payload can be anything; only the standard library's own types are asked to describe
//! themselves, since a panic in a user's `Display` would abort the program here.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::PanicHookInfo;
use std::sync::Arc;

/// The message of `panic!` and its relatives; `Box<dyn Any>` for payloads that are no text.
#[must_use]
pub fn message_from_panic_info<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    text(info.payload()).unwrap_or(UNKNOWN)
}

/// The message, and a description of other payloads of the standard library's types.
pub(super) fn describe(payload: &(dyn Any + Send)) -> Cow<'_, str> {
    if let Some(text) = text(payload) {
        return Cow::Borrowed(text);
    }
    let boxed = payload.downcast_ref::<Box<dyn Error + Send + Sync>>().map(|error| &**error as &(dyn Error + 'static));
    let boxed = boxed.or_else(|| payload.downcast_ref::<Box<dyn Error + Send>>().map(|error| &**error as _));
    match boxed {
        Some(error) => standard_error(error).map_or(Cow::Borrowed("Box<dyn Error>"), Cow::Owned),
        None => standard_value(payload).map_or(Cow::Borrowed(UNKNOWN), Cow::Owned),
    }
}

fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .or_else(|| payload.downcast_ref::<Box<str>>().map(|text| &**text))
        .or_else(|| payload.downcast_ref::<Arc<str>>().map(|text| &**text))
        .or_else(|| payload.downcast_ref::<Cow<'static, str>>().map(|text| &**text))
}

/// The text of the first of the types that `$of` is.
macro_rules! first_of {
    ($of:expr; $($ty:ty),* $(,)?) => {
        None$(.or_else(|| $of.downcast_ref::<$ty>().map(ToString::to_string)))*
    };
}

fn standard_value(payload: &(dyn Any + Send)) -> Option<String> {
    let number =
        first_of!(payload; i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, bool, char);
    let error = || {
        first_of!(payload; std::num::ParseIntError, std::num::ParseFloatError, std::str::Utf8Error,
            std::string::FromUtf8Error, fmt::Error)
    };
    number.or_else(error).or_else(|| payload.downcast_ref::<io::Error>().map(io_error))
}

fn standard_error(error: &(dyn Error + 'static)) -> Option<String> {
    first_of!(error; std::num::ParseIntError, std::num::ParseFloatError, std::str::Utf8Error,
        std::string::FromUtf8Error, fmt::Error)
    .or_else(|| error.downcast_ref::<io::Error>().map(io_error))
}

/// An error of the system in its words; one that wraps a user's error by its kind.
fn io_error(error: &io::Error) -> String {
    if error.get_ref().is_some() { error.kind().to_string() } else { error.to_string() }
}

const UNKNOWN: &str = "Box<dyn Any>";

#[cfg(test)]
mod tests {
    use super::super::tests::with_panic_info;
    use super::*;

    struct Explosive;

    impl fmt::Display for Explosive {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("asked to describe itself inside a panic hook")
        }
    }

    impl fmt::Debug for Explosive {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(self, f)
        }
    }

    impl Error for Explosive {}

    #[test]
    fn payloads_of_known_types_describe_themselves() {
        let boxed = |error: &str| Box::<dyn Error + Send + Sync>::from(error);
        let payloads: [(Box<dyn Any + Send>, &str); 14] = [
            (Box::new("text"), "text"),
            (Box::new("owned".to_owned()), "owned"),
            (Box::new(Box::<str>::from("boxed")), "boxed"),
            (Box::new(Arc::<str>::from("shared")), "shared"),
            (Box::new(Cow::Borrowed("borrowed")), "borrowed"),
            (Box::new(-7_i32), "-7"),
            (Box::new("x".parse::<u8>().unwrap_err()), "invalid digit found in string"),
            (Box::new(io::Error::from(io::ErrorKind::NotFound)), "entity not found"),
            (Box::new(io::Error::other(Explosive)), "other error"),
            (
                Box::new(Box::new("x".parse::<u8>().unwrap_err()) as Box<dyn Error + Send + Sync>),
                "invalid digit found in string",
            ),
            (Box::new(Box::new(io::Error::other(Explosive)) as Box<dyn Error + Send>), "other error"),
            (Box::new(Box::new(Explosive) as Box<dyn Error + Send + Sync>), "Box<dyn Error>"),
            (Box::new(boxed("private type of std")), "Box<dyn Error>"),
            (Box::new(Explosive), "Box<dyn Any>"),
        ];
        for (payload, expected) in payloads {
            assert_eq!(describe(&*payload), expected);
        }
    }

    #[test]
    fn the_message_is_that_of_the_panic() {
        let message = |info: &PanicHookInfo<'_>| message_from_panic_info(info).to_owned();
        assert_eq!(with_panic_info(message, || panic!("plain")), "plain");
        assert_eq!(with_panic_info(message, || panic!("{}", 1 + 1)), "2");
        assert_eq!(with_panic_info(message, || std::panic::panic_any(7)), "Box<dyn Any>");
    }
}
