//! Exported macros.

/// The calling package's name and version as a release, `name@1.2.3`: a `Some(Cow<str>)`, or `None` when
/// it is not built by cargo.
///
/// ```
/// let options = sentry_core::ClientOptions::new().maybe_release(sentry_core::release_name!());
/// assert!(options.release.is_some());
/// ```
#[macro_export]
macro_rules! release_name {
    () => {
        match (::std::option_env!("CARGO_PKG_NAME"), ::std::option_env!("CARGO_PKG_VERSION")) {
            (::std::option::Option::Some(name), ::std::option::Option::Some(version)) => ::std::option::Option::Some(
                ::std::borrow::Cow::<'static, str>::Owned(::std::format!("{name}@{version}")),
            ),
            _ => ::std::option::Option::None,
        }
    };
}
