//! Where a log or a metric was captured: all that it takes along of its scope, so that the scope need not be cloned.

use std::sync::Arc;

use crate::protocol::Log;
use crate::protocol::log::PARENT_SPAN_ID;
use crate::protocol::{LogAttribute, Map, SpanId, TraceId, User};
use crate::scope::ScopeData;

/// The trace it belongs to, the span that was active, and the user if that may be told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Origin {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: Option<SpanId>,
    user: Option<Arc<User>>,
}

impl Origin {
    /// Some copies, so that it can be done under the lock of a hub.
    pub(crate) fn of(scope: &ScopeData, tells_user: bool) -> Self {
        let (trace_id, span_id) = match scope.span() {
            Some(span) => {
                let (trace_id, span_id) = span.trace_ids();
                (trace_id, Some(span_id))
            }
            None => (scope.trace().trace_id, None),
        };
        Self { trace_id, span_id, user: if tells_user { scope.user().cloned() } else { None } }
    }

    /// At another place in a trace, if one is given.
    pub(crate) fn placed(self, place: Option<(TraceId, SpanId)>) -> Self {
        match place {
            Some((trace_id, span_id)) => Self { trace_id, span_id: Some(span_id), ..self },
            None => self,
        }
    }

    /// Takes it out of something that is dropped.
    pub(crate) fn take(&mut self) -> Self {
        Self { trace_id: self.trace_id, span_id: self.span_id, user: self.user.take() }
    }

    /// Puts a log into the trace, if it is in none, and into the span if it is in that trace.
    pub(crate) fn link(&self, log: &mut Log) {
        let trace_id = *log.trace_id.get_or_insert(self.trace_id);
        if let Some(span_id) = self.span_id.filter(|_| trace_id == self.trace_id) {
            log.attributes.entry(PARENT_SPAN_ID.to_owned()).or_insert_with(|| span_id.to_string().into());
        }
    }

    /// Adds the attributes that tell who the user was, unless they are there (spec LOG-11): the scope's, else the global
    /// scope's.
    pub(crate) fn describe_user<K: Ord + From<&'static str>>(
        &self,
        attributes: &mut Map<K, LogAttribute>,
        global: Option<&Arc<User>>,
    ) {
        let Some(user) = self.user.as_ref().or(global) else { return };
        let told = [("user.id", &user.id), ("user.name", &user.username), ("user.email", &user.email)];
        for (key, value) in told {
            if let Some(value) = value {
                attributes.entry(K::from(key)).or_insert_with(|| value.clone().into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_global_user_stands_in_as_a_whole() {
        let user = |id: Option<&str>, email: Option<&str>| {
            Arc::new(User { id: id.map(Into::into), email: email.map(Into::into), ..User::default() })
        };
        let described = |own: Option<Arc<User>>| {
            let origin = Origin { trace_id: TraceId::default(), span_id: None, user: own };
            let mut attributes: Map<String, LogAttribute> = Map::new();
            origin.describe_user(&mut attributes, Some(&user(Some("global"), Some("a@b.c"))));
            attributes.into_iter().map(|(key, value)| format!("{key}={}", value.0)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(described(None), r#"user.email="a@b.c" user.id="global""#);
        assert_eq!(described(Some(user(Some("own"), None))), r#"user.id="own""#);
    }
}
