//! The behaviours of the library, through its public face: a module per promise.

mod deadlines;
mod functions;
mod hashes;
mod registry;
mod supervision;
mod support;
