//! What an answer, or none, means for an envelope (spec §14.2), and what a person should hear of it.

use sentry_core::protocol::Value;
use sentry_core::protocol::client_report::Reason;

/// What came back for a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(Answer),
    Failure(Failure),
    /// We failed ourselves: nothing was sent.
    Broken,
}

/// What of an answer matters here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `X-Sentry-Rate-Limits`, several lines joined by commas.
    pub(crate) rate_limits: Option<String>,
    pub(crate) retry_after: Option<String>,
    /// `X-Sentry-Error`.
    pub(crate) error: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) is_html: bool,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection, no time, no HTTP.
    Network,
    /// The proxy did not let us through.
    Proxy,
    /// Somebody answered, but not the server that the certificate store knows.
    Certificate,
}

/// What becomes of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server took it.
    Delivered,
    /// The server asked for less and has counted it itself.
    LimitedByServer,
    /// The server does not want it: trying again is of no use.
    Refused,
    /// It may not have arrived.
    Unreachable,
    /// We could not send it.
    Broken,
}

impl Verdict {
    /// How it is counted as lost, if it is.
    pub(crate) fn reason(self) -> Option<Reason> {
        match self {
            Self::Delivered | Self::LimitedByServer => None,
            Self::Refused => Some(Reason::SendError),
            Self::Unreachable => Some(Reason::NetworkError),
            Self::Broken => Some(Reason::InternalSdkError),
        }
    }
}

/// Something worth telling, once for each `problem`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// A person has to hear of it, also without `debug`: nothing arrives before something is changed.
    pub(crate) is_fault: bool,
    pub(crate) problem: &'static str,
    pub(crate) text: String,
}

/// What `reply` means. `keys` are those of the DSN, which no message repeats.
pub(crate) fn judge(reply: &Reply, keys: &[String]) -> (Verdict, Option<Note>) {
    match reply {
        Reply::Answer(answer) => judge_answer(answer, keys),
        Reply::Failure(failure) => (Verdict::Unreachable, Some(failure.note(keys))),
        Reply::Broken => (Verdict::Broken, None),
    }
}

fn judge_answer(answer: &Answer, keys: &[String]) -> (Verdict, Option<Note>) {
    let Answer { status, .. } = *answer;
    let told = || match answer.explanation(keys) {
        text if text.is_empty() => String::new(),
        text => format!(" ({text})"),
    };
    match status {
        200..=299 if answer.is_html => {
            let text = format!("the answer {status} came as a web page: is something else answering for the server?");
            (Verdict::Delivered, Some(Note::remark("answered by a web page", text)))
        }
        200..=299 => (Verdict::Delivered, None),
        429 => {
            let text = format!("the server limits what it takes{}; what it limits is dropped for a while", told());
            (Verdict::LimitedByServer, Some(Note::remark("rate limited", text)))
        }
        300..=399 => {
            let target = answer.location.as_deref().map_or("another place".into(), |to| clean(host_of(to), keys));
            let text = format!(
                "the DSN redirects to {target}, which is not followed: put the server's own address into SENTRY_DSN"
            );
            (Verdict::Refused, Some(Note::fault("redirected", text)))
        }
        401 | 403 | 404 => {
            let text = format!(
                "the server refused the DSN's key or project with {status}{}: check SENTRY_DSN against the project's settings",
                told()
            );
            (Verdict::Refused, Some(Note::fault("key or project refused", text)))
        }
        413 => {
            let text =
                format!("an envelope was too large for the server{}: send smaller attachments or less context", told());
            (Verdict::Refused, Some(Note::remark("too large for the server", text)))
        }
        502..=504 if !answer.is_sentry_s(keys) => {
            let text = format!("something on the way to the server answered {status}: the server is not reached");
            (Verdict::Unreachable, Some(Note::remark("server not reached", text)))
        }
        _ => (Verdict::Refused, Some(Note::remark("refused", format!("the server answered {status}{}", told())))),
    }
}

impl Answer {
    /// Whether it is the server that speaks, and not a proxy in front of it.
    fn is_sentry_s(&self, keys: &[String]) -> bool {
        self.rate_limits.is_some() || !self.explanation(keys).is_empty()
    }

    /// The server's own words: the header, or the body's `detail` and `causes`.
    fn explanation(&self, keys: &[String]) -> String {
        let from_body = || {
            let body: Value = std::str::from_utf8(&self.body).ok()?.parse().ok()?;
            let causes = body.get("causes").and_then(Value::as_array).into_iter().flatten();
            let parts: Vec<&str> = body.get("detail").into_iter().chain(causes).filter_map(Value::as_str).collect();
            Some(parts.join("; "))
        };
        clean(&self.error.clone().or_else(from_body).unwrap_or_default(), keys)
    }
}

impl Failure {
    fn note(&self, keys: &[String]) -> Note {
        let text = clean(&self.text, keys);
        match self.kind {
            FailureKind::Network => Note::remark("server not reached", format!("the server was not reached: {text}")),
            FailureKind::Proxy => Note::remark("proxy", format!("the proxy does not lead to the server: {text}")),
            FailureKind::Certificate => Note::fault(
                "certificate refused",
                format!(
                    "the server's certificate was refused: {text}; check the DSN's host, this machine's clock and its \
                     certificates (SSL_CERT_FILE names a file to trust instead of them)"
                ),
            ),
        }
    }
}

impl Note {
    fn fault(problem: &'static str, text: String) -> Self {
        Self { is_fault: true, problem, text }
    }

    fn remark(problem: &'static str, text: String) -> Self {
        Self { is_fault: false, problem, text }
    }
}

/// Host and port of a URL; of a path on the same host, the path.
fn host_of(location: &str) -> &str {
    let Some((_, rest)) = location.split_once("//") else { return location };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// Foreign words fit for a log line: short, on one line, and without our keys.
fn clean(text: &str, keys: &[String]) -> String {
    let mut text = text.to_owned();
    for key in keys.iter().filter(|key| key.len() >= SHORTEST_SECRET) {
        text = text.replace(key.as_str(), "***");
    }
    let plain = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    plain.take(MAX_FOREIGN_WORDS).collect::<String>().trim().to_owned()
}

const MAX_FOREIGN_WORDS: usize = 200;
/// Replacing a shorter one would say more than it hides.
const SHORTEST_SECRET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer { status, ..Answer::default() }
    }

    fn judged(answer: Answer) -> (Verdict, Option<Note>) {
        judge(&Reply::Answer(answer), &["0123456789abcdef".to_owned(), "k".to_owned()])
    }

    #[test]
    fn statuses() {
        use Verdict::{Delivered, LimitedByServer, Refused, Unreachable};
        let cases = [
            (200, Delivered, None, None),
            (201, Delivered, None, None),
            (204, Delivered, None, None),
            (299, Delivered, None, None),
            (429, LimitedByServer, None, Some(false)),
            (413, Refused, Some(Reason::SendError), Some(false)),
            (400, Refused, Some(Reason::SendError), Some(false)),
            (401, Refused, Some(Reason::SendError), Some(true)),
            (403, Refused, Some(Reason::SendError), Some(true)),
            (404, Refused, Some(Reason::SendError), Some(true)),
            (301, Refused, Some(Reason::SendError), Some(true)),
            (308, Refused, Some(Reason::SendError), Some(true)),
            (500, Refused, Some(Reason::SendError), Some(false)),
            (501, Refused, Some(Reason::SendError), Some(false)),
            // A proxy's words.
            (502, Unreachable, Some(Reason::NetworkError), Some(false)),
            (503, Unreachable, Some(Reason::NetworkError), Some(false)),
            (504, Unreachable, Some(Reason::NetworkError), Some(false)),
            (600, Refused, Some(Reason::SendError), Some(false)),
            (999, Refused, Some(Reason::SendError), Some(false)),
            (0, Refused, Some(Reason::SendError), Some(false)),
        ];
        for (status, verdict, reason, is_fault) in cases {
            let (judged, note) = judged(answer(status));
            assert_eq!((judged, judged.reason()), (verdict, reason), "{status}");
            assert_eq!(note.map(|note| note.is_fault), is_fault, "{status}");
        }
        // The server's own.
        let own = [
            Answer { error: Some("maintenance".to_owned()), ..answer(503) },
            Answer { body: br#"{"detail":"no"}"#.to_vec(), ..answer(502) },
            Answer { rate_limits: Some(String::new()), ..answer(504) },
        ];
        for answer in own {
            assert_eq!(judged(answer).0, Refused);
        }
    }

    #[test]
    fn no_answer() {
        let failure = |kind| Reply::Failure(Failure { kind, text: "x".to_owned() });
        for (kind, is_fault) in
            [(FailureKind::Network, false), (FailureKind::Proxy, false), (FailureKind::Certificate, true)]
        {
            let (verdict, note) = judge(&failure(kind), &[]);
            assert_eq!(verdict.reason(), Some(Reason::NetworkError));
            assert_eq!(note.map(|note| note.is_fault), Some(is_fault));
        }
        assert_eq!(judge(&Reply::Broken, &[]).0.reason(), Some(Reason::InternalSdkError));
    }

    #[test]
    fn the_servers_words_are_repeated_without_keys_and_in_bounds() {
        let text = |answer: Answer| judged(answer).1.expect("a note").text;
        let header = Answer { error: Some("no project for\r\n0123456789abcdef".into()), ..answer(403) };
        assert_eq!(
            text(header),
            "the server refused the DSN's key or project with 403 (no project for  ***): check SENTRY_DSN against the \
             project's settings"
        );
        let body = Answer { body: br#"{"detail":"bad","causes":["this","that",3]}"#.to_vec(), ..answer(400) };
        assert_eq!(text(body), "the server answered 400 (bad; this; that)");
        let long = Answer { error: Some("x".repeat(10_000)), ..answer(500) };
        assert_eq!(text(long).len(), "the server answered 500 ()".len() + 200);
        let junk = Answer { body: vec![0xff; 10], ..answer(500) };
        assert_eq!(text(junk), "the server answered 500");
    }

    #[test]
    fn a_redirect_names_the_host_it_leads_to() {
        let cases = [
            (Some("https://user:secret@other.example:8443/x?y"), "other.example:8443"),
            (Some("/login"), "/login"),
            (Some("//elsewhere"), "elsewhere"),
            (None, "another place"),
        ];
        for (location, target) in cases {
            let note = judged(Answer { location: location.map(str::to_owned), ..answer(302) }).1.expect("a note");
            assert!(note.text.contains(&format!("redirects to {target},")), "{}", note.text);
            assert!(!note.text.contains("secret"));
        }
    }
}
