//! The only file that reads environment variables, through a look-up that tests replace.

use std::ffi::OsString;

/// Where variables are looked up.
pub(crate) struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl<'a> Environment<'a> {
    pub(crate) fn new(look_up: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self(look_up)
    }

    /// The first of `names` that is set to something. Text that is not UTF-8 is made so.
    pub(crate) fn get(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let value = (self.0)(name)?.to_string_lossy().trim().to_owned();
            (!value.is_empty()).then_some(value)
        })
    }

    /// A switch: `None` when it is not set, the text when it cannot be read.
    pub(crate) fn flag(&self, name: &str) -> Option<Result<bool, String>> {
        let text = self.get(&[name])?;
        Some(match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
            _ => Err(text),
        })
    }
}

/// The process's variables.
#[expect(clippy::disallowed_methods, reason = "the one place that may")]
pub(crate) fn of_process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
