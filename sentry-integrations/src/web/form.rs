//! Text of the form `a=1&b=2`: queries, bodies of forms.

use std::borrow::Cow;

use sentry_core::FILTERED;

use super::{Rules, value};

/// `text` with all keys, in order, and the values under those that are no secrets. What stays is not encoded anew.
pub(super) fn filter(rules: &Rules, text: &str, depth: usize) -> String {
    let mut filtered = String::with_capacity(text.len());
    // Some servers take semicolons for separators as well: what follows one may be a key.
    for piece in text.split_inclusive(['&', ';']) {
        let (pair, separator) = match piece.strip_suffix(['&', ';']) {
            Some(pair) => (pair, piece.get(pair.len()..).unwrap_or_default()),
            None => (piece, ""),
        };
        push_pair(&mut filtered, rules, pair, depth);
        filtered.push_str(separator);
    }
    filtered
}

fn push_pair(filtered: &mut String, rules: &Rules, pair: &str, depth: usize) {
    let Some((key, content)) = pair.split_once('=') else {
        push_value(filtered, rules, pair, depth);
        return;
    };
    filtered.push_str(key);
    filtered.push('=');
    if rules.denies(&decode(key)) {
        filtered.push_str(FILTERED);
        return;
    }
    push_value(filtered, rules, content, depth);
}

fn push_value(filtered: &mut String, rules: &Rules, content: &str, depth: usize) {
    let decoded = decode(content);
    let changed = value::filter(rules, &decoded, depth + 1);
    if changed == decoded {
        filtered.push_str(content);
    } else {
        encode_into(filtered, &changed);
    }
}

/// Whether it is the body of a form at all, rather than any text.
pub(super) fn is_form(text: &str) -> bool {
    text.split('&').all(|pair| pair.is_empty() || pair.contains('='))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'<' && byte != b'>')
}

/// Undoes percent-encoding; what is not validly encoded stays as it is.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, beyond @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = beyond;
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Encodes what would be taken for the form's own signs, and what no form contains.
fn encode_into(target: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            ' ' => target.push('+'),
            '&' | ';' | '=' | '%' | '+' | '#' | '"' | '<' | '>' => push_encoded(target, letter),
            _ if letter.is_ascii_graphic() => target.push(letter),
            _ => push_encoded(target, letter),
        }
    }
}

fn push_encoded(target: &mut String, letter: char) {
    for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
        target.push('%');
        target.extend([byte >> 4, byte & 15].into_iter().filter_map(|half| char::from_digit(half.into(), 16)));
    }
}
