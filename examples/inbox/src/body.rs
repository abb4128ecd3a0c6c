//! Undoes `Content-Encoding`, never making more bytes than allowed, however small the input.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The body as the sender meant it, at most [`MAX_DECODED`] bytes.
pub(crate) fn decode<'a>(encoding: Option<&str>, wire: &'a [u8]) -> Result<Cow<'a, [u8]>, DecodeError> {
    decode_within(encoding, wire, MAX_DECODED)
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// Neither gzip nor deflate nor identity.
    Unsupported(String),
    /// More than the limit once decompressed.
    TooLarge,
    /// Not what the header said, or cut off.
    Corrupt(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Unsupported(encoding) => write!(f, "unsupported content encoding {encoding}"),
            DecodeError::TooLarge => f.write_str("the body is too large"),
            DecodeError::Corrupt(reason) => write!(f, "the body cannot be decompressed: {reason}"),
        }
    }
}

fn decode_within<'a>(encoding: Option<&str>, wire: &'a [u8], limit: usize) -> Result<Cow<'a, [u8]>, DecodeError> {
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" if wire.len() > limit => Err(DecodeError::TooLarge),
        "" | "identity" => Ok(Cow::Borrowed(wire)),
        "gzip" | "x-gzip" => read_within(MultiGzDecoder::new(wire), limit),
        // The header means zlib, but many senders have always left its wrapping out.
        "deflate" if has_zlib_header(wire) => read_within(ZlibDecoder::new(wire), limit),
        "deflate" => read_within(DeflateDecoder::new(wire), limit),
        _ => Err(DecodeError::Unsupported(encoding)),
    }
}

fn read_within(reader: impl Read, limit: usize) -> Result<Cow<'static, [u8]>, DecodeError> {
    let mut decoded = Vec::new();
    // One byte more than allowed tells "too large" from "exactly the limit".
    let mut bounded = reader.take(limit as u64 + 1);
    bounded.read_to_end(&mut decoded).map_err(|error| DecodeError::Corrupt(error.to_string()))?;
    if decoded.len() > limit {
        return Err(DecodeError::TooLarge);
    }
    Ok(Cow::Owned(decoded))
}

/// RFC 1950: method 8 in the low half of the first byte, and both bytes together divisible by 31.
fn has_zlib_header(wire: &[u8]) -> bool {
    match wire {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0,
        _ => false,
    }
}

/// What Relay takes: 200 MiB.
const MAX_DECODED: usize = 200 << 20;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"{}\n{\"type\":\"event\"}\n{}\n";

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(data: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_known_encoding_gives_the_text_back() {
        let table: [(Option<&str>, Vec<u8>); 8] = [
            (None, TEXT.to_vec()),
            (Some(""), TEXT.to_vec()),
            (Some("identity"), TEXT.to_vec()),
            (Some("gzip"), gzip(TEXT)),
            (Some(" GZip "), gzip(TEXT)),
            (Some("deflate"), zlib(TEXT)),
            (Some("deflate"), raw(TEXT)),
            (Some("gzip"), [gzip(b"{}\n"), gzip(b"{\"type\":\"event\"}\n{}\n")].concat()),
        ];
        for (encoding, wire) in table {
            assert_eq!(decode(encoding, &wire).as_deref(), Ok(TEXT), "{encoding:?}");
        }
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let zeros = vec![0; 1 << 20];
        for (encoding, wire) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("identity", zeros.clone())] {
            let at = |limit| decode_within(Some(encoding), &wire, limit).map(|body| body.len());
            assert_eq!(at(zeros.len() - 1), Err(DecodeError::TooLarge), "{encoding}");
            assert_eq!(at(zeros.len()), Ok(zeros.len()), "{encoding}");
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked_beyond_the_limit() {
        struct Endless(usize);
        impl Read for Endless {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                self.0 += buf.len();
                Ok(buf.len())
            }
        }
        let mut endless = Endless(0);
        assert_eq!(read_within(&mut endless, 1000), Err(DecodeError::TooLarge));
        assert_eq!(endless.0, 1001);
    }

    #[test]
    fn damage_is_named() {
        let whole = gzip(TEXT);
        let cut = &whole[..whole.len() - 9];
        assert!(matches!(decode(Some("gzip"), cut), Err(DecodeError::Corrupt(_))));
        assert!(matches!(decode(Some("gzip"), TEXT), Err(DecodeError::Corrupt(_))));
        assert!(matches!(decode(Some("deflate"), b"\xff\xff"), Err(DecodeError::Corrupt(_))));
        let unknown = decode(Some("BR"), TEXT).unwrap_err();
        assert_eq!(unknown.to_string(), "unsupported content encoding br");
    }
}
