//! Hosts: names in ASCII, IPv4 in four decimal parts, IPv6 in brackets.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::own::ParseUrlError;
use super::percent::{Part, encode_into};

/// Checks a host and brings it into its one spelling: lower case (if the scheme is a known one), shortest IPv6.
///
/// A host that may be missing, as in `file:///etc`, is the caller's business.
pub(super) fn normalize(host: &str, special: bool) -> Result<String, ParseUrlError> {
    if let Some(rest) = host.strip_prefix('[') {
        let address = rest.strip_suffix(']').and_then(|address| address.parse::<Ipv6Addr>().ok());
        return address.map(ipv6).ok_or(ParseUrlError::InvalidIpv6Address);
    }
    if host.bytes().any(is_forbidden) {
        return Err(ParseUrlError::InvalidDomainCharacter);
    }
    if !special {
        let mut encoded = String::with_capacity(host.len());
        encode_into(&mut encoded, host, Part::Opaque);
        return Ok(encoded);
    }
    if !host.is_ascii() {
        return Err(ParseUrlError::IdnaError);
    }
    if host.bytes().any(|byte| byte == b'%' || byte.is_ascii_control()) {
        return Err(ParseUrlError::InvalidDomainCharacter);
    }
    let host = host.to_ascii_lowercase();
    if ends_in_a_number(&host) && host.parse::<Ipv4Addr>().is_err() {
        return Err(ParseUrlError::InvalidIpv4Address);
    }
    Ok(host)
}

/// The standard writes IPv4 addresses inside IPv6 in hexadecimal, unlike std.
fn ipv6(address: Ipv6Addr) -> String {
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., high, low]) => format!("[::ffff:{high:x}:{low:x}]"),
        _ => format!("[{address}]"),
    }
}

fn is_forbidden(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ') || b"#/:<>?@[\\]^|".contains(&byte)
}

/// Such a host is an IPv4 address or nothing.
fn ends_in_a_number(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or("");
    let digits = last.strip_prefix("0x");
    (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
        || digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
