//! The state of a worker, and how this loaded copy's states have fared.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use wpc_plugin::PluginError;

use crate::patch::{self, Fault, Mode};

/// The longest that making a state is held, so that a test that forgets to release it ends.
const HOLD_MAX: Duration = Duration::from_secs(60);

static STATES: Mutex<States> = Mutex::new(States::new());

/// Told when held states are released.
static RELEASED: Condvar = Condvar::new();

/// How the states of this copy have fared, and what the next ones do.
#[derive(Clone, Copy)]
pub(crate) struct States {
    /// The states that were begun, made or not.
    pub(crate) inits: u64,
    /// Those that were made.
    pub(crate) made: u64,
    /// Those that were freed.
    pub(crate) frees: u64,
    /// Those that were freed on a thread that did not make them.
    pub(crate) frees_elsewhere: u64,
    /// Those that are being held now.
    pub(crate) held: u64,
    pub(crate) fail_next: u64,
    pub(crate) panic_next: u64,
    pub(crate) hold_next: u64,
    releases: u64,
}

impl States {
    const fn new() -> Self {
        Self {
            inits: 0,
            made: 0,
            frees: 0,
            frees_elsewhere: 0,
            held: 0,
            fail_next: 0,
            panic_next: 0,
            hold_next: 0,
            releases: 0,
        }
    }

    /// Those that were made and not freed.
    pub(crate) fn live(self) -> u64 {
        self.made - self.frees
    }

    /// Begins a state; what goes wrong with it.
    fn begin(&mut self, mode: Mode) -> Option<Fault> {
        self.inits += 1;
        match mode {
            Mode::Init(fault) => Some(fault),
            Mode::SecondInit(fault) if self.inits == 2 => Some(fault),
            Mode::Unknown => Some(Fault::Fail),
            _ if take(&mut self.hold_next) => Some(Fault::Hang),
            _ if take(&mut self.fail_next) => Some(Fault::Fail),
            _ if take(&mut self.panic_next) => Some(Fault::Panic),
            _ => None,
        }
    }
}

/// Takes one of them, if there is one.
fn take(left: &mut u64) -> bool {
    let some = *left > 0;
    *left -= u64::from(some);
    some
}

/// The states of this copy.
pub(crate) fn states() -> MutexGuard<'static, States> {
    STATES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Goes on with all states that are being held now.
pub(crate) fn release() {
    states().releases += 1;
    RELEASED.notify_all();
}

fn hold() {
    let mut held = states();
    held.held += 1;
    let releases = held.releases;
    let waited = RELEASED.wait_timeout_while(held, HOLD_MAX, |states| states.releases == releases);
    let (mut held, _) = waited.unwrap_or_else(PoisonError::into_inner);
    held.held -= 1;
}

/// The state of a worker.
#[derive(Debug)]
pub(crate) struct Instance {
    made_on: ThreadId,
    /// What `bump` has counted.
    count: u64,
}

impl Instance {
    /// Makes a state, or does what the mode or an earlier call asked for.
    pub(crate) fn open() -> Result<Self, PluginError> {
        let fault = states().begin(patch::mode());
        match fault {
            Some(Fault::Fail) => {
                return Err(PluginError::new("NoInstance", "asked to fail").with_code("E_INIT"));
            }
            Some(Fault::Panic) => panic!("asked to panic while a state is made"),
            Some(Fault::Hang) => hold(),
            None => {}
        }
        states().made += 1;
        Ok(Self { made_on: thread::current().id(), count: 0 })
    }

    pub(crate) fn bump(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(crate) fn made_on(&self) -> ThreadId {
        self.made_on
    }

    pub(crate) fn is_on_its_thread(&self) -> bool {
        self.made_on == thread::current().id()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let mut states = states();
        states.frees += 1;
        states.frees_elsewhere += u64::from(!self.is_on_its_thread());
        drop(states);
        assert!(patch::mode() != Mode::PanicFree, "asked to panic while a state is freed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_concerns_every_state_or_the_second() {
        let fates = |mode| {
            let mut states = States::new();
            [(); 3].map(|()| states.begin(mode))
        };
        let fail = Some(Fault::Fail);
        assert_eq!(fates(Mode::None), [None; 3]);
        assert_eq!(fates(Mode::PanicFree), [None; 3]);
        assert_eq!(fates(Mode::Init(Fault::Fail)), [fail; 3]);
        assert_eq!(fates(Mode::SecondInit(Fault::Fail)), [None, fail, None]);
        assert_eq!(fates(Mode::Unknown), [fail; 3]);
    }

    #[test]
    fn what_was_asked_for_comes_once_each() {
        let mut states = States { hold_next: 1, fail_next: 2, panic_next: 1, ..States::new() };
        let fates = [(); 5].map(|()| states.begin(Mode::None));
        let [hang, fail, panic] = [Fault::Hang, Fault::Fail, Fault::Panic].map(Some);
        assert_eq!(fates, [hang, fail, fail, panic, None]);
    }
}
