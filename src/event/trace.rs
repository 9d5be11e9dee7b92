//! The bridge to `tracing`: events are forwarded, and a call has a span.
//!
//! A tracing subscriber is the program's own code. So each touch of it stands in a fence and under no lock of ours, and
//! where it panics the event or the span is missing and everything else goes on. It may block, too, and the threads that
//! emit are those that end calls and stop pools: so events are forwarded by a listener, on a thread of its own and in the
//! order of their numbers.

use std::fmt::Write;
use std::sync::Arc;

use tracing::dispatcher::{Dispatch, get_default, with_default};
use tracing::field::Empty;
use tracing::span::Entered;
use tracing::subscriber::NoSubscriber;
use tracing::{Level, Span};

use crate::fence;
use crate::id::{CallId, WorkerId};

use super::bus::Bus;
use super::event::Event;
use super::name::Severity;

/// The target of everything that is forwarded.
const TARGET: &str = "wpc";

/// Has the bus's events forwarded to the tracing subscriber that the calling thread has now, if it has one.
pub(super) fn attend(bus: &Arc<Bus>) {
    let Ok(dispatch) = fence::run(|| get_default(Dispatch::clone)) else { return };
    if !dispatch.is::<NoSubscriber>() {
        let forward = move |event: &Event| with_default(&dispatch, || forward(event));
        // Where no thread can be had the events are not forwarded; whoever builds a pool then has other troubles.
        let _ = bus.listen(forward);
    }
}

/// A level is part of the place in the code that an event comes from, so that each has a place of its own.
macro_rules! forward_at {
    ($level:expr, $event:expr, $details:expr) => {
        tracing::event!(
            target: TARGET,
            $level,
            event_name = $event.event_name.as_str(),
            event_id = $event.event_id,
            worker_id = $event.worker_id.map(|worker| worker.index()),
            call_id = $event.correlation_id.map(CallId::get),
            error = $event.error.as_ref().map(tracing::field::display),
            details = $details,
        )
    };
}

/// Tells the tracing subscriber of the calling thread about an event.
fn forward(event: &Event) {
    let details = details(event);
    let told = fence::run(|| match event.severity {
        Severity::Debug => forward_at!(Level::DEBUG, event, details),
        Severity::Info => forward_at!(Level::INFO, event, details),
        Severity::Warning => forward_at!(Level::WARN, event, details),
        Severity::Error => forward_at!(Level::ERROR, event, details),
    });
    ignore_panic(told);
}

/// The facts of an event in one text, as `key=value` one after the other.
fn details(event: &Event) -> String {
    let mut text = String::new();
    for (key, detail) in &event.details {
        let separator = if text.is_empty() { "" } else { " " };
        write!(text, "{separator}{key}={detail}").expect("a string takes all that is written");
    }
    text
}

/// A subscriber that panics has lost what it was told; nothing of ours depends on it.
fn ignore_panic<T>(result: Result<T, String>) {
    drop(result);
}

/// The span of one call: made where the call is made, so that it is inside the caller's own span, and entered on the
/// worker while the function runs. It is not to be dropped under a lock, since that runs the tracing subscriber.
#[derive(Debug)]
pub(crate) struct CallSpan(Span);

impl CallSpan {
    pub(crate) fn new(function: &str, call_id: CallId) -> Self {
        let make = || tracing::info_span!(target: TARGET, "wpc.call", function, call_id = call_id.get(), worker_id = Empty);
        Self(fence::run(make).unwrap_or_else(|_| Span::none()))
    }

    /// Runs `code` inside the span.
    pub(crate) fn run<T>(&self, worker: WorkerId, code: impl FnOnce() -> T) -> T {
        ignore_panic(fence::run(|| {
            self.0.record("worker_id", worker.index());
        }));
        let _inside = Inside(fence::run(|| self.0.enter()).ok());
        code()
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        fence::drop_value(std::mem::replace(&mut self.0, Span::none()));
    }
}

/// Leaves the span on drop, in a fence, also while a panic of the call unwinds.
struct Inside<'a>(Option<Entered<'a>>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        fence::drop_value(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::subscriber::with_default;
    use tracing::{Metadata, Subscriber};

    use super::*;
    use crate::clock::Clock;
    use crate::event::{Bus, EventName};
    use crate::sync::{AtomicU64, Mutex};

    /// Writes down everything that it is told from level INFO on, with the span that it was told in.
    #[derive(Clone, Default)]
    struct Recorder {
        lines: Arc<Mutex<Vec<String>>>,
        inside: Arc<Mutex<Vec<u64>>>,
        spans: Arc<AtomicU64>,
    }

    struct Fields(String);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            write!(self.0, " {field}={value:?}").unwrap();
        }
    }

    impl Recorder {
        fn write(&self, what: &str, record: impl FnOnce(&mut Fields)) {
            let mut fields = Fields(what.to_owned());
            record(&mut fields);
            self.lines.lock().push(fields.0);
        }

        fn innermost(&self) -> u64 {
            self.inside.lock().last().copied().unwrap_or(0)
        }

        /// Waits until no bus forwards to it any more.
        fn wait_until_let_go(&self) {
            for _ in 0..1_000_000 {
                if Arc::strong_count(&self.lines) == 1 {
                    return;
                }
                std::thread::yield_now();
            }
            panic!("it is never let go of");
        }

        fn lines(&self) -> Vec<String> {
            std::mem::take(&mut *self.lines.lock())
        }
    }

    impl Subscriber for Recorder {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::INFO
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            let id = self.spans.fetch_add(1, Ordering::Relaxed) + 1;
            let name = span.metadata().name();
            self.write(&format!("{name} is {id} in {}", self.innermost()), |fields| span.record(fields));
            Id::from_u64(id)
        }

        fn record(&self, span: &Id, values: &Record<'_>) {
            self.write(&format!("{} has", span.into_u64()), |fields| values.record(fields));
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            let (level, target) = (event.metadata().level(), event.metadata().target());
            self.write(&format!("{level} {target} in {}", self.innermost()), |fields| event.record(fields));
        }

        fn enter(&self, span: &Id) {
            self.inside.lock().push(span.into_u64());
        }

        fn exit(&self, _: &Id) {
            self.inside.lock().pop();
        }
    }

    #[test]
    fn an_event_is_forwarded_though_nobody_subscribed() {
        let recorder = Recorder::default();
        let bus = with_default(recorder.clone(), || Bus::new(Clock::system(), 8));
        let call = CallId(7);
        bus.emit(EventName::WorkerReady, |draft| draft.worker(WorkerId(3)).detail("run", 1_u32));
        bus.emit(EventName::CallExecutionFailed, |draft| {
            let draft = draft.call(call).error("failed", "no such file");
            draft.detail("reason", "failed").detail("function_name", "read")
        });
        bus.emit(EventName::CallCancelled, |draft| draft.severity(Severity::Debug));
        let counts = bus.counts();
        drop(bus);
        recorder.wait_until_let_go();
        assert_eq!(
            recorder.lines(),
            [
                r#"INFO wpc in 0 event_name="worker_ready" event_id=1 worker_id=3 details="run=1""#,
                r#"WARN wpc in 0 event_name="call_execution_failed" event_id=2 call_id=7 error=failed: no such file details="function_name=read reason=failed""#,
            ]
        );
        assert_eq!(counts.emitted, 3);
    }

    #[test]
    fn without_a_tracing_subscriber_an_event_is_only_counted() {
        let bus = Bus::new(Clock::system(), 8);
        bus.emit(EventName::WorkerReady, |draft| panic!("{draft:?} is for nobody"));
        assert_eq!(bus.counts().emitted, 1);
    }

    #[test]
    fn a_tracing_subscriber_that_blocks_holds_up_nobody_who_emits() {
        let recorder = Recorder::default();
        let bus = with_default(recorder.clone(), || Bus::new(Clock::system(), 8));
        let blocked = recorder.lines.lock(); // whatever it is told waits for this
        for _ in 0..100 {
            bus.emit(EventName::WorkerReady, |draft| draft);
        }
        assert_eq!(bus.counts().emitted, 100);
        drop(blocked);
        drop(bus);
        recorder.wait_until_let_go();
        assert!(
            recorder.lines().iter().any(|line| line.contains("events_dropped")),
            "it was told what it missed"
        );
    }

    #[test]
    fn a_call_s_span_is_inside_the_caller_s_and_around_the_function() {
        let recorder = Recorder::default();
        let span = with_default(recorder.clone(), || {
            tracing::info_span!("caller").in_scope(|| CallSpan::new("add", CallId(9)))
        });
        let theirs = recorder.clone();
        let worker = std::thread::spawn(move || {
            with_default(theirs.clone(), || {
                let result = span.run(WorkerId(4), || {
                    tracing::info!(target: "function", sum = 3);
                    5
                });
                let panicked = fence::run(|| span.run(WorkerId(4), || panic!("in the call")));
                assert_eq!(panicked, Err::<(), _>("in the call".to_owned()));
                (result, theirs.innermost())
            })
        });
        assert_eq!(worker.join().unwrap(), (5, 0), "the span is left, also by a panic");
        let lines = [
            "caller is 1 in 0",
            r#"wpc.call is 2 in 1 function="add" call_id=9"#,
            "2 has worker_id=4",
            "INFO function in 2 sum=3",
            "2 has worker_id=4",
        ];
        assert_eq!(recorder.lines(), lines);
    }

    /// Panics whenever it is told anything, but may let a span be entered.
    struct Hostile {
        lets_enter: bool,
    }

    impl Subscriber for Hostile {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {
            panic!("record");
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &tracing::Event<'_>) {
            panic!("event");
        }

        fn enter(&self, _: &Id) {
            assert!(self.lets_enter, "enter");
        }

        fn exit(&self, _: &Id) {
            panic!("exit");
        }

        fn try_close(&self, _: Id) -> bool {
            panic!("close");
        }
    }

    #[test]
    fn a_tracing_subscriber_that_panics_harms_neither_events_nor_calls() {
        for lets_enter in [false, true] {
            with_default(Hostile { lets_enter }, || {
                let bus = Bus::new(Clock::system(), 8);
                let subscription = bus.subscribe().unwrap();
                for _ in 0..5 {
                    bus.emit(EventName::WorkerReady, |draft| draft);
                }
                assert_eq!(subscription.drain().len(), 5);
                let span = CallSpan::new("add", CallId(9));
                assert_eq!(span.run(WorkerId(4), || 5), 5);
                let panicked = fence::run(|| span.run(WorkerId(4), || panic!("in the call")));
                assert_eq!(panicked, Err::<(), _>("in the call".to_owned()));
            });
        }
    }
}
