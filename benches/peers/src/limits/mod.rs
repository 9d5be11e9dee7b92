//! What the machine itself allows: calls without a pool, a queue or a name.

pub(crate) mod none;
pub(crate) mod park;
pub(crate) mod spin;
