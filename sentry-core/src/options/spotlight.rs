//! Whether copies of everything go to a Spotlight sidecar, and where that is (spec §29).

/// The sidecar's address, unless another is given (spec SPT-03).
const DEFAULT_URL: &str = "http://localhost:8969/stream";

/// What was decided, and what of the given was not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpotlightChoice {
    /// Where copies go; `None` is off.
    pub(crate) url: Option<String>,
    /// Two places said something else, which is to be said once.
    pub(crate) remark: Option<&'static str>,
}

/// Decides from the options and the text of the variable `SENTRY_SPOTLIGHT` (spec SPT-02, SPT-04, SPT-05).
pub(crate) fn choose_spotlight(spotlight: Option<bool>, url: Option<&str>, variable: Option<&str>) -> SpotlightChoice {
    let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (url, variable) = (given(url), given(variable).map(Variable::of));
    let is_on_by_variable = matches!(variable, Some(Variable::On | Variable::Url(_)));
    let by_variable = if let Some(Variable::Url(url)) = &variable { Some(url.clone()) } else { None };
    match (spotlight, url) {
        (Some(false), url) => SpotlightChoice {
            url: None,
            remark: (url.is_some() || is_on_by_variable)
                .then_some("spotlight is off, whatever its URL or SENTRY_SPOTLIGHT say"),
        },
        (_, Some(url)) => {
            let differs = by_variable.is_some_and(|other| other != url);
            SpotlightChoice {
                url: Some(url),
                remark: differs.then_some("spotlight_url is used, and not the URL in SENTRY_SPOTLIGHT"),
            }
        }
        (Some(true), None) => {
            SpotlightChoice { url: Some(by_variable.unwrap_or_else(|| DEFAULT_URL.to_owned())), remark: None }
        }
        (None, None) => SpotlightChoice {
            url: is_on_by_variable.then(|| by_variable.unwrap_or_else(|| DEFAULT_URL.to_owned())),
            remark: None,
        },
    }
}

enum Variable {
    On,
    Off,
    Url(String),
}

impl Variable {
    fn of(text: String) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "y" | "yes" | "on" | "1" => Self::On,
            "false" | "f" | "n" | "no" | "off" | "0" => Self::Off,
            _ => Self::Url(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_wins_over_the_environment() {
        let (mine, theirs) = ("http://localhost:1/stream", "http://localhost:2/stream");
        let table = [
            (None, None, None, None, false),
            (None, None, Some(" YES "), Some(DEFAULT_URL), false),
            (None, None, Some("1"), Some(DEFAULT_URL), false),
            (None, None, Some("Off"), None, false),
            (None, None, Some(""), None, false),
            (None, None, Some(theirs), Some(theirs), false),
            (Some(true), None, None, Some(DEFAULT_URL), false),
            (Some(true), None, Some("f"), Some(DEFAULT_URL), false),
            (Some(true), None, Some(theirs), Some(theirs), false),
            (None, Some(mine), None, Some(mine), false),
            (None, Some(mine), Some("no"), Some(mine), false),
            (None, Some("  "), Some("no"), None, false),
            (Some(true), Some(mine), Some(theirs), Some(mine), true),
            (Some(true), Some(mine), Some(mine), Some(mine), false),
            (Some(false), None, None, None, false),
            (Some(false), None, Some("0"), None, false),
            (Some(false), None, Some("t"), None, true),
            (Some(false), None, Some(theirs), None, true),
            (Some(false), Some(mine), None, None, true),
        ];
        for (spotlight, url, variable, chosen, is_said) in table {
            let choice = choose_spotlight(spotlight, url, variable);
            let case = format!("{spotlight:?} {url:?} {variable:?}");
            assert_eq!((choice.url.as_deref(), choice.remark.is_some()), (chosen, is_said), "{case}");
        }
    }
}
