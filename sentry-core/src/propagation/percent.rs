//! Percent-encoding of the values in `baggage`: all but letters, digits and `-._~` is encoded, which no reader can
//! mistake.

use std::borrow::Cow;

/// Appends `text`, encoded.
pub(super) fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
    }
}

/// Decodes `text`. A `%` that begins no escape stays as it is, and what is not UTF-8 becomes U+FFFD, as W3C asks.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = escape(rest).unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The byte that `text` begins with if that is an escape, and what follows it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, after @ ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    // Both digits are below 16.
    Some(((digit(high)? * 16 + digit(low)?) as u8, after))
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(text: &str) -> String {
        let mut out = String::new();
        encode_into(&mut out, text);
        out
    }

    #[test]
    fn decoding_takes_anything() {
        for (text, decoded) in [
            ("", ""),
            ("a+b", "a+b"),
            ("%41%2c%2C", "A,,"),
            ("%", "%"),
            ("%4", "%4"),
            ("%%41", "%A"),
            ("%zz%+1%-1", "%zz%+1%-1"),
            ("%é", "%é"),
            ("%C3%A9é", "éé"),
            ("%C3", "\u{fffd}"),
            ("a%FF%00b", "a\u{fffd}\0b"),
        ] {
            assert_eq!(decode(text), decoded, "{text:?}");
        }
    }

    #[test]
    fn what_has_a_meaning_in_baggage_is_encoded() {
        assert_eq!(encode("a-b.c_d~9"), "a-b.c_d~9");
        assert_eq!(encode(" ,;=%\"\\\r\n\0é"), "%20%2C%3B%3D%25%22%5C%0D%0A%00%C3%A9");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert_eq!(decode(&encoded), text);
        }
    }
}
