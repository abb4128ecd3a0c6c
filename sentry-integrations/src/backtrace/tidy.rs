//! Makes stack traces readable that are right, but odd: the state machines of `async` functions, and deep recursion.

use sentry_core::protocol::{Frame, Stacktrace};

/// Names the state machine of an `async` function as the function: `app::pay::{{closure}}` becomes `app::pay` where it
/// was polled. What the compiler calls a closure and was called is one, and keeps its name.
pub(super) fn name_async_functions(trace: &mut Stacktrace) {
    let mut was_polling = false;
    for frame in &mut trace.frames {
        let Some(name) = &mut frame.function else {
            was_polling = false;
            continue;
        };
        let is_polling = polls(name);
        match name.strip_suffix(CLOSURE) {
            Some(function) if was_polling && !is_polling => {
                name.truncate(function.len());
                was_polling = true;
            }
            _ => was_polling = is_polling,
        }
    }
}

/// Whether the function calls futures.
fn polls(name: &str) -> bool {
    let mut name = name;
    while let Some(outer) = name.strip_suffix(CLOSURE) {
        name = outer;
    }
    let name = name.split("::<").next().unwrap_or(name);
    let last = name.rsplit("::").next().unwrap_or(name);
    last == "poll" || last.starts_with("poll_") || last == "block_on" || last == "with_budget"
}

/// Leaves out the middle of a long recursion, and tells how much that is.
pub(super) fn collapse_recursion(trace: &mut Stacktrace) {
    let Some((start, end, period)) = longest_recursion(&trace.frames) else { return };
    if end - start < MUCH {
        return;
    }
    let kept = SHOWN - SHOWN % period;
    let (from, to) = (start + kept, end - kept);
    let mut omitted = (to - from) as u64;
    if let Some((gap, gap_end)) = trace.frames_omitted {
        // There is one place only for what is left out.
        if !(from as u64..=to as u64).contains(&gap) {
            return;
        }
        omitted = omitted.saturating_add(gap_end.saturating_sub(gap));
    }
    trace.frames.drain(from..to);
    trace.frames_omitted = Some((from as u64, (from as u64).saturating_add(omitted)));
}

/// Where the longest part begins and ends that repeats itself, and how many calls it repeats.
fn longest_recursion(frames: &[Frame]) -> Option<(usize, usize, usize)> {
    let mut longest = None;
    for period in 1..=LONGEST_PERIOD {
        let mut start = 0;
        for at in 0..frames.len() {
            let same = match (frames.get(at), frames.get(at + period)) {
                (Some(older), Some(newer)) => is_same_call(older, newer),
                _ => false,
            };
            if !same {
                let end = (at + period).min(frames.len());
                if longest.is_none_or(|(from, to, _)| end - start > to - from) && at > start {
                    longest = Some((start, end, period));
                }
                start = at + 1;
            }
        }
    }
    longest
}

fn is_same_call(one: &Frame, other: &Frame) -> bool {
    one.function.is_some() && one.function == other.function && one.lineno == other.lineno
}

const CLOSURE: &str = "::{{closure}}";
/// What repeats less is shown as it is.
const MUCH: usize = 64;
/// Of more, so many calls are shown at each end.
const SHOWN: usize = 16;
/// How many functions may call each other in turn.
const LONGEST_PERIOD: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(names: &[&str]) -> Stacktrace {
        let frame = |name: &&str| Frame { function: Some((*name).to_owned()), ..Frame::default() };
        Stacktrace { frames: names.iter().map(frame).collect(), ..Stacktrace::default() }
    }

    fn names(trace: &Stacktrace) -> Vec<&str> {
        trace.frames.iter().filter_map(|frame| frame.function.as_deref()).collect()
    }

    #[test]
    fn polled_state_machines_are_functions_and_closures_are_closures() {
        for (before, after) in [
            (
                &["tokio::CoreGuard::block_on::{{closure}}::{{closure}}", "app::a::{{closure}}", "app::b::{{closure}}"]
                    [..],
                &["tokio::CoreGuard::block_on::{{closure}}::{{closure}}", "app::a", "app::b"][..],
            ),
            (
                &["<core::pin::Pin<P> as core::future::future::Future>::poll", "app::a::{{closure}}", "app::called"],
                &["<core::pin::Pin<P> as core::future::future::Future>::poll", "app::a", "app::called"],
            ),
            (
                &["app::pay", "core::iter::Map::next", "app::pay::{{closure}}"],
                &["app::pay", "core::iter::Map::next", "app::pay::{{closure}}"],
            ),
            (
                &["x::poll_fn", "app::a::{{closure}}::{{closure}}", "core::map", "app::a::{{closure}}::{{closure}}"],
                &["x::poll_fn", "app::a::{{closure}}", "core::map", "app::a::{{closure}}::{{closure}}"],
            ),
            (&["x::poll", "tokio::poll_future::{{closure}}"], &["x::poll", "tokio::poll_future::{{closure}}"]),
        ] {
            let mut trace = trace(before);
            name_async_functions(&mut trace);
            assert_eq!(names(&trace), after);
        }
    }

    #[test]
    fn the_middle_of_a_long_recursion_is_left_out() {
        let mut recursion = vec!["app::main"];
        recursion.extend(["app::even", "app::odd"].repeat(100));
        recursion.push("app::end");
        let mut trace = trace(&recursion);
        collapse_recursion(&mut trace);
        assert_eq!(trace.frames.len(), 1 + 16 + 16 + 1);
        assert_eq!(trace.frames_omitted, Some((17, 17 + 168)));
        let names = names(&trace);
        assert_eq!((names[0], names[1], names[33], names[32]), ("app::main", "app::even", "app::end", "app::odd"));
        assert!(names[1..33].chunks(2).all(|pair| pair == ["app::even", "app::odd"]));
    }

    #[test]
    fn what_was_left_out_before_is_counted_in() {
        let mut trace = trace(&["app::down"].repeat(1_000));
        trace.frames_omitted = Some((500, 2_500));
        collapse_recursion(&mut trace);
        assert_eq!((trace.frames.len(), trace.frames_omitted), (32, Some((16, 16 + 968 + 2_000))));
    }

    #[test]
    fn short_and_other_stacks_stay() {
        let distinct: Vec<String> = (0..200).map(|n| format!("app::f{n}")).collect();
        let distinct: Vec<&str> = distinct.iter().map(String::as_str).collect();
        for frames in [["app::down"].repeat(63), distinct, Vec::new()] {
            let mut trace = trace(&frames);
            collapse_recursion(&mut trace);
            assert_eq!((names(&trace), trace.frames_omitted), (frames, None));
        }
        let mut gap_elsewhere = trace(&[["app::f"].repeat(100), vec!["app::g", "app::h"]].concat());
        gap_elsewhere.frames_omitted = Some((101, 105));
        collapse_recursion(&mut gap_elsewhere);
        assert_eq!(gap_elsewhere.frames.len(), 102);
    }

    #[test]
    fn unnamed_frames_are_no_recursion() {
        let mut bare = Stacktrace { frames: vec![Frame::default(); 100], ..Stacktrace::default() };
        collapse_recursion(&mut bare);
        assert_eq!(bare.frames.len(), 100);
    }
}
