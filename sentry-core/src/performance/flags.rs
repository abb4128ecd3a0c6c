//! The feature flags evaluated in a span, as attributes of it: the first ten (spec FLG-03).

use super::TransactionOrSpan;
use crate::protocol::{Map, Value};

const MAX_FLAGS: usize = 10;
const PREFIX: &str = "flag.evaluation.";

impl TransactionOrSpan {
    /// Notes a flag.
    pub(crate) fn note_flag(&self, flag: &str, result: bool) {
        let key = format!("{PREFIX}{flag}");
        match self {
            Self::Transaction(transaction) => {
                transaction.shared.record(|recording| {
                    if has_room(&recording.data, &key) {
                        recording.data.insert(key, result.into());
                    }
                });
            }
            Self::Span(span) => span.record(|spans, row| {
                if has_room(&spans.data(row), &key) {
                    spans.set_data(row, &key, result.into());
                }
            }),
        }
    }
}

fn has_room(data: &Map<String, Value>, key: &str) -> bool {
    let noted = data.range(PREFIX.to_owned()..).take_while(|(key, _)| key.starts_with(PREFIX)).count();
    noted < MAX_FLAGS || data.contains_key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ten_are_noted_with_their_last_result() {
        let mut data = Map::from([("flag".to_owned(), Value::Null), ("flag.other".to_owned(), Value::Null)]);
        let mut note = |flag: &str, result: bool| {
            let key = format!("{PREFIX}{flag}");
            if has_room(&data, &key) {
                data.insert(key, result.into());
            }
        };
        for n in 0..12 {
            note(&n.to_string(), true);
        }
        note("3", false);
        note("11", false);
        assert_eq!(data.len(), 2 + 10);
        assert_eq!(data.get("flag.evaluation.3"), Some(&Value::Bool(false)));
        assert_eq!(data.get("flag.evaluation.11"), None);
    }
}
