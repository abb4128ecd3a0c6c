//! A strict reader of Sentry envelopes, written from the specification and sharing nothing with the SDK's own.
//!
//! It refuses what a lenient receiver would repair: missing lengths, stray whitespace, headers that are not compact or
//! name a key twice, ids that disagree.

use std::fmt;

use serde_json::Value;

/// One envelope, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedEnvelope {
    pub header: Value,
    pub items: Vec<ReceivedItem>,
}

/// One item of an envelope.
#[derive(Clone, PartialEq)]
pub struct ReceivedItem {
    pub header: Value,
    pub payload: Vec<u8>,
}

impl ParsedEnvelope {
    /// Takes an envelope apart, or says what is wrong and where.
    ///
    /// # Errors
    ///
    /// A sentence for the failing test to print.
    pub fn parse(bytes: &[u8]) -> Result<ParsedEnvelope, String> {
        let mut rest = bytes;
        let header = take_header(&mut rest).map_err(|why| format!("envelope header: {why}"))?;
        let mut items = Vec::new();
        while !rest.is_empty() {
            let start = bytes.len() - rest.len();
            let item = take_item(&mut rest).map_err(|why| format!("item {} at byte {start}: {why}", items.len()))?;
            items.push(item);
        }
        let envelope = ParsedEnvelope { header, items };
        envelope.check_ids()?;
        Ok(envelope)
    }

    /// The first item of that type.
    pub fn item(&self, kind: &str) -> Option<&ReceivedItem> {
        self.items.iter().find(|item| item.kind() == kind)
    }

    /// The payload of the event item.
    pub fn event(&self) -> Option<Value> {
        self.item("event").map(ReceivedItem::json)
    }

    /// `event_id` of the envelope header.
    pub fn event_id(&self) -> Option<String> {
        self.header.get("event_id").and_then(Value::as_str).map(str::to_owned)
    }

    /// At most one payload that has an id of its own, and it is the header's.
    fn check_ids(&self) -> Result<(), String> {
        let mut owners = self.items.iter().filter(|item| matches!(item.kind(), "event" | "transaction" | "feedback"));
        let Some(owner) = owners.next() else { return Ok(()) };
        if owners.next().is_some() {
            return Err("more than one event, transaction or feedback".to_owned());
        }
        let payload: Value = serde_json::from_slice(&owner.payload).map_err(|error| format!("payload: {error}"))?;
        let (outer, inner) = (self.header.get("event_id"), payload.get("event_id"));
        if outer.and_then(Value::as_str).is_none() || outer != inner {
            return Err(format!("event_id is {outer:?} in the header and {inner:?} in the payload"));
        }
        Ok(())
    }
}

impl ReceivedItem {
    /// The `type` of the item header.
    pub fn kind(&self) -> &str {
        self.header.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The payload as JSON; panics when it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("the payload is JSON")
    }
}

impl fmt::Debug for ReceivedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.header, String::from_utf8_lossy(&self.payload))
    }
}

fn take_item(rest: &mut &[u8]) -> Result<ReceivedItem, String> {
    let header = take_header(rest)?;
    if header.get("type").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(format!("no type in {header}"));
    }
    let Some(length) = header.get("length").and_then(Value::as_u64) else {
        return Err(format!("no length in {header}"));
    };
    let Some((payload, after)) = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length)) else {
        return Err(format!("length is {length}, {} bytes are left", rest.len()));
    };
    *rest = match after.split_first() {
        None => after,
        Some((b'\n', next)) => next,
        Some((other, _)) => return Err(format!("byte {other:#04x} follows a payload of {length} bytes")),
    };
    Ok(ReceivedItem { header, payload: payload.to_vec() })
}

/// One line that is one compact JSON object.
fn take_header(rest: &mut &[u8]) -> Result<Value, String> {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let line = &rest[..end];
    let shown = String::from_utf8_lossy(line);
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("{error} in {shown:?}"))?;
    if !value.is_object() {
        return Err(format!("no object: {shown:?}"));
    }
    // Whitespace makes the line longer than what it says, and so does a key that is there twice.
    if value.to_string().len() != line.len() {
        return Err(format!("not compact, or a key twice: {shown:?}"));
    }
    *rest = rest.get(end + 1..).unwrap_or_default();
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_taken_apart() {
        let bytes = b"{\"event_id\":\"ab\"}\n{\"type\":\"event\",\"length\":17}\n{\"event_id\":\"ab\"}\n\
            {\"type\":\"attachment\",\"length\":3,\"filename\":\"x\"}\n\na\n\n{\"type\":\"empty\",\"length\":0}\n\n";
        let envelope = ParsedEnvelope::parse(bytes).unwrap();
        assert_eq!(envelope.event_id().as_deref(), Some("ab"));
        assert_eq!(envelope.event().unwrap()["event_id"], "ab");
        let kinds: Vec<_> = envelope.items.iter().map(|item| (item.kind(), item.payload.as_slice())).collect();
        assert_eq!(kinds, [("event", &br#"{"event_id":"ab"}"#[..]), ("attachment", b"\na\n"), ("empty", b"")]);
        // The last newline is optional, and so are items.
        assert_eq!(ParsedEnvelope::parse(&bytes[..bytes.len() - 1]).unwrap(), envelope);
        assert_eq!(ParsedEnvelope::parse(b"{}").unwrap().items.len(), 0);
        assert_eq!(ParsedEnvelope::parse(b"{}\n").unwrap().items.len(), 0);
    }

    #[test]
    fn broken_envelopes_are_refused() {
        let cases = [
            ("", "envelope header: EOF"),
            ("[]\n", "no object"),
            ("{ }\n", "not compact"),
            ("{}\r\n", "not compact"),
            ("{\"a\":1,\"a\":1}\n", "a key twice"),
            ("{}\n{}\n", "item 0 at byte 3: no type"),
            ("{}\n{\"type\":\"\",\"length\":0}\n", "no type"),
            ("{}\n{\"type\":\"x\"}\nabc\n", "no length"),
            ("{}\n{\"type\":\"x\",\"length\":-1}\nabc\n", "no length"),
            ("{}\n{\"type\":\"x\",\"length\":5}\nabc\n", "length is 5, 4 bytes are left"),
            ("{}\n{\"type\":\"x\",\"length\":2}\nabc\n", "byte 0x63 follows a payload of 2 bytes"),
            ("{}\n{\"type\":\"x\",\"length\":3}\nabc\n\n", "item 1"),
            ("{}\n{\"type\":\"event\",\"length\":2}\n{}\n", "event_id is None"),
            ("{\"event_id\":\"a\"}\n{\"type\":\"event\",\"length\":16}\n{\"event_id\":\"b\"}\n", "in the payload"),
            ("{\"event_id\":\"a\"}\n{\"type\":\"event\",\"length\":1}\n{\n", "payload: EOF"),
            ("{}\n{\"type\":\"event\",\"length\":2}\n{}\n{\"type\":\"event\",\"length\":2}\n{}\n", "more than one"),
        ];
        for (text, reason) in cases {
            let error = ParsedEnvelope::parse(text.as_bytes()).expect_err(reason);
            assert!(error.contains(reason), "{error:?} for {reason:?}");
        }
    }
}
