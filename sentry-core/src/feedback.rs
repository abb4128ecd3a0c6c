//! What users say: a text with who said it, about an event or about nothing in particular (spec §25).

use uuid::Uuid;

use crate::protocol::{Context, Event, Level, Map};
use crate::wire::limits::MAX_FEEDBACK_CHARS;

/// What a user has to say, see [`capture_feedback`](crate::capture_feedback).
///
/// Only the message is needed: for a name or an address that is missing the server takes those of the scope's user.
///
/// ```
/// use sentry_core::{Feedback, capture_feedback, last_event_id};
///
/// // Asked for on the page that says that something went wrong.
/// let mut feedback = Feedback::new("It broke when I pressed pay.").name("Ada").contact_email("ada@example.com");
/// feedback.associated_event_id = last_event_id();
/// capture_feedback(feedback);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Feedback {
    /// What the user says. It is cut at 4,096 characters.
    pub message: String,
    /// Who says it.
    pub name: Option<String>,
    /// Where to answer.
    pub contact_email: Option<String>,
    /// The page it is about.
    pub url: Option<String>,
    /// The event it is about, such as that of [`last_event_id`](crate::last_event_id). It is not the feedback's own id.
    pub associated_event_id: Option<Uuid>,
}

impl Feedback {
    /// Feedback with a message and nothing else.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Sets [`name`](field@Self::name).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets [`contact_email`](field@Self::contact_email).
    #[must_use]
    pub fn contact_email(mut self, contact_email: impl Into<String>) -> Self {
        self.contact_email = Some(contact_email.into());
        self
    }

    /// Sets [`url`](field@Self::url).
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets [`associated_event_id`](field@Self::associated_event_id).
    #[must_use]
    pub fn associated_event_id(mut self, associated_event_id: Uuid) -> Self {
        self.associated_event_id = Some(associated_event_id);
        self
    }

    /// The event it travels as (spec FBK-02, FBK-03).
    pub(crate) fn into_event(self) -> Event<'static> {
        let message = match self.message.char_indices().nth(MAX_FEEDBACK_CHARS) {
            Some((end, _)) => self.message.get(..end).unwrap_or_default().to_owned(),
            None => self.message,
        };
        let id = self.associated_event_id.map(|id| id.simple().to_string());
        let optional = [
            ("name", self.name),
            ("contact_email", self.contact_email),
            ("url", self.url),
            ("associated_event_id", id),
        ];
        let mut context = Map::from([("type".to_owned(), "feedback".into()), ("message".to_owned(), message.into())]);
        context.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))));
        let contexts = Map::from([("feedback".to_owned(), Context::Other(context))]);
        Event { level: Level::Info, contexts, ..Event::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context(feedback: Feedback) -> serde_json::Value {
        serde_json::to_value(feedback.into_event()).expect("json")["contexts"]["feedback"].clone()
    }

    #[test]
    fn only_what_is_known_is_said() {
        assert_eq!(context(Feedback::new("broken")), json!({"type": "feedback", "message": "broken"}));
        let feedback = Feedback::new("broken")
            .name("Ada")
            .contact_email("ada@example.com")
            .url("https://example.com/pay")
            .associated_event_id(Uuid::from_bytes([0xd4; 16]));
        assert_eq!(
            context(feedback),
            json!({
                "type": "feedback", "message": "broken", "name": "Ada", "contact_email": "ada@example.com",
                "url": "https://example.com/pay",
                "associated_event_id": "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"
            })
        );
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        for (chars, left) in [(4_095, 4_095), (4_096, 4_096), (4_097, 4_096)] {
            let context = context(Feedback::new("é".repeat(chars)));
            assert_eq!(context["message"].as_str().map(|text| text.chars().count()), Some(left));
        }
    }
}
