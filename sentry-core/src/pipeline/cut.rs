//! Texts cut to the length that the program chose, after its hooks have seen them whole.

use crate::protocol::Event;

/// Cuts the texts of `event` that have more than `max` characters.
pub(super) fn cut(event: &mut Event<'static>, max: usize) {
    let entry = event.logentry.iter_mut().flat_map(|entry| [Some(&mut entry.message), entry.formatted.as_mut()]);
    let exceptions = event.exception.values.iter_mut().map(|exception| exception.value.as_mut());
    let crumbs = event.breadcrumbs.values.iter_mut().map(|crumb| crumb.message.as_mut());
    let tags = event.tags.values_mut().map(Some);
    let own = [event.message.as_mut(), event.transaction.as_mut(), event.culprit.as_mut()];
    let texts = entry.chain(exceptions).chain(crumbs).chain(tags).chain(own);
    texts.flatten().for_each(|text| cut_text(text, max));
}

/// Leaves `max` characters, the last three of them dots that say that there was more.
fn cut_text(text: &mut String, max: usize) {
    // No text has more characters than bytes.
    if text.len() <= max || text.char_indices().nth(max).is_none() {
        return;
    }
    let kept = max.saturating_sub(DOTS.len());
    let end = text.char_indices().nth(kept).map_or(text.len(), |(at, _)| at);
    text.truncate(end);
    text.push_str(DOTS.get(..max.min(DOTS.len())).unwrap_or_default());
}

const DOTS: &str = "...";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Breadcrumb, Exception, LogEntry};

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, max, left) in [
            ("", 0, ""),
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "ab..."),
            ("éééééé", 6, "éééééé"),
            ("éééééé", 5, "éé..."),
            ("abcdef", 3, "..."),
            ("abcdef", 2, ".."),
            ("abcdef", 0, ""),
        ] {
            let mut text = text.to_owned();
            cut_text(&mut text, max);
            assert_eq!(text, left, "{max}");
        }
    }

    #[test]
    fn all_texts_of_a_kind_are_cut_and_no_others() {
        let long = "x".repeat(9);
        let mut event = Event {
            message: Some(long.clone()),
            logentry: Some(LogEntry { message: long.clone(), formatted: Some(long.clone()), params: vec![] }),
            exception: vec![Exception { ty: long.clone(), value: Some(long.clone()), ..Exception::default() }].into(),
            breadcrumbs: vec![Breadcrumb { message: Some(long.clone()), ..Breadcrumb::default() }].into(),
            tags: [(long.clone(), long.clone())].into(),
            transaction: Some(long.clone()),
            extra: [("k".to_owned(), long.clone().into())].into(),
            ..Event::new()
        };
        cut(&mut event, 8);
        let entry = event.logentry.as_ref().expect("there");
        let cut: Vec<&str> = [&event.message, &entry.formatted, &event.exception[0].value, &event.transaction]
            .into_iter()
            .chain([&event.breadcrumbs[0].message])
            .filter_map(|text| text.as_deref())
            .chain([entry.message.as_str(), event.tags[&long].as_str()])
            .collect();
        assert_eq!(cut, ["xxxxx..."; 7]);
        assert_eq!((&event.exception[0].ty, &event.extra["k"]), (&long, &long.clone().into()));
    }
}
