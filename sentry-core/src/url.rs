//! The SDK's own URL: a default build does not pay for `url` and the Unicode tables behind it.
//!
//! A subset of `url::Url` with the same names and signatures, and the same text for every URL that both accept. Where
//! the standard repairs strange input (line breaks inside, missing slashes, octal IPv4, Unicode hosts) this type
//! refuses. With the feature `url` the name stands for `url::Url` itself.

#[cfg(not(feature = "url"))]
mod host;
#[cfg(not(feature = "url"))]
mod own;
#[cfg(not(feature = "url"))]
mod percent;
#[cfg(all(test, not(feature = "url")))]
mod tests;

#[cfg(feature = "url")]
pub use ::url::{ParseError as ParseUrlError, Url};

#[cfg(not(feature = "url"))]
pub use self::own::{ParseUrlError, Url};
