//! `include_absolute_paths(false)`: no path leaves that tells where the program was built or where it is.

use crate::protocol::{Context, DebugImage, Event, LogAttribute, Map, Stacktrace, Transaction, Value};

/// Shortens what the SDK's own integrations write as paths. What the program says elsewhere is its own word.
pub(super) fn shorten(event: &mut Event<'static>) {
    let exceptions = &mut event.exception.values;
    let mechanisms = exceptions.iter_mut().filter_map(|exception| exception.mechanism.as_mut());
    for mechanism in mechanisms.filter(|mechanism| mechanism.ty == "panic") {
        mechanism.data.get_mut("file").into_iter().for_each(shorten_value);
    }
    let exceptions = exceptions.iter_mut().filter_map(|exception| exception.stacktrace.as_mut());
    let threads = event.threads.values.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    exceptions.chain(threads).chain(event.stacktrace.as_mut()).for_each(shorten_trace);
    if !event.debug_meta.images.is_empty() {
        event.debug_meta.to_mut().images.iter_mut().for_each(shorten_image);
    }
    for breadcrumb in &mut event.breadcrumbs.values {
        shorten_values(&mut breadcrumb.data);
    }
    event.contexts.values_mut().for_each(shorten_context);
}

pub(super) fn shorten_transaction(transaction: &mut Transaction<'static>) {
    transaction.spans.iter_mut().for_each(|span| shorten_values(&mut span.data));
    transaction.contexts.values_mut().for_each(shorten_context);
}

pub(super) fn shorten_attributes(attributes: &mut Map<String, LogAttribute>) {
    attributes.iter_mut().filter(|(key, _)| is_place(key)).for_each(|(_, attribute)| shorten_value(&mut attribute.0));
}

fn shorten_context(context: &mut Context) {
    match context {
        Context::Trace(trace) => shorten_values(&mut trace.data),
        Context::Other(values) => shorten_values(values),
        _ => {}
    }
}

fn shorten_values(values: &mut Map<String, Value>) {
    values.iter_mut().filter(|(key, _)| is_place(key)).for_each(|(_, value)| shorten_value(value));
}

/// Keys of places in the source, as the bridges write them.
fn is_place(key: &str) -> bool {
    matches!(key, "code.file.path" | "logger.file")
}

fn shorten_value(value: &mut Value) {
    if let Value::String(path) = value {
        shorten_path(path);
    }
}

fn shorten_trace(trace: &mut Stacktrace) {
    for frame in &mut trace.frames {
        frame.abs_path = None;
        if let Some(filename) = &mut frame.filename {
            shorten_path(filename);
        }
    }
}

fn shorten_image(image: &mut DebugImage) {
    match image {
        DebugImage::Symbolic(image) => shorten_path(&mut image.name),
        DebugImage::Apple(image) => shorten_path(&mut image.name),
        _ => {}
    }
}

/// An absolute path becomes its last name.
fn shorten_path(path: &mut String) {
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    if is_drive || path.starts_with(['/', '\\']) {
        let start = path.rfind(['/', '\\']).map_or(0, |at| at + 1);
        path.drain(..start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_become_names_and_others_stay() {
        for (path, expected) in [
            ("/home/alice/shop/src/main.rs", "main.rs"),
            ("C:\\Users\\alice\\shop.exe", "shop.exe"),
            ("\\\\server\\share\\x.dll", "x.dll"),
            ("src/main.rs", "src/main.rs"),
            ("shop", "shop"),
            ("", ""),
            ("/", ""),
        ] {
            let mut path = path.to_owned();
            shorten_path(&mut path);
            assert_eq!(path, expected);
        }
    }
}
