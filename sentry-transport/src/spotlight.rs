//! `sentry-spotlight`: copies of envelopes for a sidecar on the developer's machine (spec §29). What becomes of them is
//! nobody's business: they are not counted, not tried again and not waited for.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use sentry_core::wire::EncodedEnvelope;
use sentry_core::{Diagnostics, clock};

use crate::agent::Sidecar;
use crate::delivery::enter_own_thread;
use crate::encode::Encoder;
use crate::world::spawn;

pub(crate) struct Spotlight(Sender<EncodedEnvelope>);

impl Spotlight {
    /// `None`, which is said, for an address that is none.
    pub(crate) fn start(url: &str, diagnostics: &Diagnostics) -> Option<Self> {
        let Some(sidecar) = Sidecar::new(url) else {
            let message = format_args!(
                "{url:?} is not the URL of a Spotlight sidecar; it looks like http://localhost:8969/stream"
            );
            diagnostics.fault("spotlight", message);
            return None;
        };
        let (copies, received) = bounded(WAITING);
        let said = diagnostics.clone();
        spawn("sentry-spotlight", move || run(&sidecar, &received, &said)).ok()?;
        Some(Self(copies))
    }

    /// Copies no payload. When the sidecar is slow, it misses some.
    pub(crate) fn show(&self, envelope: &EncodedEnvelope) {
        if !envelope.is_empty() {
            let _ = self.0.try_send(envelope.clone());
        }
    }
}

fn run(sidecar: &Sidecar, copies: &Receiver<EncodedEnvelope>, diagnostics: &Diagnostics) {
    let _mark = enter_own_thread();
    let mut encoder = Encoder::default();
    let mut pause = Pause::default();
    for envelope in copies {
        if pause.is_on(clock::now()) {
            continue;
        }
        let Ok(body) = encoder.encode(&envelope, clock::wall()) else { continue };
        match sidecar.post(body) {
            Ok(()) => pause = Pause::default(),
            Err(error) => {
                pause.failed(clock::now());
                let message = format_args!("the Spotlight sidecar cannot be reached, and gets no copies: {error}");
                diagnostics.fault("spotlight", message);
            }
        }
    }
}

/// How long nothing is tried after failures (spec SPT-07).
#[derive(Debug, Default)]
struct Pause {
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    fn is_on(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    fn failed(&mut self, now: Instant) {
        let length = FIRST.saturating_mul(1u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + length);
    }
}

/// Copies that may wait.
const WAITING: usize = 64;
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let mut pause = Pause::default();
        let mut now = clock::now();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            pause.failed(now);
            now += Duration::from_secs(seconds);
            assert!(pause.is_on(now - Duration::from_millis(1)) && !pause.is_on(now), "{seconds}");
        }
        for _ in 0..100 {
            pause.failed(now);
        }
        assert!(!pause.is_on(now + LONGEST));
    }
}
