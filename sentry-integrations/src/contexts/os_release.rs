//! The file `os-release`, in which Linux distributions say who they are.

use sentry_core::protocol::{Map, Value};

/// The fields Sentry knows, by their names in the context `os`.
pub(super) fn distribution(text: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let name = match key {
            "ID" => "distribution_name",
            "VERSION_ID" => "distribution_version",
            "PRETTY_NAME" => "distribution_pretty_name",
            _ => continue,
        };
        let value = unquoted(value);
        if !value.is_empty() {
            fields.insert(name.to_owned(), value.into());
        }
    }
    fields
}

/// A value as a shell would read it.
fn unquoted(value: &str) -> String {
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let inside = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let value = inside.unwrap_or(value);
    if quote == Some('\'') {
        return value.to_owned();
    }
    let mut escaped = false;
    value
        .chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let text_of = |value: Value| value.as_str().unwrap().to_owned();
        distribution(text).into_iter().map(|(key, value)| (key, text_of(value))).collect()
    }

    #[test]
    fn the_known_fields_are_read() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
            # comment\nID=debian\nHOME_URL=\"https://www.debian.org/?a=b\"\n";
        let expected = [
            ("distribution_name", "debian"),
            ("distribution_pretty_name", "Debian GNU/Linux 12 (bookworm)"),
            ("distribution_version", "12"),
        ];
        assert_eq!(pairs(debian), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn values_are_read_as_a_shell_would() {
        for (line, expected) in [
            ("ID=arch", Some("arch")),
            ("ID='it is'", Some("it is")),
            (r#"ID="a \"b\" \\ \$c""#, Some(r#"a "b" \ $c"#)),
            (r"ID='a \b'", Some(r"a \b")),
            ("  ID=spaced  ", Some("spaced")),
            ("ID=\"open", Some("\"open")),
            ("ID=\"", Some("\"")),
            ("ID=", None),
            ("ID=\"\"", None),
            ("ID", None),
            ("XID=no", None),
            ("#ID=no", None),
        ] {
            let read = pairs(line).pop().map(|(_, value)| value);
            assert_eq!(read.as_deref(), expected, "{line}");
        }
    }
}
