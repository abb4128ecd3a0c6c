//! Who we say we are on the wire.

use crate::protocol::ClientSdkInfo;

/// The SDK's name on the wire; it is also how Sentry knows which documentation to show.
pub(crate) const NAME: &str = "sentry.rust";
/// The version of this package.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
pub(crate) const USER_AGENT: &str = concat!("sentry.rust/", env!("CARGO_PKG_VERSION"));

/// The SDK as described in events; without integrations.
#[must_use]
pub fn sdk_info() -> ClientSdkInfo {
    ClientSdkInfo { name: NAME.to_owned(), version: VERSION.to_owned(), integrations: Vec::new(), packages: Vec::new() }
}
