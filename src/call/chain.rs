//! [`Chain`]: the running functions that a call was made from, pool by pool, the innermost last.

use std::sync::Arc;

use crate::id::{CallId, PoolId};

use super::error::NESTING_MAX;

/// Empty for a call from outside of every pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain(Option<Arc<[(PoolId, CallId)]>>);

impl Chain {
    /// The chain of a call that is made inside `call`, which `pool` runs and whose own chain this is; none if it crosses
    /// more than [`NESTING_MAX`] pools.
    pub(crate) fn through(&self, pool: PoolId, call: CallId) -> Option<Self> {
        let before = self.links();
        if before.len() >= NESTING_MAX {
            return None;
        }
        Some(Self(Some(before.iter().copied().chain([(pool, call)]).collect())))
    }

    pub(crate) fn holds(&self, pool: PoolId) -> bool {
        self.links().iter().any(|link| link.0 == pool)
    }

    /// Whether the call was made, by however many others, inside that one.
    pub(crate) fn holds_call(&self, call: CallId) -> bool {
        self.links().iter().any(|link| link.1 == call)
    }

    /// Whether a running function made the call.
    pub(crate) fn is_nested(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn pools(&self) -> Vec<PoolId> {
        self.links().iter().map(|link| link.0).collect()
    }

    fn links(&self) -> &[(PoolId, CallId)] {
        self.0.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_grows_to_its_limit_and_no_further() {
        let (pool, call) = (PoolId::next(), CallId::next());
        let mut chain = Chain::default();
        assert!(!chain.holds(pool) && !chain.is_nested());
        for _ in 0..NESTING_MAX {
            chain = chain.through(pool, call).expect("below the limit");
        }
        assert!(chain.holds(pool) && !chain.holds(PoolId::next()));
        assert!(chain.holds_call(call) && !chain.holds_call(CallId::next()));
        assert_eq!(chain.pools(), [pool; NESTING_MAX]);
        assert!(chain.through(pool, call).is_none());
    }
}
