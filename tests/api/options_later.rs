//! Options that only integrations for web frameworks use.

use sentry::{ClientOptions, MaxRequestBodySize};

use super::is;

has!(MaxRequestBodySize; Copy + PartialEq + Send + Sync);

fn request_bodies(options: ClientOptions, size: MaxRequestBodySize) -> ClientOptions {
    let _: MaxRequestBodySize = options.max_request_body_size;
    let _: fn(&MaxRequestBodySize, usize) -> bool = MaxRequestBodySize::is_within_size_limit;
    match size {
        MaxRequestBodySize::None
        | MaxRequestBodySize::Small
        | MaxRequestBodySize::Medium
        | MaxRequestBodySize::Always => {}
        MaxRequestBodySize::Explicit(size) => is::<usize>(size),
    }
    options.max_request_body_size(MaxRequestBodySize::Explicit(1_000))
}
