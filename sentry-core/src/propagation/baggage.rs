//! The header `baggage` of W3C, in which the dynamic sampling context travels beside what others put there (spec TRC-02,
//! TRC-06).

use super::percent;
use crate::protocol::DynamicSamplingContext;

/// What W3C asks everybody to pass on, and what we read and write at most.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// What the keys of our members begin with; keys are case-sensitive.
const PREFIX: &str = "sentry-";

/// Reads all `baggage` headers of a request as if they were one, up to the limits: what is beyond was not sent, for us.
#[derive(Default)]
pub(super) struct Reader {
    context: DynamicSamplingContext,
    members: usize,
    bytes: usize,
}

impl Reader {
    /// Of members with the same key the last one counts, understood or not: who appends is nearer than who began.
    pub(super) fn read(&mut self, header: &str) {
        for member in header.split(',') {
            // The last member has no comma.
            self.bytes = self.bytes.saturating_add(member.len() + 1);
            self.members += usize::from(!member.trim().is_empty());
            if self.bytes > MAX_BYTES + 1 || self.members > MAX_MEMBERS {
                return;
            }
            if let Some((key, value)) = parse_member(member) {
                self.context.set(key.to_owned(), percent::decode(value).into_owned());
            }
        }
    }

    pub(super) fn finish(self) -> DynamicSamplingContext {
        self.context
    }
}

/// Our members of one header.
pub(crate) fn read(header: &str) -> DynamicSamplingContext {
    let mut reader = Reader::default();
    reader.read(header);
    reader.finish()
}

/// Key and encoded value of one of our members. What follows a `;` are properties, which we have none of.
fn parse_member(member: &str) -> Option<(&str, &str)> {
    let (key, value) = member.split(';').next()?.split_once('=')?;
    let key = key.trim().strip_prefix(PREFIX)?;
    is_token(key).then_some((key, value.trim()))
}

/// The members of `own`, or an empty text for an empty context: then there is no header to send.
pub(crate) fn print(own: &DynamicSamplingContext) -> String {
    own_members(own).text
}

/// `existing`, the baggage of an outgoing request, with the members of `own` behind it, within the limits.
///
/// What others wrote stays as it is, as far as `own` leaves room, which is never cut; members of ours that are there
/// already are of another trace or of another moment, and go, also if `own` is empty. An empty text is no header to
/// send.
pub(crate) fn append(existing: &str, own: &DynamicSamplingContext) -> String {
    let own = own_members(own);
    let reserved = own.text.len() + usize::from(own.members > 0);
    let mut all = List::within(MAX_MEMBERS.saturating_sub(own.members), MAX_BYTES.saturating_sub(reserved));
    let members = existing.split(',').map(str::trim);
    for member in members.filter(|member| !member.is_empty() && !member.starts_with(PREFIX)) {
        if !all.push(member) {
            break;
        }
    }
    if own.members == 0 {
        return all.text;
    }
    if all.members > 0 {
        all.text.push(',');
    }
    all.text + &own.text
}

/// All of `context` that can be written: whole members only, so that one value of monstrous size costs itself alone.
fn own_members(context: &DynamicSamplingContext) -> List {
    let mut list = List::within(MAX_MEMBERS, MAX_BYTES);
    for (key, value) in context.members().filter(|(key, _)| is_token(key)) {
        // Encoding never shortens.
        if value.len() < MAX_BYTES {
            let mut member = format!("{PREFIX}{key}=");
            percent::encode_into(&mut member, &value);
            list.push(&member);
        }
    }
    list
}

/// Members with commas between them.
struct List {
    text: String,
    members: usize,
    max_members: usize,
    max_bytes: usize,
}

impl List {
    fn within(max_members: usize, max_bytes: usize) -> Self {
        Self { text: String::new(), members: 0, max_members, max_bytes }
    }

    /// Adds `member`, or returns `false` if there is no room for it.
    fn push(&mut self, member: &str) -> bool {
        let comma = usize::from(self.members > 0);
        if self.members == self.max_members || self.text.len() + comma + member.len() > self.max_bytes {
            return false;
        }
        if comma > 0 {
            self.text.push(',');
        }
        self.text.push_str(member);
        self.members += 1;
        true
    }
}

/// Whether `key` may be a key of baggage as it is.
fn is_token(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests;
