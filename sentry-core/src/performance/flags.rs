//! The feature flags evaluated in a span, as attributes of it: the first ten (spec FLG-03).

use super::TransactionOrSpan;
use super::span::Kind;
use crate::protocol::{Map, Value};
use crate::sync::try_lock;

const MAX_FLAGS: usize = 10;
const PREFIX: &str = "flag.evaluation.";

impl TransactionOrSpan {
    /// Notes a flag. Flags are evaluated anywhere, also where the program holds a guard of the span's attributes: the
    /// flag is then not noted, rather than waited for it.
    pub(crate) fn note_flag(&self, flag: &str, result: bool) {
        match self {
            Self::Transaction(transaction) => {
                if let Some(mut recording) = transaction.shared.recording.as_ref().and_then(try_lock) {
                    note(&mut recording.data, flag, result);
                }
            }
            Self::Span(span) => {
                if let Kind::Recorded(span) = &span.kind {
                    if let Some(mut span) = try_lock(span) {
                        note(&mut span.data, flag, result);
                    }
                }
            }
        }
    }
}

fn note(data: &mut Map<String, Value>, flag: &str, result: bool) {
    let key = format!("{PREFIX}{flag}");
    let noted = data.range(PREFIX.to_owned()..).take_while(|(key, _)| key.starts_with(PREFIX)).count();
    if noted < MAX_FLAGS || data.contains_key(&key) {
        data.insert(key, result.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ten_are_noted_with_their_last_result() {
        let mut data = Map::from([("flag".to_owned(), Value::Null), ("flag.other".to_owned(), Value::Null)]);
        for n in 0..12 {
            note(&mut data, &n.to_string(), true);
        }
        note(&mut data, "3", false);
        note(&mut data, "11", false);
        assert_eq!(data.len(), 2 + 10);
        assert_eq!(data.get("flag.evaluation.3"), Some(&Value::Bool(false)));
        assert_eq!(data.get("flag.evaluation.11"), None);
    }
}
