//! The feature flags evaluated lately: each once, the newest last, a hundred at most (spec FLG-02).

use super::key::Key;
use crate::protocol::{Context, Event, Map, Value};
use crate::wire::limits::MAX_FLAG_CHARS;

#[derive(Debug, Clone, Default)]
pub(super) struct Flags(Vec<(Key, bool)>);

const MAX_FLAGS: usize = 100;
/// The event's context that lists them.
const CONTEXT: &str = "flags";

impl Flags {
    /// A flag was evaluated: it is now the newest. The oldest goes where there are too many.
    pub(super) fn add(&mut self, flag: &Key, result: bool) {
        self.0.retain(|(there, _)| there != flag);
        if self.0.len() >= MAX_FLAGS {
            self.0.remove(0);
        }
        self.0.push((flag.clone(), result));
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(flag, _)| size_of::<(Key, bool)>() + flag.heap_bytes()).sum()
    }

    /// Lays them under those that `event` lists already, which are newer (spec FLG-04).
    pub(super) fn merge_into(&self, event: &mut Event<'static>) {
        if self.0.is_empty() {
            return;
        }
        let empty = || Context::Other(Map::from([("type".to_owned(), CONTEXT.into())]));
        let context = event.contexts.entry(CONTEXT.to_owned()).or_insert_with(empty);
        // A context in a shape of the program's own is left alone.
        let Context::Other(context) = context else { return };
        let listed = context.entry("values".to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(listed) = listed else { return };
        let is_listed = |flag: &str| listed.iter().any(|there| there.get("flag").and_then(Value::as_str) == Some(flag));
        let mut all: Vec<Value> = (self.0.iter())
            .filter(|(flag, _)| !is_listed(flag.as_str()))
            .map(|(flag, result)| serde_json::json!({"flag": flag.as_str(), "result": result}))
            .collect();
        all.append(listed);
        let oldest = all.len().saturating_sub(MAX_FLAGS);
        *listed = all.split_off(oldest);
    }
}

/// The name as it is kept (spec FLG-05).
pub(super) fn cut(flag: &str) -> &str {
    flag.char_indices().nth(MAX_FLAG_CHARS).and_then(|(end, _)| flag.get(..end)).unwrap_or(flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    fn listed(scope: &Scope) -> Vec<(String, bool)> {
        let event = scope.apply_to_event(Event::new()).expect("kept");
        let Some(Context::Other(context)) = event.contexts.get("flags") else { return Vec::new() };
        let values = context["values"].as_array().expect("a list");
        values
            .iter()
            .map(|value| {
                (value["flag"].as_str().expect("text").to_owned(), value["result"].as_bool().expect("a result"))
            })
            .collect()
    }

    #[test]
    fn a_flag_is_listed_once_where_it_was_evaluated_last() {
        let mut scope = Scope::default();
        for (flag, result) in [("a", true), ("b", false), ("a", false)] {
            scope.add_feature_flag(flag, result);
        }
        assert_eq!(listed(&scope), [("b".to_owned(), false), ("a".to_owned(), false)]);
    }

    #[test]
    fn the_hundred_newest_are_kept() {
        let mut scope = Scope::default();
        for n in 0..250 {
            // Each on a layer of its own.
            let _snapshot = scope.clone();
            scope.add_feature_flag(&n.to_string(), n % 2 == 0);
        }
        let listed = listed(&scope);
        assert_eq!((listed.len(), listed[0].0.as_str(), listed[99].0.as_str()), (100, "150", "249"));
    }

    #[test]
    fn forks_do_not_see_each_others() {
        let mut scope = Scope::default();
        scope.add_feature_flag("both", true);
        let mut fork = scope.clone();
        fork.add_feature_flag("fork", true);
        scope.add_feature_flag("scope", true);
        assert_eq!(listed(&fork), [("both".to_owned(), true), ("fork".to_owned(), true)]);
        assert_eq!(listed(&scope), [("both".to_owned(), true), ("scope".to_owned(), true)]);
        scope.clear();
        assert!(listed(&scope).is_empty());
    }

    #[test]
    fn those_of_the_event_and_then_of_the_scope_win() {
        let flags = |names: &[&str]| {
            let mut flags = Flags::default();
            names.iter().for_each(|name| flags.add(&Key::from(*name), true));
            flags
        };
        let mut event = Event::new();
        flags(&["scope", "both"]).merge_into(&mut event);
        flags(&["global", "both"]).merge_into(&mut event);
        let names = serde_json::to_value(&event).expect("json")["contexts"]["flags"]["values"].clone();
        let names: Vec<&str> =
            names.as_array().into_iter().flatten().filter_map(|value| value["flag"].as_str()).collect();
        assert_eq!(names, ["global", "scope", "both"]);
        let own = Context::Other([("values".to_owned(), "mine".into())].into());
        let mut event = Event { contexts: [("flags".to_owned(), own.clone())].into(), ..Event::new() };
        flags(&["scope"]).merge_into(&mut event);
        assert_eq!(event.contexts["flags"], own);
    }

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(40)), "é".repeat(32));
        assert_eq!(cut("short"), "short");
    }
}
