//! What more than one goal needs beside the contenders: clocks, pauses, work of a known length, a counted heap.

pub(super) mod arrivals;
pub(super) mod clock;
pub(super) mod heap;
pub(super) mod parts;
pub(super) mod spin;
