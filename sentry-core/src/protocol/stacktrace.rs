//! Stack traces and their frames, and the place in a template that failed.

use serde::{Deserialize, Serialize};

use super::{Addr, Map, RegVal, Value, lenient};

/// A stack trace of an exception or a thread.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct Stacktrace {
    /// The calls, outermost first: the last one is where it happened.
    #[serde(deserialize_with = "lenient::list")]
    pub frames: Vec<Frame>,
    /// The range of frames that was cut out, first to last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_omitted: Option<(u64, u64)>,
    /// The registers at the last frame.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub registers: Map<String, RegVal>,
}

impl Stacktrace {
    /// A stack trace from frames as backtraces yield them, innermost first. `None` if there are none.
    pub fn from_frames_reversed(mut frames: Vec<Frame>) -> Option<Stacktrace> {
        if frames.is_empty() {
            return None;
        }
        frames.reverse();
        Some(Stacktrace { frames, ..Stacktrace::default() })
    }
}

/// A call on the stack. At least one of `function`, `filename` and `instruction_addr` should be set.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct Frame {
    /// The function, demangled and without its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The symbol as the linker knows it, if it differs from `function`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The module path of the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The crate or library the function is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The source file, relative to the project and the same in every build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The source file where it was when the program was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abs_path: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineno: Option<u64>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colno: Option<u64>,
    /// The source lines before `lineno`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub pre_context: Vec<String>,
    /// The source line at `lineno`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_line: Option<String>,
    /// The source lines after `lineno`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub post_context: Vec<String>,
    /// Whether this is the program's own code, rather than a dependency's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_app: Option<bool>,
    /// Local variables.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub vars: Map<String, Value>,
    /// Where the library of this frame begins in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_addr: Option<Addr>,
    /// The instruction that was running; the server finds function and line by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_addr: Option<Addr>,
    /// Where the function begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol_addr: Option<Addr>,
    /// What addresses count from: absent or `abs` for the process, `rel:` and an image for that image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr_mode: Option<String>,
}

/// The place in a template (of a web page, say) that could not be rendered.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct TemplateInfo {
    /// The template file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The template file with its whole path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abs_path: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineno: Option<u64>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colno: Option<u64>,
    /// The lines before `lineno`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub pre_context: Vec<String>,
    /// The line at `lineno`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_line: Option<String>,
    /// The lines after `lineno`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub post_context: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    fn named(function: &str) -> Frame {
        Frame { function: Some(function.into()), ..Frame::default() }
    }

    #[test]
    fn a_full_stack_trace_is_written_in_wire_names() {
        let frame = Frame {
            function: Some("pay".into()),
            symbol: Some("_ZN4shop3pay17h0123E".into()),
            module: Some("shop::checkout".into()),
            package: Some("shop".into()),
            filename: Some("src/checkout.rs".into()),
            abs_path: Some("/build/src/checkout.rs".into()),
            lineno: Some(12),
            colno: Some(5),
            pre_context: vec!["fn pay() {".into()],
            context_line: Some("    charge()".into()),
            post_context: vec!["}".into()],
            in_app: Some(true),
            vars: [("total".to_owned(), 42.into())].into(),
            image_addr: Some(Addr(0x1000)),
            instruction_addr: Some(Addr(0x1f2a)),
            symbol_addr: Some(Addr(0x1f00)),
            addr_mode: Some("abs".into()),
        };
        let trace = Stacktrace {
            frames: vec![frame, Frame::default()],
            frames_omitted: Some((3, 9)),
            registers: [("rip".to_owned(), RegVal(0x1f2a))].into(),
        };
        assert_json(
            &trace,
            r#"{"frames":[{"function":"pay","symbol":"_ZN4shop3pay17h0123E","module":"shop::checkout","package":"shop",
            "filename":"src/checkout.rs","abs_path":"/build/src/checkout.rs","lineno":12,"colno":5,
            "pre_context":["fn pay() {"],"context_line":"    charge()","post_context":["}"],"in_app":true,
            "vars":{"total":42},"image_addr":"0x1000","instruction_addr":"0x1f2a","symbol_addr":"0x1f00",
            "addr_mode":"abs"},{}],"frames_omitted":[3,9],"registers":{"rip":"0x1f2a"}}"#,
        );
    }

    #[test]
    fn a_template_place_is_written_in_wire_names() {
        let place = TemplateInfo {
            filename: Some("mail.html".into()),
            abs_path: Some("/srv/mail.html".into()),
            lineno: Some(3),
            colno: Some(1),
            pre_context: vec!["<p>".into()],
            context_line: Some("{{ name }}".into()),
            post_context: vec!["</p>".into()],
        };
        assert_json(
            &place,
            r#"{"filename":"mail.html","abs_path":"/srv/mail.html","lineno":3,"colno":1,"pre_context":["<p>"],
            "context_line":"{{ name }}","post_context":["</p>"]}"#,
        );
        assert_json(&TemplateInfo::default(), "{}");
    }

    #[test]
    fn innermost_first_becomes_outermost_first() {
        let trace = Stacktrace::from_frames_reversed(vec![named("inner"), named("outer")]).unwrap();
        assert_eq!(trace.frames, [named("outer"), named("inner")]);
        assert_eq!(Stacktrace::from_frames_reversed(Vec::new()), None);
    }

    #[test]
    fn nulls_and_unknown_fields_are_read_over() {
        let trace: Stacktrace = read(
            r#"{"frames":[null,{"function":"f","vars":null,"pre_context":null,"lang":"rust"}],"registers":null,
            "frames_omitted":null,"snapshot":true}"#,
        );
        assert_eq!(trace, Stacktrace { frames: vec![named("f")], ..Stacktrace::default() });
        assert_eq!(read::<Stacktrace>("{}"), read(r#"{"frames":null}"#));
    }
}
