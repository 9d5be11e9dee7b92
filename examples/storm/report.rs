//! [`Report`]: what a storm has come to, as it is printed and as the exit code has it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wpc::Stats;

use crate::ledger::{Ending, Flaw, Ledger};
use crate::plan::{Class, Plan};
use crate::process::Usage;

/// The least share of the faults that each class is to have, in percent.
const SHARE_MIN: u64 = 5;

/// The least part of what was planned that each class is to have, in percent, where so many were planned: of fewer, chance
/// may leave out too many. Those that race a deadline of a few milliseconds lose more on a busy machine.
const STRUCK_MIN: u64 = 70;
const RACES_STRUCK_MIN: u64 = 50;
const PLANNED_MIN: u64 = 50;

/// How much more resident memory the process may have after the storm than before. What the allocator keeps is in it.
const RSS_MAX_MIB: i64 = 64;

/// What a storm has come to.
pub(crate) struct Report {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) plan: Plan,
    pub(crate) stats: Stats,
    /// What the process had before, and has after.
    pub(crate) usage: (Usage, Usage),
    pub(crate) took: Duration,
    pub(crate) slowest_stop: Duration,
}

impl Report {
    /// Whether every figure is 0 that must be, and the storm was one.
    pub(crate) fn is_clean(&self) -> bool {
        let (before, after) = self.usage;
        !self.has_flaws()
            && (after.threads, after.fds) == (before.threads, before.fds)
            && self.rss_mib() <= RSS_MAX_MIB
            && Class::ALL.into_iter().all(|class| self.has_its_share(class) && self.has_struck(class))
    }

    /// Whether a call did not come to what it had to.
    pub(crate) fn has_flaws(&self) -> bool {
        Flaw::ALL.into_iter().any(|flaw| self.ledger.flaw(flaw) > 0)
            || self.ledger.accepted() != self.plan.calls
            || self.ledger.booked() != self.plan.calls
    }

    fn struck(&self) -> u64 {
        Class::ALL.into_iter().map(|class| self.ledger.struck(class)).sum()
    }

    fn has_its_share(&self, class: Class) -> bool {
        self.ledger.struck(class) * 100 >= self.struck() * SHARE_MIN
    }

    /// Whether as many have struck as can be asked for.
    fn has_struck(&self, class: Class) -> bool {
        let planned = self.plan.of_class(class);
        let least = if class.races_its_deadline() { RACES_STRUCK_MIN } else { STRUCK_MIN };
        planned < PLANNED_MIN || self.ledger.struck(class) * 100 >= planned * least
    }

    fn rss_mib(&self) -> i64 {
        let (before, after) = self.usage;
        (after.rss_kib - before.rss_kib) / 1024
    }

    fn write_classes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:>9} {:>9} {:>7} {:>6}", "fault", "planned", "struck", "of plan", "%")?;
        let all = self.struck();
        for class in Class::ALL {
            let struck = self.ledger.struck(class);
            let is_enough = self.has_its_share(class) && self.has_struck(class);
            let mark = if is_enough { "" } else { "  too few" };
            let (planned, permille) = (self.plan.of_class(class), struck * 1_000 / all.max(1));
            let percent = format!("{}.{}", permille / 10, permille % 10);
            let of_plan = struck * 100 / planned;
            let label = class.label();
            writeln!(f, "{label:<18} {planned:>9} {struck:>9} {of_plan:>5} % {percent:>6}{mark}")?;
        }
        writeln!(f, "{:<18} {:>9} {all:>9}", "all", self.plan.faults)?;
        writeln!(
            f,
            "asked of each class: {SHARE_MIN} % of all that struck, and of its plan, where that is {PLANNED_MIN} or more, \
             {STRUCK_MIN} %, or {RACES_STRUCK_MIN} % where it races a deadline; of resident memory: at most {RSS_MAX_MIB} MiB more"
        )
    }
}

impl fmt::Display for Report {
    /// Ends with the one line that says it all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = |ending| self.ledger.ending(ending);
        let flaw = |flaw| self.ledger.flaw(flaw);
        let accepted = self.ledger.accepted();
        self.write_classes(f)?;
        let rate = u128::from(accepted) * 1_000 / self.took.as_millis().max(1);
        writeln!(
            f,
            "{:.1} s, {rate} calls/s, slowest stop {:.1?}",
            self.took.as_secs_f64(),
            self.slowest_stop
        )?;
        writeln!(
            f,
            "stale {} untrue {} unexpected {} leaked {} of {} fuses",
            flaw(Flaw::Stale),
            flaw(Flaw::Untrue),
            flaw(Flaw::Unexpected),
            flaw(Flaw::Leaked),
            self.ledger.fuses().armed()
        )?;
        write!(
            f,
            "calls {accepted} = ok {} failed {} panicked {} timed_out {} cancelled {} lost {}; rejected {} | ",
            ending(Ending::Ok),
            ending(Ending::Failed),
            ending(Ending::Panicked),
            ending(Ending::TimedOut),
            ending(Ending::Cancelled),
            ending(Ending::Lost),
            self.ledger.rejected()
        )?;
        write!(
            f,
            "missing {} double {} misdelivered {} drift {} | ",
            flaw(Flaw::Missing),
            flaw(Flaw::Double),
            flaw(Flaw::Misdelivered),
            flaw(Flaw::Drift)
        )?;
        let (before, after) = self.usage;
        write!(
            f,
            "threads {:+} fds {:+} rss_mib {:+} | abandoned {} late {}",
            after.threads - before.threads,
            after.fds - before.fds,
            self.rss_mib(),
            self.stats.abandoned_threads_ever,
            self.stats.calls.late
        )
    }
}
