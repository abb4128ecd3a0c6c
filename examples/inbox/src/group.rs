//! Decides which events are the same problem, and what to call it. Pure.

use sentry_core::protocol::{Event, Exception, Frame, Stacktrace, User};

use crate::frame;

/// Equal for events of the same issue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey(Vec<String>);

impl GroupKey {
    /// The fingerprint where the sender set one, `{{ default }}` in it standing for what would have been used without.
    pub(crate) fn of(event: &Event<'_>) -> GroupKey {
        let mut parts = Vec::new();
        for part in event.fingerprint.iter() {
            match part.trim() {
                "{{ default }}" | "{{default}}" => parts.extend(default_parts(event)),
                _ => parts.push(part.to_string()),
            }
        }
        if parts.is_empty() {
            parts = default_parts(event);
        }
        GroupKey(parts)
    }
}

/// One line that names the problem.
pub(crate) fn title(event: &Event<'_>) -> String {
    // The last exception is the one thrown last, which wraps the others.
    if let Some(exception) = event.exception.values.last() {
        let value = first_line(exception.value.as_deref().unwrap_or_default());
        return match (exception.ty.is_empty(), value.is_empty()) {
            (false, false) => format!("{}: {value}", exception.ty),
            (false, true) => exception.ty.clone(),
            (true, false) => value.to_owned(),
            (true, true) => UNLABELED.to_owned(),
        };
    }
    match first_line(message(event).unwrap_or_default()) {
        "" => UNLABELED.to_owned(),
        line => line.to_owned(),
    }
}

/// Where the problem is: the newest in-app frame, else what the sender says, else the newest frame of all; or empty.
pub(crate) fn culprit(event: &Event<'_>) -> String {
    let newest = |only_in_app: bool| {
        let wanted = |frame: &&Frame| !only_in_app || frame.in_app == Some(true);
        stacks_newest_first(event).find_map(|stack| stack.frames.iter().rev().find(wanted)).and_then(frame::described)
    };
    newest(true)
        .or_else(|| event.culprit.clone())
        .or_else(|| event.transaction.clone())
        .or_else(|| newest(false))
        .unwrap_or_default()
}

/// False when a mechanism says so.
pub(crate) fn handled(event: &Event<'_>) -> bool {
    let unhandled = |exception: &Exception| exception.mechanism.as_ref().is_some_and(|m| m.handled == Some(false));
    !event.exception.values.iter().any(unhandled)
}

/// The text of an event that is about a message, as a person should read it.
pub(crate) fn message<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let entry = event.logentry.as_ref();
    let formatted = entry.and_then(|entry| entry.formatted.as_deref());
    let template = entry.map(|entry| entry.message.as_str());
    [formatted, template, event.message.as_deref()].into_iter().flatten().find(|text| !text.is_empty())
}

/// What tells this user from others: the first that is there of id, email, name and address.
pub(crate) fn user_key(user: &User) -> Option<String> {
    let address = user.ip_address.as_ref().map(ToString::to_string);
    let candidates = [("id", &user.id), ("email", &user.email), ("username", &user.username), ("ip", &address)];
    candidates.into_iter().find_map(|(kind, value)| {
        let value = value.as_deref().filter(|value| !value.is_empty())?;
        Some(format!("{kind}:{value}"))
    })
}

fn default_parts(event: &Event<'_>) -> Vec<String> {
    let exceptions = &event.exception.values;
    if exceptions.is_empty() {
        return match template(event) {
            Some(template) => vec![format!("message:{template}")],
            None => frame::standing_stack(event).map(frame_parts).unwrap_or_default(),
        };
    }
    let has_frames =
        |exception: &Exception| exception.stacktrace.as_ref().is_some_and(|stack| !stack.frames.is_empty());
    let standing = frame::standing_stack(event).filter(|_| !exceptions.iter().any(has_frames));
    // Without any stack the values are all that tells two problems of one type apart.
    let by_value = standing.is_none() && !exceptions.iter().any(has_frames);
    let mut parts = Vec::new();
    for exception in exceptions {
        // A synthetic type only says that there is a stack.
        if !is_synthetic(exception) {
            parts.push(format!("type:{}", exception.ty));
        }
        if by_value {
            parts.push(format!("value:{}", exception.value.as_deref().unwrap_or_default()));
        }
        parts.extend(exception.stacktrace.iter().flat_map(frame_parts));
    }
    parts.extend(standing.into_iter().flat_map(frame_parts));
    parts
}

fn is_synthetic(exception: &Exception) -> bool {
    exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.synthetic == Some(true))
}

/// In-app frames, or all when none is in-app. Line numbers are left out: they move with every edit.
fn frame_parts(stack: &Stacktrace) -> Vec<String> {
    let any_in_app = stack.frames.iter().any(|frame| frame.in_app == Some(true));
    let wanted = stack.frames.iter().filter(|frame| !any_in_app || frame.in_app == Some(true));
    wanted.map(|frame| format!("frame:{} {}", frame::function(frame), frame::file(frame).unwrap_or_default())).collect()
}

/// What stays the same when only the parameters of a message change.
fn template<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let entry = event.logentry.as_ref();
    let template = entry.map(|entry| entry.message.as_str());
    let formatted = entry.and_then(|entry| entry.formatted.as_deref());
    [template, formatted, event.message.as_deref()].into_iter().flatten().find(|text| !text.is_empty())
}

fn stacks_newest_first<'e>(event: &'e Event<'_>) -> impl Iterator<Item = &'e Stacktrace> {
    let of_exceptions = event.exception.values.iter().rev().filter_map(|exception| exception.stacktrace.as_ref());
    of_exceptions.chain(frame::standing_stack(event))
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim_end()
}

const UNLABELED: &str = "<unlabeled event>";

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sentry_core::protocol::{LogEntry, Mechanism};

    use super::*;

    fn frame(function: &str, line: u64, in_app: bool) -> Frame {
        Frame {
            function: Some(function.into()),
            filename: Some("src/lib.rs".into()),
            lineno: Some(line),
            in_app: Some(in_app),
            ..Frame::default()
        }
    }

    fn exception(ty: &str, value: &str, frames: Vec<Frame>) -> Exception {
        let stacktrace = (!frames.is_empty()).then(|| Stacktrace { frames, ..Stacktrace::default() });
        Exception { ty: ty.into(), value: Some(value.into()), stacktrace, ..Exception::default() }
    }

    fn error(exceptions: Vec<Exception>) -> Event<'static> {
        Event { exception: exceptions.into(), ..Event::default() }
    }

    fn log(template: &str, formatted: Option<&str>) -> Event<'static> {
        let entry =
            LogEntry { message: template.into(), formatted: formatted.map(str::to_owned), ..LogEntry::default() };
        Event { logentry: Some(entry), ..Event::default() }
    }

    fn text(message: &str) -> Event<'static> {
        Event { message: Some(message.into()), ..Event::default() }
    }

    fn fingerprint(event: Event<'static>, parts: &[&'static str]) -> Event<'static> {
        Event { fingerprint: parts.iter().map(|part| Cow::Borrowed(*part)).collect(), ..event }
    }

    #[test]
    fn keys_are_made_of_these_parts() {
        let dependency = frame("tokio::poll", 1, false);
        let run = frame("app::run", 7, true);
        let table: Vec<(Event<'static>, &[&str])> = vec![
            (
                error(vec![exception("E", "a", vec![dependency.clone(), run.clone()])]),
                &["type:E", "frame:app::run src/lib.rs"],
            ),
            (error(vec![exception("E", "a", vec![dependency.clone()])]), &["type:E", "frame:tokio::poll src/lib.rs"]),
            (error(vec![exception("E", "a", vec![])]), &["type:E", "value:a"]),
            (
                error(vec![exception("Inner", "a", vec![]), exception("Outer", "b", vec![run.clone()])]),
                &["type:Inner", "type:Outer", "frame:app::run src/lib.rs"],
            ),
            (
                Event {
                    stacktrace: Some(Stacktrace { frames: vec![run], ..Stacktrace::default() }),
                    ..error(vec![exception("E", "a", vec![])])
                },
                &["type:E", "frame:app::run src/lib.rs"],
            ),
            (
                error(vec![Exception {
                    mechanism: Some(Mechanism { synthetic: Some(true), ..Mechanism::default() }),
                    ..exception("SIGABRT", "a", vec![frame("app::run", 7, true)])
                }]),
                &["frame:app::run src/lib.rs"],
            ),
            (log("user {}", Some("user 5")), &["message:user {}"]),
            (log("", Some("user 5")), &["message:user 5"]),
            (text("hello"), &["message:hello"]),
            (text(""), &[]),
            (fingerprint(text("hello"), &[]), &["message:hello"]),
            (fingerprint(text("hello"), &["mine"]), &["mine"]),
            (fingerprint(text("hello"), &["a", "{{ default }}", "b"]), &["a", "message:hello", "b"]),
            (fingerprint(text("hello"), &["{{default}}"]), &["message:hello"]),
        ];
        for (event, expected) in table {
            assert_eq!(GroupKey::of(&event).0, expected, "{event:?}");
        }
    }

    #[test]
    fn what_differs_makes_or_does_not_make_another_issue() {
        let base = || error(vec![exception("E", "a", vec![frame("app::run", 7, true)])]);
        let table = [
            ("value", error(vec![exception("E", "b", vec![frame("app::run", 7, true)])]), true),
            ("line", error(vec![exception("E", "a", vec![frame("app::run", 8, true)])]), true),
            ("hash", error(vec![exception("E", "a", vec![frame("app::run::h0123456789abcdef", 7, true)])]), true),
            ("type", error(vec![exception("F", "a", vec![frame("app::run", 7, true)])]), false),
            ("function", error(vec![exception("E", "a", vec![frame("app::walk", 7, true)])]), false),
            ("fingerprint", fingerprint(base(), &["{{ default }}", "x"]), false),
        ];
        for (what, event, same) in table {
            assert_eq!(GroupKey::of(&event) == GroupKey::of(&base()), same, "{what}");
        }
    }

    #[test]
    fn titles() {
        let table = [
            (error(vec![exception("Inner", "a", vec![]), exception("Outer", "b\nmore", vec![])]), "Outer: b"),
            (error(vec![exception("E", "", vec![])]), "E"),
            (error(vec![exception("", "v", vec![])]), "v"),
            (error(vec![exception("", "", vec![])]), "<unlabeled event>"),
            (log("user {}", Some("user 5")), "user 5"),
            (log("user {}", None), "user {}"),
            (text("\nfirst \nsecond"), "first"),
            (text(""), "<unlabeled event>"),
        ];
        for (event, expected) in table {
            assert_eq!(title(&event), expected);
        }
    }

    #[test]
    fn culprits() {
        let frames = vec![frame("app::main", 1, true), frame("app::run", 2, true), frame("std::panic", 3, false)];
        let system = vec![frame("std::start", 1, false), frame("std::panic", 2, false)];
        let in_transaction = |event| Event { transaction: Some("GET /".into()), ..event };
        let nameless = Frame { function: None, in_app: Some(true), ..frame("", 1, true) };
        let table = [
            (error(vec![exception("E", "a", frames.clone())]), "app::run in src/lib.rs"),
            (error(vec![exception("I", "", frames), exception("O", "", system.clone())]), "app::run in src/lib.rs"),
            (error(vec![exception("E", "", system.clone())]), "std::panic in src/lib.rs"),
            (in_transaction(error(vec![exception("E", "", system)])), "GET /"),
            (error(vec![exception("E", "", vec![nameless])]), "src/lib.rs"),
            (text("hello"), ""),
        ];
        for (event, expected) in table {
            assert_eq!(culprit(&event), expected);
        }
    }

    #[test]
    fn an_event_is_unhandled_when_one_exception_is() {
        let with = |handled| {
            let mechanism = Some(Mechanism { handled, ..Mechanism::default() });
            error(vec![Exception { mechanism, ..exception("E", "", vec![]) }, exception("O", "", vec![])])
        };
        assert!(!handled(&with(Some(false))));
        assert!(handled(&with(Some(true))));
        assert!(handled(&with(None)));
        assert!(handled(&text("hello")));
    }

    #[test]
    fn users_are_told_apart_by_the_best_that_is_known() {
        let full = User {
            id: Some("5".into()),
            email: Some("a@b".into()),
            username: Some("ann".into()),
            ip_address: Some("10.0.0.1".parse().unwrap()),
            ..User::default()
        };
        let without_id = User { id: Some(String::new()), ..full.clone() };
        let without_email = User { email: None, ..without_id.clone() };
        let only_ip = User { username: None, ..without_email.clone() };
        let table = [
            (&full, Some("id:5")),
            (&without_id, Some("email:a@b")),
            (&without_email, Some("username:ann")),
            (&only_ip, Some("ip:10.0.0.1")),
            (&User::default(), None),
        ];
        for (user, expected) in table {
            assert_eq!(user_key(user).as_deref(), expected);
        }
    }
}
