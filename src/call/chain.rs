//! [`Chain`]: the running functions that a call was made from, pool by pool, the innermost last.

use std::fmt;
use std::sync::Arc;

use crate::fence;
use crate::id::PoolId;
use crate::sync::Weak;

use super::cell::Call;
use super::error::NESTING_MAX;

/// Empty for a call from outside of every pool. It keeps the last [`NESTING_MAX`] links, and no call alive.
#[derive(Clone, Default)]
pub(crate) struct Chain(Option<Arc<Nesting>>);

struct Nesting {
    links: Vec<Link>,
    /// How many calls are waited for inside each other, down to this one.
    depth: usize,
}

/// A call that one pool runs, and inside of which another is made.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) pool: PoolId,
    pub(crate) call: Weak<Call>,
}

impl Chain {
    /// The chain of a call that is made where `link` says, inside a function whose own chain this is, and that it waits for;
    /// none if more than [`NESTING_MAX`] calls would wait inside each other.
    pub(crate) fn waited_for(&self, link: Link) -> Option<Self> {
        let depth = self.0.as_ref().map_or(0, |nesting| nesting.depth);
        (depth < NESTING_MAX).then(|| self.with(link, depth + 1))
    }

    /// The same for one that it may go on beside: a function may submit its successor for ever.
    pub(crate) fn beside(&self, link: Link) -> Self {
        self.with(link, 0)
    }

    fn with(&self, link: Link, depth: usize) -> Self {
        let before = self.links();
        let kept = before.iter().skip((before.len() + 1).saturating_sub(NESTING_MAX)).cloned();
        Self(Some(Arc::new(Nesting { links: kept.chain([link]).collect(), depth })))
    }

    /// Whether the call was made inside one that `pool` still runs.
    pub(crate) fn holds(&self, pool: PoolId) -> bool {
        self.links().iter().any(|link| {
            let call = if link.pool == pool { link.call.upgrade() } else { None };
            let is_running = call.as_ref().is_some_and(|call| !call.is_dead());
            fence::drop_value(call); // perhaps the last holder by now
            is_running
        })
    }

    /// Whether a running function made the call.
    pub(crate) fn is_nested(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn pools(&self) -> Vec<PoolId> {
        self.links().iter().map(|link| link.pool).collect()
    }

    fn links(&self) -> &[Link] {
        self.0.as_ref().map_or(&[], |nesting| &nesting.links)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pools()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::fixture;
    use crate::call::outcome::End;
    use crate::clock::{Clock, Moment};
    use crate::sync::hold_twice;

    fn link() -> Link {
        Link { pool: PoolId::next(), call: Weak::new() }
    }

    #[test]
    fn a_chain_of_waits_grows_to_its_limit_and_no_further() {
        let mut chain = Chain::default();
        assert!(!chain.is_nested());
        let links: Vec<Link> = (0..NESTING_MAX).map(|_| link()).collect();
        for link in &links {
            chain = chain.waited_for(link.clone()).expect("below the limit");
        }
        assert!(chain.is_nested() && !chain.holds(links[0].pool), "what has ended runs no more");
        assert_eq!(chain.pools(), links.iter().map(|link| link.pool).collect::<Vec<_>>());
        assert!(chain.waited_for(link()).is_none());
    }

    #[test]
    fn a_chain_of_successors_has_no_end_and_keeps_the_last_links() {
        let mut chain = Chain::default();
        let links: Vec<Link> = (0..3 * NESTING_MAX).map(|_| link()).collect();
        for link in &links {
            chain = chain.beside(link.clone());
        }
        let last: Vec<_> = links[2 * NESTING_MAX..].iter().map(|link| link.pool).collect();
        assert_eq!(chain.pools(), last);
        assert!(chain.waited_for(link()).is_some(), "nobody waits for it yet");
    }

    #[test]
    fn a_chain_holds_for_the_pool_that_still_runs_one_of_its_calls_and_for_no_other() {
        let shift = fixture::shift(&Clock::system());
        let [call, other] = hold_twice(fixture::call(&shift, 0, Moment::NEVER, false));
        call.place(shift.loads[0].raise());
        let (own, foreign) = (PoolId::next(), PoolId::next());
        let chain = Chain::default().beside(Link { pool: own, call: call.downgrade() });
        assert!(chain.holds(own) && !chain.holds(foreign));
        drop(call.end(End::Cancelled));
        assert!(!chain.holds(own), "it has ended");
        drop((call, other));
        assert!(!chain.holds(own), "it is gone");
    }
}
