//! Which certificates are trusted: those of the system, or the bundled ones where it has none.

/// Whether this build can speak TLS at all.
pub(crate) const AVAILABLE: bool = cfg!(any(feature = "rustls", feature = "native-tls"));

/// The certificates to trust.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[derive(Debug)]
pub(crate) enum Roots {
    /// Whatever the platform's own TLS library trusts.
    #[cfg(feature = "native-tls")]
    Platform,
    /// These, in DER.
    #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
    System(Vec<Vec<u8>>),
    /// Mozilla's, as bundled with the program; with what went wrong with the system's, if anything did.
    #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
    Bundled(Option<String>),
}

/// Reads the certificates: some milliseconds of files, so it is done once, on a thread of ours. The variables
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
#[cfg(all(feature = "rustls", not(feature = "native-tls")))]
pub(crate) fn roots() -> Roots {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Roots::Bundled(found.errors.first().map(ToString::to_string));
    }
    Roots::System(found.certs.iter().map(|certificate| certificate.as_ref().to_vec()).collect())
}

/// The platform's library reads its own.
#[cfg(feature = "native-tls")]
pub(crate) fn roots() -> Roots {
    Roots::Platform
}
