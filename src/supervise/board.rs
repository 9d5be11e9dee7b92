//! [`Board`]: what the driver has observed of its children, for everybody to read and wait for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::sync::{AtomicBool, AtomicU8, AtomicU32, Mutex, Signal};

use super::ChildId;

/// A child's state, as the driver last saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Observed {
    Stopped = 0,
    Starting = 1,
    Ready = 2,
    Draining = 3,
    Backoff = 4,
    GaveUp = 5,
    Degraded = 6,
}

impl Observed {
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Starting,
            2 => Self::Ready,
            3 => Self::Draining,
            4 => Self::Backoff,
            5 => Self::GaveUp,
            6 => Self::Degraded,
            _ => Self::Stopped,
        }
    }
}

impl std::fmt::Display for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Backoff => "backoff",
            Self::GaveUp => "gave up",
            Self::Degraded => "degraded",
        })
    }
}

/// What is known of one child.
#[derive(Debug)]
struct Line {
    state: AtomicU8,
    /// Whether its first start has come to an end, good or bad.
    is_settled: AtomicBool,
    /// Starts after the first one.
    restarts: AtomicU32,
    /// Why its last run ended, if nobody had asked for it.
    failure: Mutex<Option<Arc<str>>>,
}

/// Written by the driver alone.
#[derive(Debug)]
pub(crate) struct Board {
    lines: Box<[Line]>,
    ended: AtomicBool,
    changed: Signal,
}

impl Board {
    pub(crate) fn new(children: usize) -> Self {
        let line = |_| Line {
            state: AtomicU8::new(Observed::Starting as u8),
            is_settled: AtomicBool::new(false),
            restarts: AtomicU32::new(0),
            failure: Mutex::default(),
        };
        Self {
            lines: (0..children).map(line).collect(),
            ended: AtomicBool::new(false),
            changed: Signal::default(),
        }
    }

    pub(crate) fn observed(&self, child: ChildId) -> Observed {
        Observed::from_number(self.lines[child as usize].state.load(Ordering::Acquire))
    }

    /// Whether every child is ready or has failed once.
    pub(crate) fn are_settled(&self) -> bool {
        self.lines.iter().all(|line| line.is_settled.load(Ordering::Acquire))
    }

    /// How often the child was started after the first time.
    pub(crate) fn restarts(&self, child: ChildId) -> u32 {
        self.lines[child as usize].restarts.load(Ordering::Acquire)
    }

    /// Why its last run ended, or could not be started, if nobody had asked for that.
    pub(crate) fn failure(&self, child: ChildId) -> Option<Arc<str>> {
        self.lines[child as usize].failure.lock().clone()
    }

    /// Whether the driver has ended: it starts nothing any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Notified after each change.
    pub(crate) fn changed(&self) -> &Signal {
        &self.changed
    }

    pub(super) fn show(&self, child: ChildId, observed: Observed) {
        let line = &self.lines[child as usize];
        line.state.store(observed as u8, Ordering::Release);
        if observed != Observed::Starting {
            line.is_settled.store(true, Ordering::Release);
        }
        self.changed.notify();
    }

    pub(super) fn restarted(&self, child: ChildId) {
        self.lines[child as usize].restarts.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn failed(&self, child: ChildId, why: &Arc<str>) {
        *self.lines[child as usize].failure.lock() = Some(Arc::clone(why));
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.changed.notify();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::sync::park;

    const ALL: [(Observed, &str); 7] = [
        (Observed::Stopped, "stopped"),
        (Observed::Starting, "starting"),
        (Observed::Ready, "ready"),
        (Observed::Draining, "draining"),
        (Observed::Backoff, "backoff"),
        (Observed::GaveUp, "gave up"),
        (Observed::Degraded, "degraded"),
    ];

    #[test]
    fn each_state_that_is_shown_of_a_child_is_observed_of_it_alone_and_has_its_name() {
        let board = Board::new(2);
        for (state, name) in ALL {
            board.show(1, state);
            assert_eq!((board.observed(0), board.observed(1)), (Observed::Starting, state));
            assert_eq!((state.to_string(), format!("{state:>9}")), (name.to_owned(), format!("{name:>9}")));
        }
    }

    #[test]
    fn a_board_is_settled_once_the_first_start_of_each_child_has_ended_and_stays_so() {
        let board = Board::new(2);
        assert!(!board.are_settled());
        board.show(0, Observed::Ready);
        board.show(1, Observed::Starting);
        assert!(!board.are_settled(), "one of them still starts");
        board.show(1, Observed::Backoff);
        assert!(board.are_settled(), "a start that failed has ended too");
        board.show(0, Observed::Starting);
        assert!(board.are_settled(), "it is not its first start");
    }

    #[test]
    fn restarts_are_counted_and_the_last_failure_is_kept_for_each_child() {
        let board = Board::new(2);
        assert_eq!((board.restarts(1), board.failure(1)), (0, None));
        for why in ["first", "second"] {
            board.failed(1, &Arc::from(why));
            board.restarted(1);
        }
        assert_eq!((board.restarts(1), board.failure(1).as_deref()), (2, Some("second")));
        assert_eq!((board.restarts(0), board.failure(0)), (0, None));
    }

    #[test]
    fn who_waits_for_a_change_is_woken_by_what_is_shown_and_by_the_end() {
        const LONG: Duration = Duration::from_secs(10);
        let (board, clock) = (Board::new(1), Clock::system());
        let is_woken_by = |change: fn(&Board)| {
            let (send, enlisted) = channel();
            let pause = || {
                send.send(()).expect("the other waits for it");
                park(Some(LONG));
                false
            };
            let began = clock.now();
            let board = &board;
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    enlisted.recv().expect("the waiter enlists");
                    change(board);
                });
                board.changed().wait(pause, || false);
            });
            clock.now() - began < LONG
        };
        assert!(!board.has_ended());
        assert!(is_woken_by(|board| board.show(0, Observed::Ready)), "by what is shown");
        assert!(!board.has_ended());
        assert!(is_woken_by(Board::end), "by the end");
        assert!(board.has_ended());
    }
}
