//! The attributes that every log and metric gets, unless the program set them itself.

use super::Pipeline;
use crate::protocol::{LogAttribute, Map};

impl Pipeline {
    /// Few, since Sentry bills logs by size (spec LOG-08, LOG-10, LOG-20, MET-08). Made once for a batch.
    pub(super) fn default_attributes(&self) -> Vec<(&'static str, LogAttribute)> {
        let options = &self.options;
        let own = [
            ("sentry.environment", options.environment.as_deref()),
            ("sentry.release", options.release.as_deref()),
            ("sentry.sdk.name", Some(self.sdk.name.as_str())),
            ("sentry.sdk.version", Some(self.sdk.version.as_str())),
            ("server.address", options.server_name.as_deref()),
        ];
        own.into_iter().filter_map(|(key, value)| Some((key, value?.into()))).collect()
    }
}

/// Adds attributes that are not there yet.
pub(super) fn add_defaults<K: Ord + From<&'static str>>(
    attributes: &mut Map<K, LogAttribute>,
    defaults: &[(&'static str, LogAttribute)],
) {
    for (key, value) in defaults {
        attributes.entry(K::from(key)).or_insert_with(|| value.clone());
    }
}
