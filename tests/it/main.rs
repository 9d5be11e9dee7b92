//! The behaviours of the library, through its public face: a module per promise.

mod calls;
mod deadlines;
mod dependencies;
mod events;
mod functions;
mod hashes;
mod inside;
mod ledger;
mod locals;
mod mended;
mod registry;
mod settings;
mod slots;
mod stop;
mod supervision;
mod support;
mod threads;
mod types;
