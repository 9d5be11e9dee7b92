//! The behaviours of the library, through its public face: a module per promise.

mod supervision;
mod support;
