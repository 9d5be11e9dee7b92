//! Supervision: keeps children (worker threads today) started, and knows when they end.
//!
//! `Child` decides, without a clock, chance or I/O; [`Driver`] is the one thread that feeds it and carries out what it
//! says, through [`Start`] and [`Running`]. A child tells of itself through its [`ExitNotice`], which speaks on drop.

mod board;
mod child;
mod chronicle;
mod driver;
mod notice;
#[cfg(test)]
pub(crate) mod played;
mod policy;

pub(crate) use board::{Board, Observed};
pub use policy::{PolicyError, RestartPolicy};

pub(crate) use child::RunEnd;
pub(crate) use driver::{Driver, Setup};
pub(crate) use notice::{Departure, ExitNotice, Mailbox};

use crate::id::Run;

/// A child's place among those of one driver, counted from 0.
pub(crate) type ChildId = u32;

/// Starts children of one kind.
pub(crate) trait Start: Send + Sync + 'static {
    /// Begins the run of a child. It returns soon; the child says by `notice` when it is ready and when it ended.
    fn start(&self, child: ChildId, run: Run, notice: ExitNotice) -> Result<Box<dyn Running>, String>;

    /// The child is not started again before there is room for another run beside those that were left behind.
    fn held(&self, child: ChildId);

    /// Whether there is. Whoever makes room has the driver look ([`Mailbox::look`]).
    fn has_room(&self) -> bool;

    /// The child is not started again.
    fn gave_up(&self, child: ChildId);
}

/// A child that has been started.
pub(crate) trait Running: Send {
    /// Asks the child to end when it can.
    fn request_stop(&self);

    /// Ends the child, or what is left of it for the driver: an exit notice follows.
    fn kill(&self);

    /// The newest number that the run goes by.
    fn newest(&self) -> Run;

    /// Whether it goes on with something whose time is over. Whoever changes that has the driver look
    /// ([`Mailbox::look`]).
    fn is_overrun(&self) -> bool;
}
