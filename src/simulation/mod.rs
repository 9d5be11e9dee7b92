//! The simulation: a pool in virtual time, on one thread, from a seed.
//!
//! What is played is the library's own code: the scheduler and the way of a call into a queue, the cells of calls, loads
//! and tickets, the slots, what a worker's thread does between two of its operations, the rounds of the timekeeper, the
//! supervisor's state machines and its driver, the registry, the bus. What is not there are threads: [`World`](world::World) draws
//! whose operation is next, so that any interleaving of whole operations can come about, and moves the clock. Whatever
//! happens follows from the seed, to the byte of its [`Trace`](trace::Trace).
//!
//! After each step the world is held against the simulation's own books ([`check`]), and now and then it is left to come
//! to rest ([`settle`]): then nothing may be overdue.
//!
//! ```sh
//! cargo test --release --lib simulation -- --nocapture
//! ```
//!
//! plays 10,000 seeds of about a thousand steps each (300 in a build with debug assertions); `WPC_SEEDS` says how many
//! instead, and `WPC_SEED` plays that one alone and prints its trace. With `RUSTFLAGS='--cfg wpc_plant'` each planted bug is
//! looked for too: `.ci/simulation` runs both.

mod callers;
mod check;
mod definitions;
mod library;
mod plan;
mod random;
mod readers;
mod run;
mod settle;
mod shift;
mod supervisor;
mod tests;
mod trace;
mod violation;
mod workers;
mod world;
