//! The exceptions of an event: from the one that came out to the one it began with.

use sentry_core::protocol::{Event, Exception, Mechanism};

use super::source::Source;
use super::style::{Ink, Style};
use super::text::{MAX_LINE, block, clip, counted, heading};
use super::{details, frames};

/// Appends the exceptions with how each was captured and where it arose; nothing when there are none.
pub(super) fn exceptions(out: &mut String, event: &Event<'_>, style: Style, source: Source<'_>) {
    let exceptions = &event.exception.values;
    if exceptions.is_empty() {
        return;
    }
    let title = if exceptions.len() == 1 { "Exception" } else { "Exceptions, outermost first" };
    heading(out, &format!("{title} (newest frame first)"), style);
    // The wire has the innermost first.
    for (depth, exception) in exceptions.iter().rev().take(MAX_EXCEPTIONS).enumerate() {
        let mut lines = exception_lines(exception, style).into_iter();
        let first = lines.next().unwrap_or_default();
        let cause = if depth == 0 { "" } else { "caused by " };
        out.push_str(&format!("  {}{}\n", style.paint(Ink::Faint, cause), style.paint(Ink::Strong, &first)));
        for line in lines {
            out.push_str(&format!("    {line}\n"));
        }
        if let Some(mechanism) = &exception.mechanism {
            out.push_str(&format!("    {}\n", style.paint(Ink::Faint, &mechanism_line(mechanism, style))));
        }
        if let Some(stack) = &exception.stacktrace {
            frames::stack(out, stack, style, source, "    ");
        }
    }
    let inner = exceptions.len().saturating_sub(MAX_EXCEPTIONS);
    if inner > 0 {
        out.push_str(&format!("  {} {}\n", style.ellipsis(), counted(inner as u64, "further cause")));
    }
}

/// `Type: value`, the further lines of the value following.
fn exception_lines(exception: &Exception, style: Style) -> Vec<String> {
    let value = exception.value.as_deref().unwrap_or_default();
    match (exception.ty.is_empty(), value.is_empty()) {
        (true, _) => block(value, style),
        (false, true) => vec![clip(&exception.ty, MAX_LINE, style)],
        (false, false) => block(&format!("{}: {value}", exception.ty), style),
    }
}

fn mechanism_line(mechanism: &Mechanism, style: Style) -> String {
    let mut facts = Vec::new();
    if !mechanism.ty.is_empty() {
        facts.push(clip(&mechanism.ty, MAX_FACT, style));
    }
    facts.extend(mechanism.handled.map(|handled| if handled { "handled" } else { "unhandled" }.to_owned()));
    facts.extend((mechanism.synthetic == Some(true)).then(|| "synthetic".to_owned()));
    facts.extend(mechanism.description.as_deref().map(|text| clip(text, MAX_FACT, style)));
    let meta = &mechanism.meta;
    facts
        .extend(meta.signal.as_ref().map(|signal| code("signal", signal.number.into(), signal.name.as_deref(), style)));
    facts.extend(meta.errno.as_ref().map(|errno| code("errno", errno.number.into(), errno.name.as_deref(), style)));
    facts.extend(mechanism.data.iter().map(|(key, data)| details::pair(key, data, style)));
    format!("mechanism: {}", facts.join(", "))
}

/// `signal 6 (SIGABRT)`.
fn code(kind: &str, number: i64, name: Option<&str>, style: Style) -> String {
    match name {
        Some(name) => format!("{kind} {number} ({})", clip(name, MAX_FACT, style)),
        None => format!("{kind} {number}"),
    }
}

const MAX_EXCEPTIONS: usize = 50;
const MAX_FACT: usize = 100;
