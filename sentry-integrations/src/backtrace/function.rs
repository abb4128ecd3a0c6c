//! Names of functions: what the compiler adds is taken off, and the module is read out of them.

use std::borrow::Cow;

/// The demangled name without what changes from build to build: the hash, crate disambiguators (`core[1f2e…]`), the
/// numbers of closures (`{closure#3}`, written `{{closure}}` as the older mangling does) and the type arguments of
/// names that have no path.
pub(super) fn clean(demangled: &str) -> String {
    let name = without_hash(demangled.trim());
    let name = match name {
        name if name.contains('[') => Cow::Owned(without_disambiguators(name)),
        name => Cow::Borrowed(name),
    };
    let mut name = if name.contains('#') { without_numbers(&name) } else { name.into_owned() };
    if let Some(end) = name.find('<').filter(|end| is_bare(name.get(..*end).unwrap_or_default())) {
        name.truncate(end);
    }
    name
}

/// Whether this is the name of a function alone, without its path: then type arguments may follow, which debug
/// information of the kind `line-tables-only` spells out.
fn is_bare(name: &str) -> bool {
    !name.is_empty() && !name.contains(':') && name != "operator"
}

/// The path a function lives in: its module, or the type it is a method of. Closures count as their function.
pub(super) fn module(function: &str) -> Option<&str> {
    let function = without_closures(function);
    if let Some(rest) = function.strip_prefix('<') {
        return owner(rest.get(..closing(rest)?)?);
    }
    let Some(open) = function.find('<') else {
        return function.rsplit_once("::").map(|(module, _)| module);
    };
    let (path, rest) = (function.get(..open)?, function.get(open + 1..)?);
    let path = path.strip_suffix("::").unwrap_or(path);
    let after = rest.get(closing(rest)? + 1..).unwrap_or_default();
    if rest.starts_with("impl ") || !after.is_empty() {
        return Some(path);
    }
    // `module::function::<T>`: the arguments are the function's own.
    path.rsplit_once("::").map(|(module, _)| module)
}

/// The name of the crate a function comes from. `None` for names without a path, such as those of C.
pub(super) fn crate_root(function: &str) -> Option<&str> {
    let path = module(function)?;
    path.split("::").next().filter(|root| !root.is_empty())
}

/// The path in `Type as Trait`, or `impl Trait for Type`: the type's, unless it has none (a parameter, a slice).
fn owner(implementation: &str) -> Option<&str> {
    let (ty, of) = match split_top(implementation, " as ") {
        Some((ty, of)) => (ty, Some(of)),
        None => {
            match implementation.strip_prefix("impl ").and_then(|implementation| split_top(implementation, " for ")) {
                Some((of, ty)) => (ty, Some(of)),
                None => (implementation, None),
            }
        }
    };
    type_path(ty).or_else(|| type_path(of?))
}

fn type_path(mut ty: &str) -> Option<&str> {
    while let Some(inner) = ["&", "*const ", "*mut ", "mut ", "dyn "].iter().find_map(|prefix| ty.strip_prefix(prefix))
    {
        ty = inner;
    }
    let path = ty.split(['<', ' ', '+']).next()?;
    let plain = path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    (plain && path.contains("::")).then_some(path.trim_end_matches(':'))
}

fn without_closures(mut function: &str) -> &str {
    while function.ends_with("}}") {
        match function.rfind("{{") {
            Some(start) => function = function.get(..start).unwrap_or_default().trim_end_matches("::"),
            None => break,
        }
    }
    function
}

fn without_hash(name: &str) -> &str {
    let name = name.split_once(".llvm.").map_or(name, |(name, _)| name);
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => path,
        _ => name,
    }
}

fn without_disambiguators(name: &str) -> String {
    let mut clean = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, bracket)) = rest.split_once('[') {
        clean.push_str(before);
        let follows_name = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        match bracket.split_once(']') {
            Some((hash, after)) if follows_name && !hash.is_empty() && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
                rest = after;
            }
            _ => {
                clean.push('[');
                rest = bracket;
            }
        }
    }
    clean.push_str(rest);
    clean
}

/// `{closure#0}` and `{shim:vtable#0}` become `{{closure}}` and `{{shim}}`.
fn without_numbers(name: &str) -> String {
    let mut clean = String::with_capacity(name.len() + 2);
    let mut rest = name;
    while let Some((before, brace)) = rest.split_once('{') {
        clean.push_str(before);
        let numbered = brace.split_once('}').and_then(|(inside, after)| {
            let (kind, number) = inside.split_once('#')?;
            number.bytes().all(|b| b.is_ascii_digit()).then_some((kind, after))
        });
        match numbered {
            Some((kind, after)) => {
                let kind = kind.split(':').next().unwrap_or(kind);
                clean.extend(["{{", kind, "}}"]);
                rest = after;
            }
            None => {
                clean.push('{');
                rest = brace;
            }
        }
    }
    clean.push_str(rest);
    clean
}

/// Where the bracket is closed that `text` stands behind. The arrow of `fn() -> T` closes nothing.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    let mut last = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if last != b'-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        last = byte;
    }
    None
}

/// Splits at the first `separator` outside of angle brackets.
fn split_top<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    text.match_indices(separator)
        .map(|(at, _)| text.split_at(at))
        .find(|(before, _)| before.matches('<').count() + before.matches("->").count() == before.matches('>').count())
        .map(|(before, after)| (before, after.get(separator.len()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_changes_from_build_to_build() {
        for (raw, expected) in [
            ("app::pay", "app::pay"),
            ("app::pay::h0123456789abcdef", "app::pay"),
            ("app::pay::h0123456789abcdef.llvm.1234", "app::pay"),
            ("app::pay::hello", "app::pay::hello"),
            ("app::pay::h0123456789abcdeg", "app::pay::h0123456789abcdeg"),
            ("app::pay::{{closure}}::h0123456789abcdef", "app::pay::{{closure}}"),
            ("app::pay::{closure#12}", "app::pay::{{closure}}"),
            ("app::pay::{closure#0}::{closure#1}", "app::pay::{{closure}}::{{closure}}"),
            (
                "<F as core::ops::function::FnOnce<()>>::call_once::{shim:vtable#0}",
                "<F as core::ops::function::FnOnce<()>>::call_once::{{shim}}",
            ),
            ("app[6d3ba2e2f3c9b6b2]::pay::<core[83a0]::num::Wrapping<u8>>", "app::pay::<core::num::Wrapping<u8>>"),
            ("<[u8] as app::Sum>::sum", "<[u8] as app::Sum>::sum"),
            ("app::f::<[u8; 4]>", "app::f::<[u8; 4]>"),
            ("call_once<app::main::{closure_env#0}, ()>", "call_once"),
            ("{closure#0}<app::main::{closure_env#0}, ()>", "{{closure}}"),
            ("operator<", "operator<"),
            ("broken[{#", "broken[{#"),
            ("", ""),
        ] {
            assert_eq!(clean(raw), expected, "{raw}");
        }
    }

    #[test]
    fn the_module_is_the_path_without_the_last_name() {
        for (function, expected) in [
            ("app::checkout::pay", Some("app::checkout")),
            ("app::checkout::pay::{{closure}}::{{closure}}", Some("app::checkout")),
            ("app::checkout::pay::<u32>", Some("app::checkout")),
            ("app::checkout::pay::<u32>::{{closure}}", Some("app::checkout")),
            ("app::Cart<T>::total", Some("app::Cart")),
            ("<app::Cart<T>>::total", Some("app::Cart")),
            ("<app::Cart as core::fmt::Display>::fmt", Some("app::Cart")),
            ("<&mut app::Cart as core::fmt::Display>::fmt", Some("app::Cart")),
            ("<dyn app::Pay + core::marker::Send>::pay", Some("app::Pay")),
            ("<T as core::convert::Into<U>>::into", Some("core::convert::Into")),
            ("<[app::Cart] as alloc::slice::Join<Sep>>::join", Some("alloc::slice::Join")),
            ("<(A,B) as app::Two>::two", Some("app::Two")),
            ("<fn(app::X) -> app::Y as app::Call<(app::X,)>>::call", Some("app::Call")),
            ("<alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call", Some("alloc::boxed::Box")),
            ("<app::Has<<T as app::Of>::Item> as app::Get>::get", Some("app::Has")),
            ("app::shapes::<impl core::fmt::Display for app::Cart>::fmt", Some("app::shapes")),
            ("<impl core::fmt::Display for app::Cart>::fmt", Some("app::Cart")),
            ("core::ops::function::FnOnce::call_once{{vtable.shim}}", Some("core::ops::function::FnOnce")),
            ("main", None),
            ("__libc_start_main", None),
            ("<unclosed", None),
            ("{{closure}}", None),
            ("", None),
        ] {
            assert_eq!(module(function), expected, "{function}");
        }
    }

    #[test]
    fn the_crate_is_the_first_name() {
        assert_eq!(crate_root("app::checkout::pay"), Some("app"));
        assert_eq!(crate_root("<app::Cart as core::fmt::Display>::fmt"), Some("app"));
        assert_eq!(crate_root("main"), None);
        assert_eq!(crate_root("::odd"), None);
    }
}
