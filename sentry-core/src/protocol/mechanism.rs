//! How an exception came to be captured.

use serde::{Deserialize, Serialize, Serializer};

use super::{Map, Url, Value, lenient};

/// How an exception was captured, and its place among the exceptions of its event.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct Mechanism {
    /// What captured it, such as `panic`. `type` on the wire, where empty becomes `generic`: captured by the user.
    #[serde(rename = "type", serialize_with = "type_or_generic", deserialize_with = "lenient::or_default")]
    pub ty: String,
    /// What this mechanism is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where to read about it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::or_none")]
    pub help_link: Option<Url>,
    /// Whether the program dealt with the error. `false` for panics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<bool>,
    /// Whether the exception only carries a stack trace, so that its type should not matter for grouping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<bool>,
    /// Whatever else the mechanism knows.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
    /// Codes the system gave.
    #[serde(skip_serializing_if = "MechanismMeta::is_empty", deserialize_with = "lenient::or_default")]
    pub meta: MechanismMeta,
    /// The number of this exception in its event: 0 for the outermost error, counting towards the root cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception_id: Option<u64>,
    /// The `exception_id` of the error this one is the cause of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<u64>,
    /// Which property of the parent this error came from, such as `source` or `errors[0]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether the error is one that groups several others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_exception_group: Option<bool>,
}

/// Codes the operating system gave for an error.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct MechanismMeta {
    /// The C library's error number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<CError>,
    /// The signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<PosixSignal>,
    /// The exception of the Mach kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mach_exception: Option<MachException>,
}

impl MechanismMeta {
    fn is_empty(&self) -> bool {
        self.errno.is_none() && self.signal.is_none() && self.mach_exception.is_none()
    }
}

/// An error number of the C library.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq, Eq)]
pub struct CError {
    /// The number.
    pub number: i32,
    /// Its name, such as `ENOENT`. The server knows the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl From<i32> for CError {
    fn from(number: i32) -> Self {
        CError { number, name: None }
    }
}

impl From<CError> for i32 {
    fn from(error: CError) -> Self {
        error.number
    }
}

/// An exception of the Mach kernel, as on macOS.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq, Eq)]
pub struct MachException {
    /// The kind of exception.
    pub exception: i32,
    /// Its code.
    pub code: u64,
    /// Its subcode.
    pub subcode: u64,
    /// Its name, such as `EXC_BAD_ACCESS`. The server knows the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A signal.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq, Eq)]
pub struct PosixSignal {
    /// The number.
    pub number: i32,
    /// Why it was sent, `si_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal's name, such as `SIGSEGV`. The server knows the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of the code, such as `SEGV_MAPERR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_name: Option<String>,
}

impl From<i32> for PosixSignal {
    fn from(number: i32) -> Self {
        PosixSignal { number, ..PosixSignal::default() }
    }
}

impl From<(i32, i32)> for PosixSignal {
    fn from((number, code): (i32, i32)) -> Self {
        PosixSignal { number, code: Some(code), ..PosixSignal::default() }
    }
}

impl From<PosixSignal> for i32 {
    fn from(signal: PosixSignal) -> Self {
        signal.number
    }
}

fn type_or_generic<S: Serializer>(ty: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if ty.is_empty() { "generic" } else { ty })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_mechanism_is_written_in_wire_names() {
        let mechanism = Mechanism {
            ty: "signal".into(),
            description: Some("the process got a signal".into()),
            help_link: Some(read("\"https://example.com/help\"")),
            handled: Some(false),
            synthetic: Some(true),
            data: [("relevant_address".to_owned(), "0x1".into())].into(),
            meta: MechanismMeta {
                errno: Some(CError { number: 2, name: Some("ENOENT".into()) }),
                signal: Some(PosixSignal {
                    number: 11,
                    code: Some(1),
                    name: Some("SIGSEGV".into()),
                    code_name: Some("SEGV_MAPERR".into()),
                }),
                mach_exception: Some(MachException {
                    exception: 1,
                    code: 2,
                    subcode: 3,
                    name: Some("EXC_BAD_ACCESS".into()),
                }),
            },
            exception_id: Some(1),
            parent_id: Some(0),
            source: Some("source".into()),
            is_exception_group: Some(false),
        };
        assert_json(
            &mechanism,
            r#"{"type":"signal","description":"the process got a signal","help_link":"https://example.com/help",
            "handled":false,"synthetic":true,"data":{"relevant_address":"0x1"},
            "meta":{"errno":{"number":2,"name":"ENOENT"},
            "signal":{"number":11,"code":1,"name":"SIGSEGV","code_name":"SEGV_MAPERR"},
            "mach_exception":{"exception":1,"code":2,"subcode":3,"name":"EXC_BAD_ACCESS"}},
            "exception_id":1,"parent_id":0,"source":"source","is_exception_group":false}"#,
        );
    }

    #[test]
    fn the_type_is_always_written() {
        assert_eq!(serde_json::to_string(&Mechanism::default()).unwrap(), r#"{"type":"generic"}"#);
        assert_eq!(read::<Mechanism>(r#"{"type":null,"meta":null,"data":null,"x":1}"#), Mechanism::default());
        assert_eq!(read::<Mechanism>(r#"{"help_link":7}"#).help_link, None);
    }

    #[test]
    fn codes_convert() {
        assert_json(&CError::from(2), r#"{"number":2}"#);
        assert_json(&PosixSignal::from(11), r#"{"number":11}"#);
        assert_json(&PosixSignal::from((11, 1)), r#"{"number":11,"code":1}"#);
        assert_json(&MachException::default(), r#"{"exception":0,"code":0,"subcode":0}"#);
        assert_eq!((i32::from(CError::from(2)), i32::from(PosixSignal::from(11))), (2, 11));
    }
}
