//! Which requests carry the trace along (spec TRC-05).

/// Whether a request to `url` gets the headers. `targets` are parts of URLs, compared as they are: one of them has to
/// occur in `url`. `None` stands for all requests, an empty list for none.
pub(crate) fn propagates_to<T: AsRef<str>>(targets: Option<&[T]>, url: &str) -> bool {
    targets.is_none_or(|targets| targets.iter().any(|target| url.contains(target.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_parts_of_urls() {
        let url = "https://api.example.com:8080/v1/users?q=1";
        for (targets, expected) in [
            (None, true),
            (Some(&[][..]), false),
            (Some(&["api.example.com"]), true),
            (Some(&["other", "/v1/"]), true),
            (Some(&["other"]), false),
            (Some(&["API.example.com"]), false),
            // Not a regular expression.
            (Some(&["api.*"]), false),
            (Some(&[url]), true),
            (Some(&["https://api.example.com:8080/v1/users?q=12"]), false),
            (Some(&[""]), true),
        ] {
            assert_eq!(propagates_to(targets, url), expected, "{targets:?}");
        }
        assert!(propagates_to(None::<&[String]>, "") && !propagates_to(Some(&["x"]), ""));
    }
}
