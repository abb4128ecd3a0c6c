//! Exceptions and threads with their stack traces. A trace that is known is written as it was before, and goes back to where
//! it was lent from when the event is gone.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::known_traces::{self, KnownTrace};
use crate::protocol::{Exception, Stacktrace, Thread, Values};

/// What a stack trace is part of, which may be apart from it here.
pub(super) struct Traced<T> {
    holder: T,
    known: Option<(Arc<KnownTrace>, Stacktrace)>,
}

impl<T: Holder> Traced<T> {
    pub(super) fn all(holders: &mut Values<T>) -> Values<Self> {
        holders.values.drain(..).map(Self::new).collect::<Vec<_>>().into()
    }

    fn new(mut holder: T) -> Self {
        let slot = holder.stacktrace();
        let known = slot.as_ref().and_then(known_traces::find).filter(|known| known.json().is_some());
        Self { known: known.and_then(|known| Some((known, slot.take()?))), holder }
    }
}

impl<T: Serialize> Serialize for Traced<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct WithJson<'a, T> {
            #[serde(flatten)]
            holder: &'a T,
            stacktrace: Option<&'a RawValue>,
        }
        match &self.known {
            Some((known, _)) => WithJson { holder: &self.holder, stacktrace: known.json() }.serialize(serializer),
            None => self.holder.serialize(serializer),
        }
    }
}

impl<T> Drop for Traced<T> {
    fn drop(&mut self) {
        if let Some((known, trace)) = self.known.take() {
            known.take_back(trace);
        }
    }
}

pub(super) trait Holder {
    fn stacktrace(&mut self) -> &mut Option<Stacktrace>;
}

impl Holder for Exception {
    fn stacktrace(&mut self) -> &mut Option<Stacktrace> {
        &mut self.stacktrace
    }
}

impl Holder for Thread {
    fn stacktrace(&mut self) -> &mut Option<Stacktrace> {
        &mut self.stacktrace
    }
}
