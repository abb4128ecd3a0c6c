//! The status of an answer of gRPC: in its trailers, or in its headers if it has nothing else.

use http::HeaderMap;

/// The code, if it is there.
pub(super) fn code_in(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
