//! [`Hand`]: what the thread of a worker is at, in one word: `{run, execution, phase}`. The worker moves it by compare-and-swap before
//! and after each call, and so does whoever abandons exactly the execution that it saw.

use crate::id::Run;

const PHASE_BITS: u32 = 2;
const EXECUTION_BITS: u32 = 64 - Run::BITS - PHASE_BITS;
const EXECUTION_MASK: u64 = (1 << EXECUTION_BITS) - 1;

/// What the worker's thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing of a user's.
    Between,
    /// A call.
    Running,
    /// Dropping a user's values outside of a call.
    Cleaning,
    /// There is no thread: it has not come yet, has left, or was abandoned.
    Gone,
}

/// The hand's word, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hand {
    pub(crate) run: Run,
    /// The execution's number, by which a call knows it too. It begins anew after 2^32: by then nobody remembers.
    pub(crate) execution: u32,
    pub(crate) phase: Phase,
}

impl Hand {
    /// This hand, taking up its next execution.
    pub(crate) fn running_next(self) -> Self {
        // None is 0, which stands for no execution.
        Self { execution: self.execution.checked_add(1).unwrap_or(1), phase: Phase::Running, ..self }
    }

    pub(crate) fn pack(self) -> u64 {
        let (run, execution) = (u64::from(self.run.0), u64::from(self.execution));
        (run << (EXECUTION_BITS + PHASE_BITS)) | (execution << PHASE_BITS) | self.phase as u64
    }

    pub(super) fn unpack(word: u64) -> Self {
        let phase = match word & ((1 << PHASE_BITS) - 1) {
            0 => Phase::Between,
            1 => Phase::Running,
            2 => Phase::Cleaning,
            _ => Phase::Gone,
        };
        let run = u32::try_from(word >> (EXECUTION_BITS + PHASE_BITS)).expect("a run has 30 bits");
        let execution =
            u32::try_from((word >> PHASE_BITS) & EXECUTION_MASK).expect("an execution has 32 bits");
        Self { run: Run(run), execution, phase }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_survives_packing() {
        for run in [0, 1, (1 << Run::BITS) - 1] {
            for execution in [0, 1, u32::MAX] {
                for phase in [Phase::Between, Phase::Running, Phase::Cleaning, Phase::Gone] {
                    let hand = Hand { run: Run(run), execution, phase };
                    assert_eq!(Hand::unpack(hand.pack()), hand);
                }
            }
        }
    }
}
