//! Free-form values of an event, cut where they are nested too deeply.
//!
//! Writing JSON and dropping values recurse: on a small stack, some ten thousand lists inside each other would end the
//! process. Hooks and the program can make them.

use super::limits::MAX_DEPTH;
use crate::protocol::{Context, Event, Map, Stacktrace, Transaction, Value};

/// Cuts all free-form values of `event` to [`MAX_DEPTH`].
pub(super) fn cut(event: &mut Event<'_>) {
    cut_map(&mut event.extra);
    event.contexts.values_mut().for_each(cut_context);
    event.breadcrumbs.iter_mut().for_each(|crumb| cut_map(&mut crumb.data));
    event.user.iter_mut().for_each(|user| cut_map(&mut user.other));
    event.logentry.iter_mut().for_each(|entry| entry.params.iter_mut().for_each(cut_value));
    for exception in event.exception.iter_mut() {
        exception.mechanism.iter_mut().for_each(|mechanism| cut_map(&mut mechanism.data));
        cut_vars([&mut exception.stacktrace, &mut exception.raw_stacktrace]);
    }
    for thread in event.threads.iter_mut() {
        cut_vars([&mut thread.stacktrace, &mut thread.raw_stacktrace]);
    }
    cut_vars([&mut event.stacktrace]);
}

/// Cuts all free-form values of `transaction`.
pub(super) fn cut_transaction(transaction: &mut Transaction<'_>) {
    cut_map(&mut transaction.extra);
    transaction.contexts.values_mut().for_each(cut_context);
    transaction.user.iter_mut().for_each(|user| cut_map(&mut user.other));
    transaction.spans.iter_mut().for_each(|span| cut_map(&mut span.data));
}

fn cut_context(context: &mut Context) {
    match context {
        Context::Device(context) => cut_map(&mut context.other),
        Context::Os(context) => cut_map(&mut context.other),
        Context::Runtime(context) => cut_map(&mut context.other),
        Context::App(context) => cut_map(&mut context.other),
        Context::Browser(context) => cut_map(&mut context.other),
        Context::Gpu(context) => cut_map(&mut context.other),
        Context::Trace(context) => cut_map(&mut context.data),
        Context::Response(context) => context.data.iter_mut().for_each(cut_value),
        Context::Other(context) => cut_map(context),
        Context::Otel(context) => {
            [&mut context.attributes, &mut context.resource, &mut context.other].into_iter().for_each(cut_map);
        }
    }
}

fn cut_vars<const N: usize>(traces: [&mut Option<Stacktrace>; N]) {
    for trace in traces.into_iter().flatten() {
        trace.frames.iter_mut().for_each(|frame| cut_map(&mut frame.vars));
    }
}

fn cut_map(map: &mut Map<String, Value>) {
    map.values_mut().for_each(cut_value);
}

pub(super) fn cut_value(value: &mut Value) {
    cut_below(value, MAX_DEPTH);
}

fn cut_below(value: &mut Value, levels: usize) {
    if !value.is_array() && !value.is_object() {
        return;
    }
    let Some(levels) = levels.checked_sub(1) else {
        dismantle(std::mem::replace(value, Value::from("[nested too deeply]")));
        return;
    };
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| cut_below(value, levels)),
        Value::Object(map) => map.values_mut().for_each(|value| cut_below(value, levels)),
        _ => {}
    }
}

/// Drops a value level by level, without recursion.
fn dismantle(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(values) => rest.extend(values),
            Value::Object(map) => rest.extend(map.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::from(1), |value, level| match level % 2 {
            0 => Value::Array(vec![value]),
            _ => Value::Object([("k".to_owned(), value)].into_iter().collect()),
        })
    }

    fn cut_extra(value: Value) -> Value {
        let mut event = Event { extra: [("x".to_owned(), value)].into_iter().collect(), ..Default::default() };
        cut(&mut event);
        event.extra.remove("x").unwrap()
    }

    #[test]
    fn values_are_cut_at_the_limit_and_not_before() {
        let lists = |levels, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
        let cut = |levels| cut_extra(serde_json::from_str(&lists(levels, "1")).unwrap()).to_string();
        assert_eq!(cut(MAX_DEPTH), lists(MAX_DEPTH, "1"));
        assert_eq!(cut(MAX_DEPTH + 1), lists(MAX_DEPTH, "\"[nested too deeply]\""));
    }

    #[test]
    fn a_hundred_thousand_levels_fit_on_a_small_stack() {
        let small = std::thread::Builder::new().stack_size(128 << 10);
        let cut = small.spawn(|| cut_extra(nested(100_000)).to_string().len()).unwrap().join().unwrap();
        assert!(cut < 1000, "{cut}");
    }

    #[test]
    fn every_free_form_value_is_cut() {
        let trace = serde_json::json!({"frames": [{"vars": {"x": 0}}]});
        let exception = serde_json::json!({
            "type": "E", "mechanism": {"type": "m", "data": {"x": 0}}, "stacktrace": trace, "raw_stacktrace": trace
        });
        let thread = serde_json::json!({"stacktrace": trace, "raw_stacktrace": trace});
        let json = serde_json::json!({
            "extra": {"x": 0}, "user": {"x": 0}, "logentry": {"message": "", "params": [0]},
            "breadcrumbs": {"values": [{"data": {"x": 0}}]}, "exception": {"values": [exception]},
            "threads": {"values": [thread]}, "stacktrace": trace,
            "contexts": {
                "device": {"x": 0}, "os": {"x": 0}, "runtime": {"x": 0}, "app": {"x": 0}, "browser": {"x": 0},
                "gpu": {"name": "g", "x": 0}, "response": {"data": 0}, "otel": {"attributes": {"x": 0}}, "mine": {"x": 0},
                "trace": {"trace_id": "771a43a4192642f0b136d5159a501700", "span_id": "771a43a4192642f0", "data": {"x": 0}}
            }
        });
        let count = json.to_string().matches(":0").count() + json.to_string().matches("[0]").count();
        let deep = serde_json::to_string(&nested(MAX_DEPTH + 1)).unwrap().replace('1', "\"deep\"");
        let text = json.to_string().replace(":0", &format!(":{deep}")).replace("[0]", &format!("[{deep}]"));
        let mut event: Event<'_> = serde_json::from_str(&text).unwrap();
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!(written.matches("\"deep\"").count(), count, "{written}");
        cut(&mut event);
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!((written.matches("\"deep\"").count(), written.matches("nested too deeply").count()), (0, count));
    }
}
