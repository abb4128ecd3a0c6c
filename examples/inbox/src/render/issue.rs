//! One issue in full: what, where, since when, and everything its latest event carries.

use std::time::SystemTime;

use sentry_core::protocol::Event;

use super::source::Source;
use super::style::{Ink, Style};
use super::text::{MAX_LINE, block, clip, counted, heading};
use super::{chain, details, frames, when};
use crate::issue::Issue;
use crate::{frame, group};

/// Several lines, the last with its line end.
pub(crate) fn render(issue: &Issue, style: Style, now: SystemTime, source: Source<'_>) -> String {
    let event = &issue.latest;
    let mut out = head(issue, style, now);
    section(&mut out, "Message", style, &message(issue, style));
    chain::exceptions(&mut out, event, style, source);
    standing_stack(&mut out, event, style, source);
    section(&mut out, "Breadcrumbs, oldest first", style, &details::breadcrumbs(event, style));
    section(&mut out, "Request", style, &request(event, style));
    section(&mut out, "Tags", style, &details::tags(event, style));
    let user = event.user.as_ref().map(|user| details::user(user, style)).unwrap_or_default();
    section(&mut out, "User", style, &user);
    section(&mut out, "Contexts", style, &details::contexts(event, style));
    section(&mut out, "Extra", style, &details::extra(event, style));
    section(&mut out, "Attachments", style, &details::attachments(&issue.attachments, style));
    out
}

fn head(issue: &Issue, style: Style, now: SystemTime) -> String {
    let title = style.paint(Ink::Strong, &clip(&issue.title, MAX_LINE, style));
    let level = style.paint(Ink::Level(issue.level), &issue.level.to_string());
    let facts = [
        level,
        if issue.handled { "handled" } else { "unhandled" }.to_owned(),
        counted(issue.count, "event"),
        counted(issue.users, "user"),
        format!("first seen {}", when::age(issue.first_seen, now)),
        format!("last seen {}", when::age(issue.last_seen, now)),
    ];
    let mut out = format!("{}  {title}\n{}\n", issue.id, facts.join(style.dot()));
    if !issue.culprit.is_empty() {
        out.push_str(&format!("at {}\n", clip(&issue.culprit, MAX_LINE, style)));
    }
    let latest = latest(&issue.latest, style).join(style.dot());
    out.push_str(&style.paint(Ink::Faint, &latest));
    out.push('\n');
    out
}

/// What tells the latest event from the others of its issue.
fn latest(event: &Event<'_>, style: Style) -> Vec<String> {
    let mut facts = vec![format!("event {}", event.event_id.simple()), when::date_time(event.timestamp)];
    let sdk = event.sdk.as_ref().map(|sdk| format!("{} {}", sdk.name, sdk.version));
    let named = [
        ("release", event.release.as_deref()),
        ("dist", event.dist.as_deref()),
        ("environment", event.environment.as_deref()),
        ("server", event.server_name.as_deref()),
        ("transaction", event.transaction.as_deref()),
        ("logger", event.logger.as_deref()),
        ("sdk", sdk.as_deref()),
    ];
    facts.extend(
        named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", clip(value?, MAX_FACT, style)))),
    );
    facts
}

/// The message where the title does not say it all.
fn message(issue: &Issue, style: Style) -> Vec<String> {
    let event = &issue.latest;
    let Some(text) = group::message(event).filter(|text| *text != issue.title) else {
        return Vec::new();
    };
    let mut lines = block(text, style);
    let template = event.logentry.as_ref().map(|entry| entry.message.as_str());
    if let Some(template) = template.filter(|template| !template.is_empty() && *template != text) {
        lines.push(style.paint(Ink::Faint, &format!("template: {}", clip(template, MAX_LINE, style))));
    }
    lines
}

/// The stack outside the exceptions, which says where when they do not.
fn standing_stack(out: &mut String, event: &Event<'_>, style: Style, source: Source<'_>) {
    let of_exceptions = event.exception.values.iter().filter_map(|exception| exception.stacktrace.as_ref());
    if of_exceptions.into_iter().any(|stack| !stack.frames.is_empty()) {
        return;
    }
    if let Some(stack) = frame::standing_stack(event) {
        heading(out, "Stack (newest frame first)", style);
        frames::stack(out, stack, style, source, "  ");
    }
}

fn request(event: &Event<'_>, style: Style) -> Vec<String> {
    let Some(request) = &event.request else {
        return Vec::new();
    };
    let url = request.url.as_ref().map(ToString::to_string);
    let query = request.query_string.as_deref().filter(|query| !query.is_empty()).map(|query| format!("query {query}"));
    let line: Vec<&str> = [request.method.as_deref(), url.as_deref(), query.as_deref()].into_iter().flatten().collect();
    if line.is_empty() { Vec::new() } else { vec![clip(&line.join(" "), MAX_LINE, style)] }
}

fn section(out: &mut String, title: &str, style: Style, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    heading(out, title, style);
    for line in lines {
        out.push_str(&format!("  {line}\n"));
    }
}

const MAX_FACT: usize = 100;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sentry_core::protocol::{
        Breadcrumb, Exception, Frame, Level, LogEntry, Mechanism, MechanismMeta, PosixSignal, Request, Stacktrace, User,
    };

    use super::*;
    use crate::issue::IssueAttachment;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn frame(function: &str, line: u64, in_app: bool) -> Frame {
        Frame {
            function: Some(function.into()),
            filename: Some("src/main.rs".into()),
            lineno: Some(line),
            in_app: Some(in_app),
            ..Frame::default()
        }
    }

    fn stack(frames: Vec<Frame>) -> Option<Stacktrace> {
        Some(Stacktrace { frames, ..Stacktrace::default() })
    }

    fn issue(event: Event<'static>) -> Issue {
        Issue {
            id: "INBOX-1".into(),
            title: group::title(&event),
            culprit: group::culprit(&event),
            level: event.level,
            count: 3,
            users: 1,
            first_seen: at(0),
            last_seen: at(90),
            attachments: Vec::new(),
            handled: group::handled(&event),
            latest: Box::new(event),
        }
    }

    fn event() -> Event<'static> {
        Event { event_id: "9ec79c33ec9942ab8353589fcb2e04dc".parse().unwrap(), timestamp: at(90), ..Event::default() }
    }

    #[test]
    fn an_error_in_full() {
        let mechanism = Mechanism {
            ty: "panic".into(),
            handled: Some(false),
            meta: MechanismMeta {
                signal: Some(PosixSignal { number: 6, name: Some("SIGABRT".into()), ..PosixSignal::default() }),
                errno: Some(98.into()),
                ..MechanismMeta::default()
            },
            data: [("thread".to_owned(), "main".into())].into(),
            ..Mechanism::default()
        };
        let inner = Exception { ty: "io::Error".into(), value: Some("refused".into()), ..Exception::default() };
        let outer = Exception {
            ty: "panic".into(),
            value: Some("cannot start\nport 80".into()),
            mechanism: Some(mechanism),
            stacktrace: stack(vec![
                frame("std::rt::start", 1, false),
                frame("app::main", 4, true),
                frame("core::panicking::panic", 6, false),
            ]),
            ..Exception::default()
        };
        let crumb = Breadcrumb {
            timestamp: at(80),
            category: Some("net".into()),
            message: Some("binding".into()),
            level: Level::Info,
            ..Breadcrumb::default()
        };
        let mut event = Event {
            level: Level::Fatal,
            exception: vec![inner, outer].into(),
            release: Some("app@1.0".into()),
            environment: Some("production".into()),
            breadcrumbs: vec![crumb].into(),
            user: Some(User { id: Some("5".into()), ..User::default() }),
            request: Some(Request {
                url: "http://localhost/x".parse().ok(),
                method: Some("GET".into()),
                query_string: Some("a=1".into()),
                ..Request::default()
            }),
            ..event()
        };
        event.tags.insert("region".into(), "eu".into());
        event.extra.insert("tries".into(), 2.into());
        let mut issue = issue(event);
        issue.attachments.push(IssueAttachment {
            filename: "log.txt".into(),
            content_type: None,
            size: 12,
            content: None,
        });
        let expected = "\
INBOX-1  panic: cannot start
fatal · unhandled · 3 events · 1 user · first seen 2m ago · last seen 30s ago
at app::main in src/main.rs
event 9ec79c33ec9942ab8353589fcb2e04dc · 1970-01-01 00:01:30.000 UTC · release app@1.0 · environment production

Exceptions, outermost first (newest frame first)
  panic: cannot start
    port 80
    mechanism: panic, unhandled, signal 6 (SIGABRT), errno 98, thread=main
    … 1 frame in std
    ▶ app::main  src/main.rs:4
         4 │ start();
    … 1 frame in std
  caused by io::Error: refused

Breadcrumbs, oldest first
  00:01:20.000  info     net  binding

Request
  GET http://localhost/x query a=1

Tags
  region  eu

User
  id 5

Extra
  tries  2

Attachments
  log.txt  12 B
";
        assert_eq!(render(&issue, Style::plain(), at(120), &|_| Some("start();".into())), expected);
    }

    #[test]
    fn a_message_in_full() {
        let entry = LogEntry {
            message: "user {}\nfailed".into(),
            formatted: Some("user 5\nfailed".into()),
            ..LogEntry::default()
        };
        let event = Event { logentry: Some(entry), stacktrace: stack(vec![frame("a::b", 1, true)]), ..event() };
        let expected = "\
INBOX-1  user 5
error - handled - 3 events - 1 user - first seen 2m ago - last seen 30s ago
at a::b in src/main.rs
event 9ec79c33ec9942ab8353589fcb2e04dc - 1970-01-01 00:01:30.000 UTC

Message
  user 5
  failed
  template: user {} failed

Stack (newest frame first)
  > a::b  src/main.rs:1
";
        assert_eq!(render(&issue(event), Style::plain().with_unicode(false), at(120), &|_| None), expected);
    }

    #[test]
    fn an_empty_event_is_four_facts() {
        let expected = "\
INBOX-1  <unlabeled event>
error · handled · 3 events · 1 user · first seen 2m ago · last seen 30s ago
event 9ec79c33ec9942ab8353589fcb2e04dc · 1970-01-01 00:01:30.000 UTC
";
        assert_eq!(render(&issue(event()), Style::plain(), at(120), &|_| None), expected);
    }

    #[test]
    fn senders_cannot_command_the_terminal() {
        let hostile = "\x1b]0;x\x07";
        let exception = Exception {
            ty: hostile.into(),
            value: Some(hostile.into()),
            stacktrace: stack(vec![frame(hostile, 1, true), frame(hostile, 2, false)]),
            mechanism: Some(Mechanism {
                ty: hostile.into(),
                description: Some(hostile.into()),
                ..Mechanism::default()
            }),
            ..Exception::default()
        };
        let mut event = Event {
            exception: vec![exception].into(),
            message: Some(hostile.into()),
            release: Some(hostile.into()),
            user: Some(User { id: Some(hostile.into()), ..User::default() }),
            breadcrumbs: vec![Breadcrumb {
                category: Some(hostile.into()),
                message: Some(hostile.into()),
                ..Breadcrumb::default()
            }]
            .into(),
            ..event()
        };
        event.tags.insert(hostile.into(), hostile.into());
        event.extra.insert(hostile.into(), hostile.into());
        let text = render(&issue(event), Style::plain(), at(120), &|_| Some(hostile.into()));
        assert!(!text.contains(['\x1b', '\x07']), "{text}");
    }

    #[test]
    fn long_chains_and_values_are_cut() {
        let exceptions: Vec<Exception> = (0..60)
            .map(|n| Exception { ty: format!("E{n}"), value: Some("line\n".repeat(40)), ..Exception::default() })
            .collect();
        let text =
            render(&issue(Event { exception: exceptions.into(), ..event() }), Style::plain(), at(120), &|_| None);
        assert!(text.contains("\n  E59: line\n"));
        assert!(text.contains("\n    … 10 more lines\n  caused by E58: line\n"), "{text}");
        assert!(text.ends_with("\n  … 10 further causes\n"), "{text}");
    }
}
