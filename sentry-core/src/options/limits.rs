//! How much is sent: the options that bound it, and the sizes that integrations for servers ask about.

use super::ClientOptions;

/// Up to which size integrations for servers add the body of a request to events. Bodies need
/// [`send_default_pii`](field@ClientOptions::send_default_pii) as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxRequestBodySize {
    /// No bodies.
    None,
    /// Up to 1,000 bytes.
    Small,
    /// Up to 10,000 bytes.
    Medium,
    /// All of them.
    Always,
    /// Up to this many bytes.
    Explicit(usize),
}

impl MaxRequestBodySize {
    /// Whether a body of `content_length` bytes is added.
    #[must_use]
    pub fn is_within_size_limit(&self, content_length: usize) -> bool {
        match self {
            Self::None => false,
            Self::Small => content_length <= 1_000,
            Self::Medium => content_length <= 10_000,
            Self::Always => true,
            Self::Explicit(most) => content_length <= *most,
        }
    }
}

impl ClientOptions {
    /// Sets [`max_request_body_size`](field@Self::max_request_body_size).
    pub fn max_request_body_size(mut self, max_request_body_size: MaxRequestBodySize) -> Self {
        self.max_request_body_size = max_request_body_size;
        self
    }

    /// Sets [`max_attachment_size`](field@Self::max_attachment_size), in bytes.
    pub fn max_attachment_size(mut self, max_attachment_size: usize) -> Self {
        self.max_attachment_size = max_attachment_size;
        self
    }

    /// Sets [`max_value_length`](field@Self::max_value_length), in characters.
    pub fn max_value_length(mut self, max_value_length: usize) -> Self {
        self.max_value_length = Some(max_value_length);
        self
    }

    /// Sets [`send_client_reports`](field@Self::send_client_reports).
    pub fn send_client_reports(mut self, send_client_reports: bool) -> Self {
        self.send_client_reports = send_client_reports;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_its_limit() {
        use MaxRequestBodySize::{Always, Explicit, Medium, None, Small};
        for (size, length, is_within) in [
            (None, 0, false),
            (None, 1, false),
            (Small, 1_000, true),
            (Small, 1_001, false),
            (Medium, 10_000, true),
            (Medium, 10_001, false),
            (Always, usize::MAX, true),
            (Explicit(0), 0, true),
            (Explicit(7), 7, true),
            (Explicit(7), 8, false),
        ] {
            assert_eq!(size.is_within_size_limit(length), is_within, "{size:?} {length}");
        }
    }
}
