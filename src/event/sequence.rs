//! [`Sequence`]: the numbers of the events, and whether anybody hears them.

use std::sync::atomic::Ordering;

use crate::plant::Plant;
use crate::sync::AtomicU64;

/// How many events were emitted and, in the lowest bit, whether a reader is there. They share one word, so that an event
/// that nobody hears costs one compare-and-swap, and a reader that comes at that moment either has it before its first
/// event or gets it.
///
/// The bit changes under the lock of the bus alone, and while it is set the count does too. Nothing but the word itself
/// is ordered by it.
#[derive(Debug, Default)]
pub(super) struct Sequence(AtomicU64);

const HEARD: u64 = 1;
const ONE: u64 = 2;

impl Sequence {
    /// Counts an event if nobody hears it; false, and nothing done, if somebody does.
    pub(super) fn count_unheard(&self) -> bool {
        let count = |word| (word & HEARD == 0).then_some(word + ONE);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok()
    }

    /// Whether a reader is there.
    pub(super) fn is_heard(&self) -> bool {
        self.0.load(Ordering::Relaxed) & HEARD != 0
    }

    /// Takes the next number, from 1. Under the lock.
    pub(super) fn next(&self) -> u64 {
        let step = if Plant::EventGap.is_planted() { 2 * ONE } else { ONE };
        self.0.fetch_add(step, Ordering::Relaxed) / ONE + 1
    }

    /// Says whether a reader is there. Under the lock.
    pub(super) fn set_heard(&self, heard: bool) {
        if heard {
            self.0.fetch_or(HEARD, Ordering::Relaxed);
        } else {
            self.0.fetch_and(!HEARD, Ordering::Relaxed);
        }
    }

    /// The number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / ONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_number_whether_it_is_heard_or_not() {
        let sequence = Sequence::default();
        assert!(sequence.count_unheard() && sequence.count_unheard());
        assert_eq!(sequence.next(), 3);
        sequence.set_heard(true);
        assert!(!sequence.count_unheard());
        assert_eq!(sequence.last(), 3);
        assert_eq!(sequence.next(), 4);
        sequence.set_heard(true);
        sequence.set_heard(false);
        assert!(sequence.count_unheard());
        assert_eq!(sequence.last(), 5);
    }

    #[test]
    fn it_is_heard_from_the_first_reader_to_the_last() {
        let sequence = Sequence::default();
        sequence.count_unheard();
        assert!(!sequence.is_heard());
        sequence.set_heard(true);
        assert!(sequence.is_heard() && !sequence.count_unheard());
        sequence.set_heard(false);
        assert!(!sequence.is_heard() && sequence.count_unheard());
        assert_eq!(sequence.last(), 2);
    }
}
