//! How a batch of logs becomes an envelope: template and parameters, link to the trace, default attributes,
//! `before_send_log`, in this order (spec LOG-03).

use std::sync::Arc;

use super::attributes::add_defaults;
use super::paths::shorten_attributes;
use super::{Batched, Pipeline};
use crate::batch::Store;
use crate::hub::{Hub, SwitchGuard};
use crate::logs::{LogParts, PackedLogs, Site};
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{Envelope, Log, LogAttribute, Map, User, Value};
use crate::scope::{ScopeData, ScopeSnapshot};
use crate::suppress;

impl Batched for PackedLogs {
    fn category(&self) -> Category {
        Category::LogItem
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }

    fn finish(self: Box<Self>, pipeline: &Pipeline) -> Option<Envelope> {
        let _mark = suppress::enter();
        // Each item has a scope of its own: hooks find themselves in none.
        let scopes = ScopeSnapshot::new(ScopeData::default());
        let _switch = SwitchGuard::new(Arc::new(Hub::of_snapshot(&scopes)));
        let user = scopes.global.user().filter(|_| pipeline.options.send_default_pii);
        let defaults = pipeline.default_attributes();
        let mut logs = Vec::with_capacity(self.len());
        for parts in self.into_parts() {
            let wire_bytes = parts.wire_bytes;
            let mut log = finish(parts, user, &defaults);
            if !pipeline.options.include_absolute_paths {
                shorten_attributes(&mut log.attributes);
            }
            let kept = match &pipeline.options.before_send_log {
                Some(before_send) => pipeline.guarded("before_send_log", || before_send(log)).ok().flatten(),
                None => Some(log),
            };
            match kept {
                Some(mut log) => {
                    log.severity_number.get_or_insert(log.level.severity_number());
                    logs.push(log);
                }
                None => count_lost(pipeline, wire_bytes, Reason::BeforeSend),
            }
        }
        pipeline.container(logs.into(), Category::LogByte)
    }

    fn count_lost(&self, pipeline: &Pipeline, reason: Reason) {
        self.wire_bytes().for_each(|wire_bytes| count_lost(pipeline, wire_bytes, reason));
    }
}

/// Counts a log that never had its final size.
fn count_lost(pipeline: &Pipeline, wire_bytes: u64, reason: Reason) {
    pipeline.recorder.record_loss(Category::LogItem, reason, 1);
    pipeline.count_lost_bytes(Category::LogByte, wire_bytes, reason);
}

fn finish(parts: LogParts, user: Option<&Arc<User>>, defaults: &[(&'static str, LogAttribute)]) -> Log {
    let LogParts { mut log, site, attributes, parameters, origin, .. } = parts;
    log.attributes.extend(attributes.into_iter().map(|(key, value)| (key.into_owned(), value)));
    if let Some(site) = site.filter(|_| !parameters.is_empty()) {
        describe_message(&mut log.attributes, site, parameters);
    }
    if let Some(origin) = origin {
        origin.link(&mut log);
        origin.describe_user(&mut log.attributes, user);
    }
    add_defaults(&mut log.attributes, defaults);
    log
}

/// Without a parameter, the template must not be sent (spec LOG-09).
fn describe_message(attributes: &mut Map<String, LogAttribute>, site: &Site, parameters: Vec<Value>) {
    attributes.entry("sentry.message.template".to_owned()).or_insert_with(|| site.template.into());
    let mut positional = 0_usize;
    for (name, value) in site.names.iter().zip(parameters) {
        let key = if name.is_empty() {
            let key = format!("sentry.message.parameter.{positional}");
            positional += 1;
            key
        } else {
            format!("sentry.message.parameter.{name}")
        };
        if !value.is_null() {
            attributes.entry(key).or_insert(LogAttribute(value));
        }
    }
}
