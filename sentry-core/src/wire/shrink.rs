//! An event that is too large, made smaller step by step until it fits. The server would drop it as a whole (EVT-14).

use serde::Serialize;
use serde_json::{Map, Value};

use super::json::{self, Json};
use super::limits::LONG_TEXT_BYTES;

/// `event` as JSON of at most `max` bytes; `None` if none of the steps gets there.
pub(super) fn to_fit(max: usize, event: &impl Serialize) -> Option<Vec<u8>> {
    let Ok(Value::Object(mut event)) = serde_json::to_value(event) else {
        return None;
    };
    for step in STEPS {
        match json::at_most(max, &event) {
            Json::Fits(bytes) => return Some(bytes),
            Json::TooLong(length) => step(&mut event, length - max),
            Json::Unwritable => return None,
        }
    }
    match json::at_most(max, &event) {
        Json::Fits(bytes) => Some(bytes),
        Json::TooLong(_) | Json::Unwritable => None,
    }
}

/// Takes something away, at least `excess` bytes if there is as much.
type Step = fn(event: &mut Map<String, Value>, excess: usize);

/// What is missed least comes first.
const STEPS: [Step; 6] = [
    |event, excess| oldest_breadcrumbs(event, excess),
    |event, excess| largest_entries(event, "extra", &[], excess),
    |event, excess| largest_entries(event, "contexts", &KEPT_CONTEXTS, excess),
    |event, _| request_body(event),
    |event, _| event.values_mut().for_each(cut_long_texts),
    |event, _| variables_and_source(event),
];

const KEPT_CONTEXTS: [&str; 5] = ["trace", "os", "device", "runtime", "app"];

fn oldest_breadcrumbs(event: &mut Map<String, Value>, excess: usize) {
    let Some(crumbs) = values_of(event, "breadcrumbs") else {
        return;
    };
    let mut freed = 0;
    let enough = crumbs.iter().position(|crumb| {
        freed += json::length(crumb) + 1;
        freed >= excess
    });
    crumbs.drain(..enough.map_or(crumbs.len(), |last| last + 1));
}

fn largest_entries(event: &mut Map<String, Value>, section: &str, kept: &[&str], excess: usize) {
    let Some(Value::Object(entries)) = event.get_mut(section) else {
        return;
    };
    let removable = entries.iter().filter(|(key, _)| !kept.contains(&key.as_str()));
    let mut sizes: Vec<(usize, String)> = removable.map(|(key, value)| (json::length(value), key.clone())).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut freed = 0;
    for (size, key) in sizes {
        if freed >= excess {
            break;
        }
        entries.remove(&key);
        freed += size;
    }
}

fn request_body(event: &mut Map<String, Value>) {
    if let Some(Value::Object(request)) = event.get_mut("request") {
        request.remove("data");
    }
}

/// Values are not nested deeper than [`MAX_DEPTH`](super::limits::MAX_DEPTH) here.
fn cut_long_texts(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONG_TEXT_BYTES => {
            let room = LONG_TEXT_BYTES - ELLIPSIS.len();
            let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push_str(ELLIPSIS);
            text.shrink_to_fit();
        }
        Value::Array(values) => values.iter_mut().for_each(cut_long_texts),
        Value::Object(map) => map.values_mut().for_each(cut_long_texts),
        _ => {}
    }
}

fn variables_and_source(event: &mut Map<String, Value>) {
    for section in ["exception", "threads"] {
        for owner in values_of(event, section).into_iter().flatten() {
            for trace in ["stacktrace", "raw_stacktrace"] {
                let frames = owner.get_mut(trace).and_then(|trace| trace.get_mut("frames"));
                for frame in frames.and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Value::Object(frame) = frame {
                        for field in ["vars", "pre_context", "context_line", "post_context"] {
                            frame.remove(field);
                        }
                    }
                }
            }
        }
    }
}

fn values_of<'e>(event: &'e mut Map<String, Value>, section: &str) -> Option<&'e mut Vec<Value>> {
    event.get_mut(section)?.get_mut("values")?.as_array_mut()
}

const ELLIPSIS: &str = "...";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MAX: usize = 40_000;

    fn shrunk(event: &Value) -> Value {
        let bytes = to_fit(MAX, event).unwrap();
        assert!(bytes.len() <= MAX, "{} bytes", bytes.len());
        serde_json::from_slice(&bytes).unwrap()
    }

    fn text(bytes: usize) -> String {
        "x".repeat(bytes)
    }

    #[test]
    fn what_fits_is_left_alone() {
        let event = json!({"extra": {"a": text(30_000)}, "breadcrumbs": {"values": [1, 2]}});
        assert_eq!(shrunk(&event), event);
    }

    #[test]
    fn the_oldest_breadcrumbs_go_first_and_only_as_many_as_needed() {
        let crumbs: Vec<Value> = (0..100).map(|n| json!({"n": n, "message": text(984)})).collect();
        let event = json!({"extra": {"a": text(9_000)}, "breadcrumbs": {"values": crumbs}});
        let shrunk = shrunk(&event);
        assert_eq!(shrunk["extra"], event["extra"]);
        let left = shrunk["breadcrumbs"]["values"].as_array().unwrap();
        assert_eq!((left.len(), &left[0]["n"], &left[left.len() - 1]["n"]), (30, &json!(70), &json!(99)));
    }

    #[test]
    fn then_the_largest_of_extra_then_contexts_but_for_the_standard_ones() {
        let event = json!({
            "breadcrumbs": {"values": [1]},
            "extra": {"small": 1, "large": text(30_000), "larger": text(50_000)},
            "contexts": {"os": {"x": 2}, "mine": {"x": text(2_000)}}
        });
        let left = shrunk(&event);
        assert_eq!(left["extra"], json!({"small": 1, "large": text(30_000)}));
        assert_eq!((&left["contexts"], &left["breadcrumbs"]), (&event["contexts"], &json!({"values": []})));

        let event = json!({
            "contexts": {"os": {"x": text(20_000)}, "trace": {"x": text(15_000)}, "mine": {"x": text(20_000)}, "b": {}}
        });
        let contexts = json!({"os": {"x": text(20_000)}, "trace": {"x": text(15_000)}, "b": {}});
        assert_eq!(shrunk(&event), json!({ "contexts": contexts }));
    }

    #[test]
    fn then_the_request_body_long_texts_and_local_variables() {
        let event =
            json!({"request": {"data": text(50_000), "url": "http://h"}, "logentry": {"formatted": text(20_000)}});
        let left = shrunk(&event);
        assert_eq!(left["request"], json!({"url": "http://h"}));
        assert_eq!(left["logentry"], event["logentry"]);

        let left = shrunk(&json!({"logentry": {"formatted": "é".repeat(30_000)}, "request": {"cookies": text(8192)}}));
        let formatted = left["logentry"]["formatted"].as_str().unwrap();
        assert_eq!((formatted.len(), &formatted[8186..]), (8191, "é..."));
        assert_eq!(left["request"], json!({"cookies": text(8192)}));

        let frame = json!({"function": "f", "vars": {"v": text(3_000)}, "context_line": "c", "pre_context": [1]});
        let trace = json!({"frames": vec![frame; 10]});
        let left = shrunk(&json!({
            "exception": {"values": [{"stacktrace": trace}]}, "threads": {"values": [{"raw_stacktrace": trace}]}
        }));
        let bare = json!({"frames": vec![json!({"function": "f"}); 10]});
        assert_eq!(left["exception"]["values"][0]["stacktrace"], bare);
        assert_eq!(left["threads"]["values"][0]["raw_stacktrace"], bare);
    }

    #[test]
    fn what_cannot_be_made_to_fit_is_refused() {
        let tags: Map<String, Value> = (0..1_000).map(|n| (format!("{n}"), json!(text(200)))).collect();
        assert!(to_fit(MAX, &json!({ "tags": tags })).is_none());
        assert!(to_fit(MAX, &json!([])).is_none());
    }
}
