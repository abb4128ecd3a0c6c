//! Percent-encoding, with one set of bytes to encode for each part of a URL, as the URL standard has them.

/// A part of a URL that has rules of its own about what may stand in it as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// User name or password.
    UserInfo,
    /// Path of a URL with an authority.
    Path,
    /// Everything after the scheme of a URL like `mailto:a@b.c`; also hosts of unknown schemes.
    Opaque,
    /// Query of a URL of an unknown scheme.
    Query,
    /// Query of `http` and its kin, where an apostrophe is encoded too.
    SpecialQuery,
    /// What follows `#`.
    Fragment,
}

impl Part {
    fn must_encode(self, byte: u8) -> bool {
        let listed: &[u8] = match self {
            Self::Opaque => b"",
            Self::Query => b" \"#<>",
            Self::SpecialQuery => b" \"#<>'",
            Self::Fragment => b" \"<>`",
            Self::Path => b" \"#<>?`{}",
            Self::UserInfo => b" \"#<>?`{}/:;=@[\\]^|",
        };
        !(0x20..0x7f).contains(&byte) || listed.contains(&byte)
    }
}

/// Appends `text`, encoded as `part` asks. What is encoded already stays as it is.
pub(super) fn encode_into(out: &mut String, text: &str, part: Part) {
    for byte in text.bytes() {
        if part.must_encode(byte) {
            out.push('%');
            out.push(hex_digit(byte >> 4));
            out.push(hex_digit(byte & 0xf));
        } else {
            out.push(char::from(byte));
        }
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}
