//! Which errors are not reported: those that the program ignores, asked on the caller before anything is built, and
//! those that its sampler gives up, asked where events are finished.

use std::error::Error;

use super::Pipeline;
use crate::capture::{Body, Capture};
use crate::caught::caught;
use crate::error_event::{KnownErrors, chain_of, exceptions_from_chain, names_of};
use crate::hint::SharedError;
use crate::options::sample;
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{Event, Exception, Level, Stacktrace};
use crate::suppress;

impl Pipeline {
    /// Whether the program does not want to hear of `error`; that is then counted.
    pub(crate) fn ignores_error<E: Error + ?Sized>(&self, error: &E) -> bool {
        let options = &self.options;
        if options.ignore_errors.is_empty() && options.ignore_errors_if.is_none() {
            return false;
        }
        let _mark = suppress::enter();
        let is_listed = || names_of(error, self).any(|(ty, module)| self.lists(&ty, module));
        let is_unwanted = || match &options.ignore_errors_if {
            Some(ignores) => self.asked("ignore_errors_if", "the error is kept", || ignores(&error)) == Some(true),
            None => false,
        };
        let is_ignored = (!options.ignore_errors.is_empty() && is_listed()) || is_unwanted();
        if is_ignored {
            self.count_ignored();
        }
        is_ignored
    }

    /// The same for an event with exceptions that were made of errors elsewhere.
    pub(crate) fn ignores_any(&self, exceptions: &[Exception]) -> bool {
        let is_ignored = !self.options.ignore_errors.is_empty()
            && exceptions.iter().any(|exception| self.lists(&exception.ty, exception.module.as_deref()));
        if is_ignored {
            self.count_ignored();
        }
        is_ignored
    }

    fn lists(&self, ty: &str, module: Option<&str>) -> bool {
        self.options.ignore_errors.iter().any(|listed| match listed.strip_suffix(ty) {
            Some("") => true,
            Some(path) => path.strip_suffix("::").is_some_and(|path| module == Some(path)),
            None => false,
        })
    }

    fn count_ignored(&self) {
        self.recorder.record_captured(Category::Error, 1);
        self.recorder.record_loss(Category::Error, Reason::EventProcessor, 1);
    }

    /// A capture of `error`. With an `on_error` it is one of a whole event, which that has seen.
    pub(crate) fn capture_of<E: Error + ?Sized>(&self, error: &E, owned: SharedError) -> Capture {
        let _mark = suppress::enter();
        let chain = chain_of(error, self);
        let mut capture = match &self.options.on_error {
            None => Capture::new(Body::Error(chain), Level::Error),
            Some(on_error) => {
                let mut event = Event { exception: exceptions_from_chain(chain).into(), ..Event::default() };
                // What it changed before it panicked stays (spec HOK-25).
                self.asked("on_error", "the event is sent as it was by then", || on_error(&error, &mut event));
                Capture::from_event(event)
            }
        };
        // Nobody else asks for it.
        if self.options.before_send_with_hint.is_some() {
            capture.error = owned;
        }
        capture
    }

    /// Throws the dice for a finished event, if that is left to a sampler (spec HOK-06).
    pub(super) fn samples(&self, event: &Event<'static>) -> bool {
        let Some(sampler) = &self.options.error_sampler else { return true };
        let asked = self.asked("error_sampler", "sample_rate is used instead", || sampler(event));
        match asked.filter(|rate| (0.0..=1.0).contains(rate)) {
            Some(rate) => sample(rate),
            None => {
                if let Some(rate) = asked {
                    self.diagnostics.fault(
                        "error_sampler",
                        format_args!("error_sampler returned {rate}, which is not between 0.0 and 1.0: ignored"),
                    );
                }
                self.options.event_sampling_strategy.keeps()
            }
        }
    }

    /// Runs user code that does not decide over what it is given; a panic in it is said once.
    fn asked<R>(&self, name: &str, consequence: &str, run: impl FnOnce() -> R) -> Option<R> {
        let answer = caught(run);
        if answer.is_none() {
            self.diagnostics.fault("hook panicked", format_args!("{name} panicked; {consequence}"));
        }
        answer
    }
}

impl KnownErrors for Pipeline {
    fn error_type(&self, error: &(dyn Error + 'static)) -> Option<&'static str> {
        self.integrations.iter().find_map(|(_, integration)| integration.error_type(error))
    }

    fn error_stacktrace(&self, error: &(dyn Error + 'static)) -> Option<Stacktrace> {
        self.integrations.iter().find_map(|(_, integration)| integration.error_stacktrace(error))
    }
}
