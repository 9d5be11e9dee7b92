//! Calls without a pool, for the tests of what they are made of.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::event::Bus;
use crate::function::{Function, Wanted};
use crate::id::{Name, PoolId, Run, Version};
use crate::value::Value;

use super::cell::{Call, Making};
use super::chain::Chain;
use super::definition::Definition;
use super::pace::Pace;
use super::shift::Shift;

/// A shift of two workers.
pub(super) fn shift(clock: &Clock) -> Arc<Shift> {
    let second = Duration::from_secs(1);
    let bus = Bus::new(clock.clone(), 16);
    Arc::new(Shift::new(PoolId::next(), (clock.clone(), bus), (second, second), &[Run(1), Run(1)]))
}

/// A call that has no place yet, of a function that does nothing.
pub(super) fn call(shift: &Arc<Shift>, priority: i32, deadline: Moment, watched: bool) -> Call {
    let function = Function::new(|| ());
    let (hash, hash_of) = function.hash();
    let definition = Definition {
        name: Name::new("nothing").expect("it is a good name"),
        version: Version::default(),
        signature: function.signature(),
        function,
        pace: Pace::default(),
        hash,
        hash_of,
        constants: Arc::default(),
        dependencies: Arc::default(),
        missing: None,
    };
    let making = Making {
        definition: Arc::new(definition),
        argument: Value::new(()),
        wanted: Wanted::of::<()>(),
        deadline,
        priority,
        chain: Chain::default(),
        watched,
    };
    Call::new(shift, making)
}
