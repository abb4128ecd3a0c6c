//! What surrounds the error: breadcrumbs, tags, user, contexts, attachments. Each function gives the lines of one section.

use sentry_core::protocol::value::{Map, Value};
use sentry_core::protocol::{Breadcrumb, Context, Event, User};

use super::style::{Ink, Style};
use super::text::{clip, left, size, value, width};
use super::when;
use crate::issue::IssueAttachment;

/// Time, level, category, message and data of each, oldest first; only the newest where there are very many.
pub(super) fn breadcrumbs(event: &Event<'_>, style: Style) -> Vec<String> {
    let all = &event.breadcrumbs.values;
    let skipped = all.len().saturating_sub(MAX_BREADCRUMBS);
    let category = |crumb: &Breadcrumb| clip(crumb.category.as_deref().unwrap_or(&crumb.ty), MAX_KEY, style);
    let columns = all.iter().skip(skipped).map(|crumb| width(&category(crumb))).max().unwrap_or_default();
    let mut lines = Vec::new();
    if skipped > 0 {
        lines.push(style.paint(Ink::Faint, &format!("{} {skipped} older", style.ellipsis())));
    }
    for crumb in all.iter().skip(skipped) {
        let time = style.paint(Ink::Faint, &when::time_of_day(crumb.timestamp));
        let level = style.paint(Ink::Level(crumb.level), &left(&crumb.level.to_string(), LEVEL_COLUMNS));
        let message = clip(crumb.message.as_deref().unwrap_or_default(), MAX_VALUE, style);
        let data = crumb.data.iter().map(|(key, data)| pair(key, data, style)).collect::<Vec<_>>().join(" ");
        let data = style.paint(Ink::Faint, &data);
        let rest = if message.is_empty() || data.is_empty() { message + &data } else { format!("{message}  {data}") };
        let line = format!("{time}  {level}  {}  {rest}", left(&category(crumb), columns));
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Name and value, aligned.
pub(super) fn tags(event: &Event<'_>, style: Style) -> Vec<String> {
    aligned(event.tags.iter().map(|(key, value)| (key.as_str(), clip(value, MAX_VALUE, style))), style)
}

/// Name and value, aligned.
pub(super) fn extra(event: &Event<'_>, style: Style) -> Vec<String> {
    aligned(event.extra.iter().map(|(key, extra)| (key.as_str(), value(extra, MAX_VALUE, style))), style)
}

/// All that is known of the user, on one line.
pub(super) fn user(user: &User, style: Style) -> Vec<String> {
    let address = user.ip_address.as_ref().map(ToString::to_string);
    let known = [("id", &user.id), ("email", &user.email), ("username", &user.username), ("ip", &address)];
    let known = known.into_iter().filter_map(|(key, value)| Some((key, clip(value.as_deref()?, MAX_VALUE, style))));
    let other = user.other.iter().map(|(key, other)| (key.as_str(), value(other, MAX_VALUE, style)));
    let facts: Vec<String> =
        known.chain(other).map(|(key, value)| format!("{} {value}", clip(key, MAX_KEY, style))).collect();
    if facts.is_empty() { Vec::new() } else { vec![facts.join(style.dot())] }
}

/// One line each: name and version first, then whatever else it holds.
pub(super) fn contexts(event: &Event<'_>, style: Style) -> Vec<String> {
    aligned(event.contexts.iter().map(|(key, context)| (key.as_str(), context_line(context, style))), style)
}

/// Name, size and media type, aligned.
pub(super) fn attachments(attachments: &[IssueAttachment], style: Style) -> Vec<String> {
    let facts = |attachment: &IssueAttachment| {
        let media = attachment.content_type.as_deref().map(|media| clip(media, MAX_KEY, style));
        [Some(size(attachment.size)), media].into_iter().flatten().collect::<Vec<_>>().join("  ")
    };
    aligned(attachments.iter().map(|attachment| (attachment.filename.as_str(), facts(attachment))), style)
}

/// `key=value`, for data of breadcrumbs and mechanisms.
pub(super) fn pair(key: &str, data: &Value, style: Style) -> String {
    format!("{}={}", clip(key, MAX_KEY, style), value(data, MAX_PAIR, style))
}

fn context_line(context: &Context, style: Style) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(context) else {
        return String::new();
    };
    fields.remove("type");
    let heading: Vec<String> = ["name", "version"]
        .into_iter()
        .filter_map(|key| text_field(&mut fields, key))
        .map(|text| clip(&text, MAX_PAIR, style))
        .collect();
    let heading = Some(heading.join(" ")).filter(|heading| !heading.is_empty());
    let rest = fields.iter().map(|(key, field)| pair(key, field, style));
    clip(&heading.into_iter().chain(rest).collect::<Vec<_>>().join(", "), MAX_VALUE, style)
}

fn text_field(fields: &mut Map<String, Value>, key: &str) -> Option<String> {
    match fields.remove(key)? {
        Value::String(text) => Some(text),
        other => {
            fields.insert(key.to_owned(), other);
            None
        }
    }
}

fn aligned<'k>(pairs: impl Iterator<Item = (&'k str, String)>, style: Style) -> Vec<String> {
    let pairs: Vec<(String, String)> = pairs.map(|(key, value)| (clip(key, MAX_KEY, style), value)).collect();
    let columns = pairs.iter().map(|(key, _)| width(key)).max().unwrap_or_default();
    pairs.iter().map(|(key, value)| format!("{}  {value}", left(key, columns)).trim_end().to_owned()).collect()
}

const MAX_BREADCRUMBS: usize = 100;
/// The longest level is `warning`.
const LEVEL_COLUMNS: usize = 7;
const MAX_KEY: usize = 40;
const MAX_PAIR: usize = 80;
const MAX_VALUE: usize = 200;

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use sentry_core::protocol::{Level, OsContext, RuntimeContext};
    use serde_json::json;

    use super::*;

    const PLAIN: Style = Style::plain();

    fn crumb(second: u64, category: Option<&str>, message: &str, level: Level) -> Breadcrumb {
        Breadcrumb {
            timestamp: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
            ty: "default".into(),
            category: category.map(str::to_owned),
            level,
            message: Some(message.into()),
            ..Breadcrumb::default()
        }
    }

    #[test]
    fn breadcrumbs_are_aligned() {
        let mut with_data = crumb(61, Some("http"), "GET /", Level::Warning);
        with_data.data.insert("reason".into(), json!("Not\nFound"));
        with_data.data.insert("status".into(), json!(404));
        let mut only_data = crumb(62, None, "", Level::Info);
        only_data.data.insert("n".into(), json!([1]));
        let silent = crumb(63, Some("ui.click"), "", Level::Error);
        let event = Event { breadcrumbs: vec![with_data, only_data, silent].into(), ..Event::default() };
        let expected = [
            "00:01:01.000  warning  http      GET /  reason=Not Found status=404",
            "00:01:02.000  info     default   n=[1]",
            "00:01:03.000  error    ui.click",
        ];
        assert_eq!(breadcrumbs(&event, PLAIN), expected);
    }

    #[test]
    fn the_newest_breadcrumbs_are_shown() {
        let all: Vec<Breadcrumb> = (0..102).map(|second| crumb(second, Some("c"), "m", Level::Info)).collect();
        let lines = breadcrumbs(&Event { breadcrumbs: all.into(), ..Event::default() }, PLAIN);
        assert_eq!(lines.len(), 101);
        assert_eq!(lines[0], "… 2 older");
        assert_eq!(lines[1], "00:00:02.000  info     c  m");
    }

    #[test]
    fn tags_and_extra_are_aligned() {
        let mut event = Event::default();
        event.tags.insert("region".into(), "eu".into());
        event.tags.insert("a".into(), "b\x07".into());
        event.extra.insert("list".into(), json!([1, "x"]));
        assert_eq!(tags(&event, PLAIN), ["a       b\\u{7}", "region  eu"]);
        assert_eq!(extra(&event, PLAIN), ["list  [1,\"x\"]"]);
        assert!(tags(&Event::default(), PLAIN).is_empty());
    }

    #[test]
    fn a_user_is_one_line() {
        let mut ann = User {
            id: Some("5".into()),
            username: Some("ann".into()),
            ip_address: Some("10.0.0.1".parse().unwrap()),
            ..User::default()
        };
        ann.other.insert("plan".into(), json!("pro"));
        assert_eq!(user(&ann, PLAIN), ["id 5 · username ann · ip 10.0.0.1 · plan pro"]);
        assert!(user(&User::default(), PLAIN).is_empty());
    }

    #[test]
    fn contexts_are_one_line_each() {
        let mut event = Event::default();
        let os = OsContext {
            name: Some("Linux".into()),
            version: Some("6.1".into()),
            rooted: Some(false),
            ..OsContext::default()
        };
        event.contexts.insert("os".into(), Context::Os(Box::new(os)));
        let rust = RuntimeContext { name: Some("rustc".into()), ..RuntimeContext::default() };
        event.contexts.insert("rust".into(), Context::Runtime(Box::new(rust)));
        let job = [("name".to_owned(), json!(7)), ("queue".to_owned(), json!("mail"))];
        event.contexts.insert("job".into(), Context::Other(job.into()));
        let expected = ["job   name=7, queue=mail", "os    Linux 6.1, rooted=false", "rust  rustc"];
        assert_eq!(contexts(&event, PLAIN), expected);
    }

    #[test]
    fn attachments_have_sizes() {
        let file = |filename: &str, size, content_type: Option<&str>| IssueAttachment {
            filename: filename.into(),
            content_type: content_type.map(str::to_owned),
            size,
            content: None,
        };
        let files = [file("log.txt", 12, Some("text/plain")), file("a.dmp", 2048, None)];
        assert_eq!(attachments(&files, PLAIN), ["log.txt  12 B  text/plain", "a.dmp    2.0 KiB"]);
    }
}
