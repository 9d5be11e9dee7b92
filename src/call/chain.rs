//! [`Chain`]: the pools whose running functions a call was made from, the innermost last.

use std::sync::Arc;

use crate::id::PoolId;

use super::error::NESTING_MAX;

/// Empty for a call from outside of every pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain(Option<Arc<[PoolId]>>);

impl Chain {
    /// The chain of a call that a function of `pool` makes, whose own call has this chain; none if it crosses more
    /// than [`NESTING_MAX`] pools.
    pub(crate) fn through(&self, pool: PoolId) -> Option<Self> {
        let before = self.pools();
        if before.len() >= NESTING_MAX {
            return None;
        }
        Some(Self(Some(before.iter().copied().chain([pool]).collect())))
    }

    pub(crate) fn holds(&self, pool: PoolId) -> bool {
        self.pools().contains(&pool)
    }

    /// Whether a running function made the call.
    pub(crate) fn is_nested(&self) -> bool {
        self.0.is_some()
    }

    fn pools(&self) -> &[PoolId] {
        self.0.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_grows_to_its_limit_and_no_further() {
        let pool = PoolId::next();
        let mut chain = Chain::default();
        assert!(!chain.holds(pool));
        for _ in 0..NESTING_MAX {
            chain = chain.through(pool).expect("below the limit");
        }
        assert!(chain.holds(pool) && !chain.holds(PoolId::next()));
        assert!(chain.through(pool).is_none());
    }
}
