//! From an error to the exceptions of an event: its chain of sources, each with type, module and text.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write};

use crate::capture::{ErrorLink, ErrorMore};
use crate::caught::caught;
use crate::known_error::{self, Details};
use crate::protocol::{Event, Exception, Mechanism, Stacktrace};

/// Most chains have no more links, and then need no larger piece of memory.
const USUAL_LINKS: usize = 4;
/// A longer chain is cut: it is a cycle or as good as one.
const CHAIN_LIMIT: usize = 50;
/// No text of one error may be longer than this, in bytes; an event is limited to 1 MiB in all (spec ITM-41).
const TEXT_LIMIT: usize = 64 * 1024;

/// An event for `err` and its sources, as [`capture_error`](crate::capture_error) makes it.
///
/// Runs the errors' own `Display` and `source` (and `Debug`, of errors behind `dyn Error`, for a guess at the type),
/// on this thread.
#[must_use]
pub fn event_from_error<E: Error + ?Sized>(err: &E) -> Event<'static> {
    event_from_error_with(err, &Nothing)
}

/// The name that derived `Debug` output begins with: `Variant` of `Variant { .. }` or `Variant(..)`.
///
/// ```
/// assert_eq!(sentry_core::parse_type_from_debug("ParseIntError { kind: Empty }"), "ParseIntError");
/// ```
#[must_use]
pub fn parse_type_from_debug(d: &str) -> &str {
    let end = d.find(|c: char| c.is_whitespace() || matches!(c, '(' | '{' | '"')).unwrap_or(d.len());
    d.get(..end).unwrap_or(d)
}

/// The same with what is known of its sources.
#[doc(hidden)]
#[must_use]
pub fn event_from_error_with<E: Error + ?Sized>(err: &E, known: &dyn KnownErrors) -> Event<'static> {
    Event { exception: exceptions_from_chain(chain_of(err, known)).into(), ..Event::default() }
}

/// Who knows more of errors than `dyn Error` does.
#[doc(hidden)]
pub trait KnownErrors {
    /// As [`Integration::error_type`](crate::Integration::error_type).
    fn error_type(&self, error: &(dyn Error + 'static)) -> Option<&'static str>;
    /// As [`Integration::error_stacktrace`](crate::Integration::error_stacktrace).
    fn error_stacktrace(&self, error: &(dyn Error + 'static)) -> Option<Stacktrace>;
}

/// Where there are no integrations to ask.
struct Nothing;

impl KnownErrors for Nothing {
    fn error_type(&self, _: &(dyn Error + 'static)) -> Option<&'static str> {
        None
    }

    fn error_stacktrace(&self, _: &(dyn Error + 'static)) -> Option<Stacktrace> {
        None
    }
}

/// The chain of `err`, the outermost first.
pub(crate) fn chain_of<E: Error + ?Sized>(err: &E, known: &dyn KnownErrors) -> Vec<ErrorLink> {
    let mut chain = Vec::with_capacity(USUAL_LINKS);
    let ((ty, module), value) = (name_of(err), text_of(err));
    let is_io = static_type::<E>() == static_type::<std::io::Error>();
    let details = if is_io { known_error::details_of_text(&value) } else { None };
    let more = details.map(|details| Box::new(ErrorMore { details, stacktrace: None }));
    chain.push(ErrorLink { ty, module, value, more });
    chain.extend(sources_of(err).map(|source| {
        let (ty, module) = name_of_source(source, known);
        let details = known_error::details(source);
        let stacktrace = caught(|| known.error_stacktrace(source)).flatten();
        let is_more = details.is_some() || stacktrace.is_some();
        let more = is_more.then(|| Box::new(ErrorMore { details: details.unwrap_or_default(), stacktrace }));
        ErrorLink { ty, module, value: text_of(source), more }
    }));
    chain
}

/// The types in the chain of `err` and, where they are known, their modules; the outermost first. Texts are not asked for.
pub(crate) fn names_of<E: Error + ?Sized>(err: &E, known: &dyn KnownErrors) -> impl Iterator<Item = Name> {
    std::iter::once_with(|| name_of(err)).chain(sources_of(err).map(|source| name_of_source(source, known)))
}

type Name = (Cow<'static, str>, Option<&'static str>);

/// What `err` is made of, the outermost first.
fn sources_of<'a, E: Error + ?Sized>(err: &'a E) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first = caught(|| err.source()).flatten();
    let inside =
        |&err: &&'a (dyn Error + 'static)| known_error::inside(err).or_else(|| caught(|| err.source()).flatten());
    std::iter::successors(first, inside).take(CHAIN_LIMIT - 1)
}

/// Root cause first, as Sentry lists them (spec EXC-20), linked by ids that begin at 0 on the outermost (EXC-25).
pub(crate) fn exceptions_from_chain(chain: Vec<ErrorLink>) -> Vec<Exception> {
    let linked = chain.len() > 1;
    let exception = |(id, link): (u64, ErrorLink)| {
        let mut exception = Exception {
            ty: link.ty.into_owned(),
            module: link.module.map(Into::into),
            value: Some(link.value),
            ..Exception::default()
        };
        let mut mechanism = Mechanism {
            ty: if id == 0 { "generic" } else { "chained" }.to_owned(),
            handled: Some(true),
            exception_id: linked.then_some(id),
            parent_id: id.checked_sub(1),
            source: (id > 0).then(|| "source".to_owned()),
            ..Mechanism::default()
        };
        if let Some(more) = link.more {
            let ErrorMore { details: Details { kind, errno }, stacktrace } = *more;
            mechanism.data.extend(kind.map(|kind| ("kind".to_owned(), kind.into())));
            mechanism.meta.errno = errno.map(Into::into);
            exception.stacktrace = stacktrace;
        }
        exception.mechanism = Some(mechanism);
        exception
    };
    let mut exceptions: Vec<Exception> = (0u64..).zip(chain).map(exception).collect();
    exceptions.reverse();
    exceptions
}

fn name_of<E: Error + ?Sized>(err: &E) -> Name {
    static_type::<E>().map_or_else(|| (guessed_type(&err), None), |(ty, module)| (ty.into(), module))
}

fn name_of_source(err: &(dyn Error + 'static), known: &dyn KnownErrors) -> Name {
    let told = caught(|| known.error_type(err)).flatten().map(split);
    let known = told.or_else(|| known_error::name(err));
    known.map_or_else(|| (guessed_type(&err), None), |(ty, module)| (ty.into(), module))
}

/// The type's own name and module, where the compiler knows the type.
pub(crate) fn static_type<E: ?Sized>() -> Option<(&'static str, Option<&'static str>)> {
    let mut full = std::any::type_name::<E>();
    // An error behind a pointer is named by itself.
    for pointer in ["&", "&mut ", "alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<"] {
        while let Some(inner) = full.strip_prefix(pointer) {
            full = inner.strip_suffix('>').filter(|_| pointer.ends_with('<')).unwrap_or(inner);
        }
    }
    if full.starts_with("dyn ") {
        return None;
    }
    Some(split(full))
}

/// The path of a type in its own name and its module.
fn split(full: &'static str) -> (&'static str, Option<&'static str>) {
    // Only the path in front of generic arguments is split: `app::Wrapped<std::io::Error>`.
    let path = full.split('<').next().unwrap_or(full);
    match path.rfind("::") {
        Some(at) => (full.get(at + 2..).unwrap_or(full), path.get(..at)),
        None => (full, None),
    }
}

/// What derived `Debug` calls the error, if what it writes looks derived: a name in upper camel case, alone or with fields
/// after it. Formatting stops as soon as that has been seen.
fn guessed_type(err: &dyn fmt::Debug) -> Cow<'static, str> {
    let mut text = Prefix { text: String::with_capacity(32), limit: 128, stop: Some(|c| matches!(c, '(' | '{' | '"')) };
    let is_whole = caught(|| write!(text, "{err:?}")) == Some(Ok(()));
    let written = text.text.as_str();
    let (path, rest) = written.split_once(' ').unwrap_or((written, ""));
    let name = path.split("::").next().unwrap_or(path);
    let is_name = name.starts_with(|c: char| c.is_uppercase())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        // More words are a sentence.
        && rest.is_empty()
        && (is_whole || written.len() < text.limit);
    if is_name { name.to_owned().into() } else { "Error".into() }
}

fn text_of<E: Error + ?Sized>(err: &E) -> String {
    let mut text = Prefix { text: String::with_capacity(64), limit: TEXT_LIMIT, stop: None };
    if caught(|| write!(text, "{err}")).is_none() {
        text.text.push_str(" [its Display panicked]");
    }
    text.text
}

/// Takes text up to a limit or a character, and then tells the formatter to stop.
struct Prefix {
    text: String,
    limit: usize,
    stop: Option<fn(char) -> bool>,
}

impl Write for Prefix {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.stop.is_none() && self.text.len() + part.len() <= self.limit {
            self.text.push_str(part);
            return Ok(());
        }
        for c in part.chars() {
            if self.stop.is_some_and(|stop| stop(c)) || self.text.len() + c.len_utf8() > self.limit {
                return Err(fmt::Error);
            }
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(Inner);
    #[derive(Debug)]
    enum Inner {
        Broken { _why: u8 },
    }
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer failed")
        }
    }
    impl fmt::Display for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("inner failed")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    impl Error for Inner {}

    #[test]
    fn a_chain_is_listed_root_first_and_linked() {
        let event = event_from_error(&Outer(Inner::Broken { _why: 1 }));
        let [root, outer] = &event.exception.values[..] else { panic!("two exceptions") };
        assert_eq!((root.ty.as_str(), root.value.as_deref()), ("Broken", Some("inner failed")));
        assert_eq!((outer.ty.as_str(), outer.module.as_deref()), ("Outer", Some("sentry_core::error_event::tests")));
        let (root, outer) = (root.mechanism.as_ref().expect("set"), outer.mechanism.as_ref().expect("set"));
        assert_eq!(
            (outer.ty.as_str(), outer.handled, outer.exception_id, outer.parent_id),
            ("generic", Some(true), Some(0), None)
        );
        assert_eq!((root.exception_id, root.parent_id, root.source.as_deref()), (Some(1), Some(0), Some("source")));
    }

    #[test]
    fn a_lone_error_has_no_links() {
        let event = event_from_error(&Inner::Broken { _why: 1 });
        let mechanism = event.exception.values[0].mechanism.as_ref().expect("set");
        assert_eq!((mechanism.exception_id, mechanism.parent_id), (None, None));
    }

    #[test]
    fn types_behind_dyn_are_guessed() {
        let boxed: Box<dyn Error> = "text".into();
        assert_eq!(event_from_error(&*boxed).exception.values[0].ty, "Error");
        let parse = "x".parse::<u8>().expect_err("no number");
        let dynamic: &dyn Error = &parse;
        assert_eq!(event_from_error(dynamic).exception.values[0].ty, "ParseIntError");
    }

    #[test]
    fn what_does_not_look_derived_is_no_type() {
        struct Says(&'static str);
        impl fmt::Debug for Says {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        for (debug, expected) in [
            ("Broken", "Broken"),
            ("Broken { why: 1 }", "Broken"),
            ("Broken(1)", "Broken"),
            ("JoinError::Panic(Id(5), ..)", "JoinError"),
            ("Broken pipe", "Error"),
            ("connection refused", "Error"),
            ("\"text\"", "Error"),
            ("Os { code: 2 }", "Os"),
            ("", "Error"),
            ("{}", "Error"),
        ] {
            assert_eq!(guessed_type(&Says(debug)), expected, "{debug}");
        }
    }

    #[test]
    fn sources_of_std_are_known_and_bring_their_stack() {
        #[derive(Debug)]
        struct Settings(std::io::Error);
        impl fmt::Display for Settings {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("no settings")
            }
        }
        impl Error for Settings {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        struct Stacks;
        impl KnownErrors for Stacks {
            fn error_type(&self, _: &(dyn Error + 'static)) -> Option<&'static str> {
                None
            }
            fn error_stacktrace(&self, _: &(dyn Error + 'static)) -> Option<Stacktrace> {
                Some(Stacktrace::default())
            }
        }
        let error = Settings(std::io::Error::from_raw_os_error(2));
        let event = event_from_error_with(&error, &Stacks);
        let [source, outer] = &event.exception.values[..] else { panic!("two") };
        assert_eq!((source.ty.as_str(), source.module.as_deref()), ("Error", Some("std::io::error")));
        assert!(source.stacktrace.is_some() && outer.stacktrace.is_none());
        let mechanism = source.mechanism.as_ref().expect("set");
        assert_eq!(mechanism.data["kind"], "NotFound");
        assert_eq!(mechanism.meta.errno.as_ref().map(|errno| errno.number), Some(2));
        let wrapping = Settings(std::io::Error::other(Inner::Broken { _why: 1 }));
        let types: Vec<String> =
            event_from_error(&wrapping).exception.into_iter().map(|exception| exception.ty).collect();
        assert_eq!(types, ["Broken", "Error", "Settings"]);
        let listed: Vec<_> = names_of(&wrapping, &Nothing).map(|(ty, _)| ty.into_owned()).collect();
        assert_eq!(listed, ["Settings", "Error", "Broken"], "what is shown is what `ignore_errors` goes by");
    }

    #[test]
    fn static_types_are_split_in_front_of_their_arguments() {
        struct Generic<T>(std::marker::PhantomData<T>);
        let (ty, module) = static_type::<Generic<std::io::Error>>().expect("not dyn");
        assert_eq!(ty, "Generic<std::io::error::Error>");
        assert!(module.expect("a path").ends_with("static_types_are_split_in_front_of_their_arguments"), "{module:?}");
    }

    #[test]
    fn errors_behind_pointers_are_named_by_themselves() {
        let parse = "x".parse::<u8>().expect_err("no number");
        let dynamic: &dyn Error = &parse;
        let shared: std::sync::Arc<dyn Error> = std::sync::Arc::new(parse.clone());
        for event in [event_from_error(&dynamic), event_from_error(&&parse), event_from_error(&shared)] {
            assert_eq!(event.exception.values[0].ty, "ParseIntError");
        }
    }

    #[derive(Debug)]
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("again and again ")?;
            }
        }
    }
    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Self)
        }
    }

    #[test]
    fn cycles_and_endless_texts_are_cut() {
        let event = event_from_error(&Endless);
        assert_eq!(event.exception.values.len(), CHAIN_LIMIT);
        assert!(event.exception.values.iter().all(|e| e.value.as_ref().is_some_and(|value| value.len() <= TEXT_LIMIT)));
    }

    #[derive(Debug)]
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half a text")?;
            std::panic::resume_unwind(Box::new(()))
        }
    }
    impl Error for Panics {}

    #[test]
    fn a_display_that_panics_costs_its_text_only() {
        let event = event_from_error(&Panics);
        assert_eq!(event.exception.values[0].value.as_deref(), Some("half a text [its Display panicked]"));
    }

    #[test]
    fn names_in_debug_texts() {
        for (debug, name) in [("Io(Os)", "Io"), ("Kind", "Kind"), ("A { b: 1 }", "A"), ("\"text\"", ""), ("", "")] {
            assert_eq!(parse_type_from_debug(debug), name);
        }
    }
}
