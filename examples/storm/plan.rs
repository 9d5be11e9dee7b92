//! [`Plan`]: which call meets which fault. Drawn from the seed, and the same for everybody who asks.

use crate::random::Random;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The function panics.
    Panic,
    /// It panics with a payload whose own drop panics.
    PayloadBomb,
    /// The drop of an argument, or of a result that comes too late, panics.
    DropBomb,
    /// The function goes on after its deadline, and returns within the grace.
    Overrun,
    /// It goes on until it is let go, and its thread is abandoned.
    Stuck,
    /// The call is cancelled while it waits.
    CancelQueued,
    /// It is cancelled while it runs.
    CancelRunning,
    /// A worker's thread ends, between two calls or inside of one.
    LostWorker,
    /// The function is redefined.
    Redefinition,
    /// The workers are stopped and started again.
    StopStart,
    /// The function returns just when its deadline passes.
    LateReply,
}

impl Class {
    pub(crate) const ALL: [Self; 11] = [
        Self::Panic,
        Self::PayloadBomb,
        Self::DropBomb,
        Self::Overrun,
        Self::Stuck,
        Self::CancelQueued,
        Self::CancelRunning,
        Self::LostWorker,
        Self::Redefinition,
        Self::StopStart,
        Self::LateReply,
    ];

    /// How many of each [`BLOCK`] faults are of this class. Those that cost the most time are the rarest.
    pub(crate) fn share(self) -> u64 {
        match self {
            Self::StopStart => 6,
            Self::Stuck | Self::LostWorker => 8,
            Self::Panic | Self::PayloadBomb | Self::CancelRunning | Self::Redefinition => 9,
            Self::DropBomb | Self::CancelQueued => 10,
            // Some of these come too early, or wait for too long.
            Self::Overrun | Self::LateReply => 11,
        }
    }

    /// Whether it comes about only where its call is begun within a short deadline.
    pub(crate) fn races_its_deadline(self) -> bool {
        matches!(self, Self::Overrun | Self::Stuck | Self::LateReply)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Panic => "panics",
            Self::PayloadBomb => "payload bombs",
            Self::DropBomb => "drop bombs",
            Self::Overrun => "overruns",
            Self::Stuck => "stuck functions",
            Self::CancelQueued => "cancels, queued",
            Self::CancelRunning => "cancels, running",
            Self::LostWorker => "lost workers",
            Self::Redefinition => "redefinitions",
            Self::StopStart => "stops and starts",
            Self::LateReply => "late replies",
        }
    }
}

/// So many faults in a row have each class as often as its share says.
pub(crate) const BLOCK: u64 = 100;

/// The faults of a storm. They are spread evenly over the calls, each at a place of its own in its stretch of them.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) calls: u64,
    pub(crate) faults: u64,
    pub(crate) seed: u64,
}

impl Plan {
    /// What the call of this nonce meets.
    pub(crate) fn fault_at(&self, nonce: u64) -> Option<Class> {
        let begin = |fault: u64| fault * self.calls / self.faults;
        let mut fault = nonce * self.faults / self.calls;
        if begin(fault + 1) <= nonce {
            fault += 1;
        }
        let stretch = begin(fault + 1) - begin(fault);
        let place = begin(fault) + self.chances(fault).below(stretch);
        (place == nonce).then(|| self.class_of(fault))
    }

    /// How many faults of this class there are to be.
    pub(crate) fn of_class(&self, class: Class) -> u64 {
        self.faults / BLOCK * class.share()
    }

    /// The numbers by which the call of this nonce is varied.
    pub(crate) fn chances(&self, nonce: u64) -> Random {
        Random::of(self.seed, nonce)
    }

    /// The classes of a block, shuffled: this fault's is at its place in it.
    fn class_of(&self, fault: u64) -> Class {
        let mut block: Vec<Class> = Vec::new();
        for class in Class::ALL {
            block.extend((0..class.share()).map(|_| class));
        }
        let mut random = Random::of(!self.seed, fault / BLOCK);
        for at in (1..block.len()).rev() {
            let other = random.below(at as u64 + 1);
            block.swap(at, usize::try_from(other).expect("a block is short"));
        }
        block[usize::try_from(fault % BLOCK).expect("a block is short")]
    }
}
