//! The state behind the server: issues, telemetry, counters and who waits for them. Everything that grows has a limit.

use std::collections::{HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sentry_core::protocol::{Attachment, Envelope, EnvelopeItem, Event, Uuid};
use serde_json::Value;

use crate::group::{self, GroupKey};
use crate::issue::{Issue, IssueAttachment};
use crate::kept::Newest;
use crate::payload::payload;
use crate::telemetry::{News, Telemetry};

/// Shared by the server thread and the readers.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    arrived: Condvar,
    keep: Option<PathBuf>,
    kept: AtomicU64,
}

/// Why an envelope was not taken.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// It cannot be parsed; the reason is for its sender.
    Malformed(String),
    /// It should have been written to a file and was not.
    NotKept(io::Error),
}

impl Store {
    pub(crate) fn new(keep: Option<PathBuf>) -> Store {
        Store { state: Mutex::new(State::new()), arrived: Condvar::new(), keep, kept: AtomicU64::new(0) }
    }

    /// Takes one decompressed envelope; returns the id of the event it is about, if it is about one.
    pub(crate) fn accept(&self, body: &[u8]) -> Result<Option<Uuid>, Rejection> {
        if let Some(dir) = &self.keep {
            write_new(dir, &self.kept, body).map_err(Rejection::NotKept)?;
        }
        let envelope = Envelope::from_slice(body).map_err(|error| Rejection::Malformed(with_causes(&error)))?;
        let id = envelope.uuid().copied().or_else(|| envelope.event().map(|event| event.event_id));

        let (mut events, mut attachments, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for item in envelope.into_items() {
            match item {
                EnvelopeItem::Event(mut event) => {
                    // The header's id is the one its sender was told.
                    event.event_id = id.unwrap_or(event.event_id);
                    events.push(event);
                }
                EnvelopeItem::Attachment(attachment) => attachments.push(attachment),
                other => others.push(other),
            }
        }
        // One by one: what is parsed is much larger than its text, and readers need not wait for the parser.
        for item in others {
            if let Some((ty, payload)) = payload(&item) {
                self.file_item(ty, &payload);
            }
        }
        let mut state = self.lock();
        state.envelopes += 1;
        for event in events {
            state.file(event, std::mem::take(&mut attachments));
        }
        drop(state);
        self.arrived.notify_all();
        Ok(id)
    }

    /// Files what one item other than an event or attachment says.
    pub(crate) fn file_item(&self, ty: &str, payload: &Value) {
        self.lock().file_item(ty, payload);
    }

    pub(crate) fn issues(&self) -> Vec<Issue> {
        let state = self.lock();
        let mut entries: Vec<&Entry> = state.entries.values().collect();
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.touched));
        entries.into_iter().map(|entry| entry.issue.clone()).collect()
    }

    pub(crate) fn envelopes(&self) -> u64 {
        self.lock().envelopes
    }

    pub(crate) fn events(&self) -> u64 {
        self.lock().events
    }

    /// Events and all that was read from other items: each log entry, each metric.
    pub(crate) fn items(&self) -> u64 {
        self.lock().items
    }

    pub(crate) fn wait_events(&self, n: u64, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.events >= n)
    }

    pub(crate) fn wait_items(&self, n: u64, timeout: Duration) -> bool {
        self.wait(timeout, |state| state.items >= n)
    }

    /// A copy of what the reader needs: it renders without holding up the server.
    pub(crate) fn telemetry<T>(&self, copy: impl FnOnce(&Telemetry) -> T) -> T {
        copy(&self.lock().telemetry)
    }

    /// What arrived with these numbers, in their order; what is long gone and events are left out.
    pub(crate) fn news(&self, numbers: &Range<u64>) -> Vec<News> {
        let state = self.lock();
        let wanted = state.news.iter().filter(|(number, _)| numbers.contains(number));
        wanted.map(|(_, news)| news.clone()).collect()
    }

    fn wait(&self, timeout: Duration, enough: impl Fn(&State) -> bool) -> bool {
        let waited = self.arrived.wait_timeout_while(self.lock(), timeout, |state| !enough(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        enough(&state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct State {
    envelopes: u64,
    events: u64,
    /// Events included.
    items: u64,
    opened: u64,
    telemetry: Telemetry,
    /// With the value of `items` before each came.
    news: Newest<(u64, News)>,
    /// Bytes of attachment content held by all entries.
    attached: usize,
    entries: HashMap<GroupKey, Entry>,
}

#[derive(Debug)]
struct Entry {
    issue: Issue,
    users: HashSet<String>,
    /// The value of `State::events` when the latest event came.
    touched: u64,
}

impl State {
    fn new() -> State {
        State {
            envelopes: 0,
            events: 0,
            items: 0,
            opened: 0,
            telemetry: Telemetry::default(),
            news: Newest::of(MAX_NEWS),
            attached: 0,
            entries: HashMap::new(),
        }
    }

    fn file_item(&mut self, ty: &str, payload: &Value) {
        let State { telemetry, news, items, .. } = self;
        telemetry.file(ty, payload, &mut |one| {
            news.push((*items, one));
            *items += 1;
        });
    }

    fn file(&mut self, event: Box<Event<'static>>, attachments: Vec<Attachment>) {
        self.events += 1;
        self.items += 1;
        self.telemetry.traces.file_event(&event);
        let key = GroupKey::of(&event);
        let previous = self.entries.remove(&key);
        self.attached -= previous.as_ref().map_or(0, |entry| content_bytes(&entry.issue));
        if previous.is_none() && self.entries.len() >= MAX_ISSUES {
            self.forget_the_longest_untouched();
        }
        let attachments = attachments.into_iter().map(|attachment| self.admit(attachment)).collect();
        let entry = match previous {
            Some(entry) => entry.updated(event, attachments, self.events),
            None => {
                self.opened += 1;
                Entry::opened(format!("INBOX-{}", self.opened), event, attachments, self.events)
            }
        };
        self.entries.insert(key, entry);
    }

    fn admit(&mut self, attachment: Attachment) -> IssueAttachment {
        let Attachment { buffer, filename, content_type, .. } = attachment;
        let size = buffer.len();
        let fits = size <= MAX_ATTACHED.saturating_sub(self.attached);
        if fits {
            self.attached += size;
        }
        IssueAttachment { filename, content_type, size, content: fits.then(|| Arc::from(buffer)) }
    }

    fn forget_the_longest_untouched(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.touched).map(|(key, _)| key.clone());
        if let Some(entry) = oldest.and_then(|key| self.entries.remove(&key)) {
            self.attached -= content_bytes(&entry.issue);
        }
    }
}

impl Entry {
    fn opened(id: String, event: Box<Event<'static>>, attachments: Vec<IssueAttachment>, touched: u64) -> Entry {
        let issue = Issue {
            id,
            title: String::new(),
            culprit: String::new(),
            level: event.level,
            count: 0,
            users: 0,
            first_seen: event.timestamp,
            last_seen: event.timestamp,
            latest: Box::default(),
            attachments: Vec::new(),
            handled: true,
        };
        Entry { issue, users: HashSet::new(), touched }.updated(event, attachments, touched)
    }

    fn updated(mut self, event: Box<Event<'static>>, attachments: Vec<IssueAttachment>, touched: u64) -> Entry {
        if let Some(user) = event.user.as_ref().and_then(group::user_key).filter(|_| self.users.len() < MAX_USERS) {
            self.users.insert(user);
        }
        self.touched = touched;
        let issue = &mut self.issue;
        issue.title = group::title(&event);
        issue.culprit = group::culprit(&event);
        issue.handled = group::handled(&event);
        issue.level = event.level;
        issue.count += 1;
        issue.users = self.users.len() as u64;
        issue.first_seen = issue.first_seen.min(event.timestamp);
        issue.last_seen = issue.last_seen.max(event.timestamp);
        issue.attachments = attachments;
        issue.latest = event;
        self
    }
}

fn content_bytes(issue: &Issue) -> usize {
    issue.attachments.iter().filter_map(|attachment| attachment.content.as_deref()).map(<[u8]>::len).sum()
}

/// Writes the next `NNNNNN.envelope` that does not exist yet: the directory may hold those of an earlier run.
fn write_new(dir: &Path, kept: &AtomicU64, body: &[u8]) -> io::Result<()> {
    loop {
        let number = kept.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let path = dir.join(format!("{number:06}.envelope"));
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => return file.write_all(body),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some errors print their cause themselves.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

const MAX_ISSUES: usize = 1000;
const MAX_NEWS: usize = 1000;
const MAX_USERS: usize = 10_000;
const MAX_ATTACHED: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use sentry_core::protocol::{Level, User};

    use super::*;

    fn event(message: &str, user: &str, second: u64) -> Event<'static> {
        Event {
            message: Some(message.into()),
            level: Level::Warning,
            timestamp: at(second),
            user: Some(User { id: Some(user.into()), ..User::default() }),
            ..Event::default()
        }
    }

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn file(store: &Store, event: Event<'static>, attachments: Vec<Attachment>) {
        store.lock().file(Box::new(event), attachments);
    }

    fn attachment(len: usize) -> Attachment {
        Attachment { buffer: vec![7; len], filename: "log.txt".into(), ..Attachment::default() }
    }

    #[test]
    fn events_add_up() {
        let store = Store::new(None);
        file(&store, event("a", "ann", 20), vec![attachment(3)]);
        file(&store, event("b", "ann", 21), vec![]);
        file(&store, event("a", "bob", 10), vec![]);
        file(&store, event("a", "ann", 15), vec![attachment(5)]);

        let issues = store.issues();
        assert_eq!(issues.iter().map(|issue| issue.id.as_str()).collect::<Vec<_>>(), ["INBOX-1", "INBOX-2"]);
        let first = &issues[0];
        assert_eq!((first.count, first.users), (3, 2));
        assert_eq!((first.first_seen, first.last_seen), (at(10), at(20)));
        assert_eq!(first.latest.timestamp, at(15));
        assert_eq!(first.level, Level::Warning);
        assert_eq!(first.title, "a");
        assert_eq!(first.attachments.len(), 1);
        assert_eq!(first.attachments[0].content.as_deref(), Some([7; 5].as_slice()));
        assert_eq!(store.lock().attached, 5);
        assert_eq!(store.events(), 4);
    }

    #[test]
    fn the_number_of_issues_has_a_limit() {
        let store = Store::new(None);
        for number in 0..MAX_ISSUES {
            file(&store, event(&format!("m{number}"), "ann", 1), vec![attachment(1)]);
        }
        file(&store, event("m0", "ann", 1), vec![attachment(1)]);
        file(&store, event("one more", "ann", 1), vec![]);
        let issues = store.issues();
        assert_eq!(issues.len(), MAX_ISSUES);
        assert_eq!([&issues[0].title, &issues[1].title], ["one more", "m0"]);
        assert!(!issues.iter().any(|issue| issue.title == "m1"));
        assert_eq!(store.lock().attached, MAX_ISSUES - 1);
    }

    #[test]
    fn attachments_beyond_the_limit_leave_only_their_size() {
        let store = Store::new(None);
        file(&store, event("a", "ann", 1), vec![attachment(MAX_ATTACHED)]);
        file(&store, event("b", "ann", 1), vec![attachment(1)]);
        let issues = store.issues();
        assert_eq!((issues[0].attachments[0].size, issues[0].attachments[0].content.is_none()), (1, true));
        file(&store, event("a", "ann", 1), vec![]);
        file(&store, event("b", "ann", 1), vec![attachment(1)]);
        assert_eq!(store.issues()[0].attachments[0].content.as_deref(), Some([7].as_slice()));
    }

    #[test]
    fn the_number_of_users_has_a_limit() {
        let store = Store::new(None);
        for number in 0..=MAX_USERS {
            file(&store, event("a", &number.to_string(), 1), vec![]);
        }
        assert_eq!(store.issues()[0].users, MAX_USERS as u64);
    }

    #[test]
    fn envelopes_are_parsed_filed_and_counted() {
        let store = Store::new(None);
        let body = b"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{\"message\":\"hi\"}\n\
            {\"type\":\"attachment\",\"length\":2,\"filename\":\"a.bin\"}\nxy\n";
        let id = store.accept(body).unwrap().unwrap();
        assert_eq!(id.simple().to_string(), "9ec79c33ec9942ab8353589fcb2e04dc");
        let issue = &store.issues()[0];
        assert_eq!((issue.title.as_str(), issue.attachments[0].filename.as_str()), ("hi", "a.bin"));

        let cut = store.accept(b"{}\n{\"type\":\"event\",\"length\":99}\n{\"message\":\"hi\"}\n");
        assert!(matches!(cut, Err(Rejection::Malformed(_))));
        assert_eq!(store.accept(b"{}\n{\"type\":\"from_the_future\",\"length\":2}\n{}\n").unwrap(), None);
        assert_eq!((store.envelopes(), store.events()), (2, 1));
    }

    #[test]
    fn waiting_ends_with_the_event_or_the_time() {
        let store = Arc::new(Store::new(None));
        assert!(store.wait_events(0, Duration::ZERO));
        assert!(!store.wait_events(1, Duration::ZERO));
        let sender = Arc::clone(&store);
        let thread = std::thread::Builder::new()
            .spawn(move || sender.accept(b"{}\n{\"type\":\"event\"}\n{\"message\":\"hi\"}\n").is_ok())
            .unwrap();
        assert!(store.wait_events(1, Duration::from_secs(60)));
        assert!(thread.join().unwrap());
    }

    #[test]
    fn kept_envelopes_do_not_overwrite_earlier_ones() {
        let dir = std::env::temp_dir().join(format!("sentry-inbox-keep-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("000001.envelope"), b"earlier").unwrap();
        let store = Store::new(Some(dir.clone()));
        assert!(store.accept(b"{}\n").is_ok());
        assert!(matches!(store.accept(b"broken"), Err(Rejection::Malformed(_))));
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        assert_eq!(read("000001.envelope"), b"earlier");
        assert_eq!(read("000002.envelope"), b"{}\n");
        assert_eq!(read("000003.envelope"), b"broken");
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(matches!(store.accept(b"{}\n"), Err(Rejection::NotKept(_))));
    }
}
