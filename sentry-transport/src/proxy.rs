//! Which proxy a DSN's host is reached through, if any.

use std::net::{IpAddr, Ipv4Addr};

/// The options that name proxies.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProxyOptions<'a> {
    pub(crate) http: Option<&'a str>,
    pub(crate) https: Option<&'a str>,
    pub(crate) no_proxy: Option<&'a str>,
}

/// The option that decides for a host, and its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen<'a> {
    pub(crate) option: &'static str,
    pub(crate) url: &'a str,
}

impl<'a> ProxyOptions<'a> {
    /// The proxy for a server; an empty option counts as none.
    pub(crate) fn choose(&self, is_https: bool, host: &str, port: u16) -> Option<Chosen<'a>> {
        let (option, url) = if is_https { ("https_proxy", self.https) } else { ("http_proxy", self.http) };
        let url = url.map(str::trim).filter(|url| !url.is_empty())?;
        let excluded = self.no_proxy.is_some_and(|list| is_excluded(list, host, port));
        (!excluded).then_some(Chosen { option, url })
    }
}

/// Whether a list in the syntax of the variable `NO_PROXY` names the host.
///
/// Entries are separated by commas or spaces: `*` is every host, `example.com` and `.example.com` are the host and all
/// below it, `10.0.0.0/8` is a network, and `host:port` is that port only. Case does not matter.
fn is_excluded(list: &str, host: &str, port: u16) -> bool {
    let host = normal(host);
    list.split([',', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        let (name, entry_port) = split_port(entry);
        entry_port.is_none_or(|entry_port| entry_port == port) && names_host(&normal(name), &host)
    })
}

fn names_host(entry: &str, host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return entry.parse() == Ok(address) || is_in_network(entry, address);
    }
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    let name = entry.strip_prefix('.').unwrap_or(entry);
    let Some(front) = host.strip_suffix(name).filter(|_| !name.is_empty()) else { return false };
    front.is_empty() || front.ends_with('.')
}

fn is_in_network(entry: &str, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let parsed = entry.split_once('/').and_then(|(network, bits)| {
        let (network, bits): (Ipv4Addr, u32) = (network.parse().ok()?, bits.parse().ok()?);
        Some((network, bits)).filter(|(_, bits)| *bits <= 32)
    });
    parsed.is_some_and(|(network, bits)| {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        u32::from(network) & mask == u32::from(address) & mask
    })
}

/// `[::1]:80` and `host:80` have a port, `::1` has none.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if name.ends_with(']') || !name.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// In lower case, without the brackets of an IPv6 address and the dot that ends a full name.
fn normal(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// The URL without what authenticates us to the proxy, for messages.
pub(crate) fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}{separator}***@{place}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_option() {
        let options = ProxyOptions { http: Some(" http://plain:1 "), https: Some("http://secure:2"), no_proxy: None };
        assert_eq!(options.choose(false, "h", 80), Some(Chosen { option: "http_proxy", url: "http://plain:1" }));
        assert_eq!(options.choose(true, "h", 443), Some(Chosen { option: "https_proxy", url: "http://secure:2" }));
        let only_https = ProxyOptions { http: Some("  "), ..options };
        assert_eq!(only_https.choose(false, "h", 80), None);
    }

    #[test]
    fn no_proxy() {
        let cases = [
            ("", "example.com", 443, false),
            ("*", "example.com", 443, true),
            ("example.com", "example.com", 443, true),
            ("EXAMPLE.com", "Example.COM", 443, true),
            ("example.com.", "example.com", 443, true),
            ("example.com", "sentry.example.com", 443, true),
            (".example.com", "sentry.example.com", 443, true),
            (".example.com", "example.com", 443, true),
            ("*.example.com", "sentry.example.com", 443, true),
            ("example.com", "badexample.com", 443, false),
            ("example.com", "example.com.evil.test", 443, false),
            ("a.test, b.test c.test", "c.test", 443, true),
            (" , ,", "example.com", 443, false),
            (".", "example.com", 443, false),
            ("example.com:8443", "example.com", 8443, true),
            ("example.com:8443", "example.com", 443, false),
            ("localhost:port", "localhost", 443, false),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1:81", "127.0.0.1", 80, false),
            ("10.0.0.0/8", "10.200.3.4", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("0.0.0.0/0", "8.8.8.8", 80, true),
            ("10.0.0.1/32", "10.0.0.1", 80, true),
            ("10.0.0.0/33", "10.0.0.1", 80, false),
            ("10.0.0.0/8", "name.test", 80, false),
            ("0.0.1", "127.0.0.1", 80, false),
            ("::1", "[::1]", 80, true),
            ("[::1]", "[::1]", 80, true),
            ("[::1]:80", "[::1]", 80, true),
            ("[::1]:81", "[::1]", 80, false),
        ];
        for (list, host, port, expected) in cases {
            assert_eq!(is_excluded(list, host, port), expected, "{list:?} for {host}:{port}");
        }
    }

    #[test]
    fn passwords_are_masked() {
        let cases = [
            ("http://user:secret@proxy:80/x", "http://***@proxy:80/x"),
            ("user:se@cret@proxy", "***@proxy"),
            ("http://proxy", "http://proxy"),
            ("", ""),
        ];
        for (url, expected) in cases {
            assert_eq!(masked(url), expected);
        }
    }
}
