//! A breadcrumb as a scope keeps it: whole, or as a bridge noted it.

use std::borrow::Cow;
use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::clock;
use crate::protocol::{Breadcrumb, Level, Map, Value};
use crate::weight::{breadcrumb_bytes, value_bytes};

/// A breadcrumb of a logger's: made with fewer pieces of memory, since most are never seen.
#[derive(Debug, Clone)]
pub struct LeanBreadcrumb {
    /// When it happened.
    pub timestamp: SystemTime,
    /// How serious it is.
    pub level: Level,
    /// What part of the program it is from.
    pub category: Cow<'static, str>,
    /// What happened.
    pub message: Option<String>,
    /// What is known about it, each key once.
    pub data: Vec<(Cow<'static, str>, Value)>,
}

impl LeanBreadcrumb {
    /// One that happens now.
    #[must_use]
    pub fn new(level: Level, category: impl Into<Cow<'static, str>>) -> Self {
        Self { timestamp: clock::wall(), level, category: category.into(), message: None, data: Vec::new() }
    }
}

/// Memory for a breadcrumb, of one that fell off a full ring on this thread.
#[derive(Debug, Default)]
pub struct SpareBuffers {
    /// Empty.
    pub text: String,
    /// Empty.
    pub data: Vec<(Cow<'static, str>, Value)>,
}

thread_local! {
    static SPARE: Cell<Option<SpareBuffers>> = const { Cell::new(None) };
}

impl SpareBuffers {
    pub(crate) fn take() -> Self {
        SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    pub(crate) fn keep(old: LeanBreadcrumb) {
        let LeanBreadcrumb { message, mut data, .. } = old;
        let mut text = message.unwrap_or_default();
        text.clear();
        data.clear();
        if text.capacity() <= MAX_SPARE_BYTES && data.capacity() <= MAX_SPARE_FIELDS {
            let _ = SPARE.try_with(|spare| spare.set(Some(Self { text, data })));
        }
    }
}

const MAX_SPARE_BYTES: usize = 512;
const MAX_SPARE_FIELDS: usize = 16;

impl From<LeanBreadcrumb> for Breadcrumb {
    fn from(lean: LeanBreadcrumb) -> Self {
        let LeanBreadcrumb { timestamp, level, category, message, data } = lean;
        let data = data.into_iter().map(|(key, value)| (key.into_owned(), value)).collect();
        Self { timestamp, ty: "log".to_owned(), category: Some(category.into_owned()), level, message, data }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Crumb {
    Whole(Breadcrumb),
    Lean(LeanBreadcrumb),
}

impl Crumb {
    /// Leaves one that owns nothing.
    pub(crate) fn take(&mut self) -> Self {
        let nothing = Breadcrumb {
            timestamp: UNIX_EPOCH,
            ty: String::new(),
            category: None,
            level: Level::Info,
            message: None,
            data: Map::new(),
        };
        std::mem::replace(self, Self::Whole(nothing))
    }

    pub(crate) fn into_whole(self) -> Breadcrumb {
        match self {
            Self::Whole(whole) => whole,
            Self::Lean(lean) => lean.into(),
        }
    }

    /// What it weighs beside itself, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Whole(whole) => breadcrumb_bytes(whole),
            Self::Lean(lean) => {
                let category = match &lean.category {
                    Cow::Borrowed(_) => 0,
                    Cow::Owned(category) => category.len(),
                };
                let data = lean.data.iter().map(|(_, value)| size_of::<(&str, usize)>() + value_bytes(value));
                category + lean.message.as_ref().map_or(0, String::len) + data.sum::<usize>()
            }
        }
    }
}

impl From<Breadcrumb> for Crumb {
    #[inline]
    fn from(whole: Breadcrumb) -> Self {
        Self::Whole(whole)
    }
}
