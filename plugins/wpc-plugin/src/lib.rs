//! The kit that a plugin of [`wpc`](https://crates.io/crates/wpc) links: a plugin is a dynamic library whose functions
//! run on the host's workers, and this makes one out of plain Rust functions.
//!
//! # A plugin
//!
//! `Cargo.toml`:
//!
//! ```toml
//! [package]
//! name = "words"
//! version = "0.1.0"
//! edition = "2024"
//!
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! wpc-plugin = "0.1"
//! ```
//!
//! `src/lib.rs`:
//!
//! ```standalone_crate
//! use std::num::ParseIntError;
//!
//! wpc_plugin::export_plugin! {
//!     state: Seen = Seen::default,
//!     functions: {
//!         fn longest(text: String) -> Option<String>;
//!         fn sum(numbers: Vec<String>) -> Result<u64, ParseIntError>;
//!         fn seen(state: &mut Seen, word: String) -> u64;
//!     }
//! }
//!
//! /// What one worker has counted so far.
//! #[derive(Default)]
//! struct Seen(std::collections::HashMap<String, u64>);
//!
//! fn longest(text: String) -> Option<String> {
//!     text.split_whitespace().max_by_key(|word| word.len()).map(str::to_owned)
//! }
//!
//! fn sum(numbers: Vec<String>) -> Result<u64, ParseIntError> {
//!     numbers.iter().map(|number| number.parse::<u64>()).sum()
//! }
//!
//! fn seen(state: &mut Seen, word: String) -> u64 {
//!     let count = state.0.entry(word).or_default();
//!     *count += 1;
//!     *count
//! }
//! ```
//!
//! `cargo build --release` makes `target/release/libwords.so`. A host loads it under a name of its own choice, and calls
//! what it exports from within its functions:
//!
//! ```ignore
//! let wpc = Wpc::builder().build()?;
//! wpc.define_dependency("words", Dylib::at("target/release/libwords.so"))?;
//! wpc.define_function("label", function!(|ctx: &Context, text: String| -> Result<String, FunctionError> {
//!     let longest: Option<String> = ctx.import("words")?.call("longest", text)?;
//!     Ok(longest.unwrap_or_default())
//! }))?;
//! wpc.start_workers(4)?;
//! let label: String = wpc.call("label", "one and another".to_owned())?;
//! ```
//!
//! # What holds
//!
//! - A panic ends inside the plugin, and its caller is told the message. Only a panic while another one unwinds ends
//!   the process, as everywhere in Rust. A plugin that is built with `panic = "abort"` says so, and a host refuses it.
//! - Each worker has a state of its own, made and freed on that worker's thread: it need be neither `Send` nor `Sync`.
//!   After a panic the host frees it and makes a new one.
//! - A `Result` is a call's outcome, never a value. Its error is any error, a text or a [`PluginError`].
//! - Values cross as `MessagePack`, structs as maps by field name. Two things do not come back as they went: an option
//!   around what encodes as nil (`Some(())`, `Some(None)`) comes back as `None`, and arguments are read by serde's own
//!   conversions, so that unknown fields are dropped and an integer becomes the nearest float.
//!
//! # Features
//!
//! `serde`, on by default, brings all but the module [`abi`], which is the agreement between a plugin and its host and
//! needs no dependency.

#[expect(unsafe_code, reason = "the descriptor holds pointers that never change, and must be shared")]
pub mod abi;

#[cfg(feature = "serde")]
mod codec;
#[cfg(feature = "serde")]
mod error;
#[cfg(feature = "serde")]
mod export;
#[cfg(feature = "serde")]
mod fence;
#[cfg(feature = "serde")]
mod function;
#[cfg(feature = "serde")]
mod outcome;
#[cfg(feature = "serde")]
#[expect(unsafe_code, reason = "it is the C side of the typed functions")]
mod raw;
#[cfg(feature = "serde")]
mod type_name;

#[cfg(feature = "serde")]
pub use error::PluginError;
#[cfg(feature = "serde")]
pub use function::{Arguments, Parameter};

/// What the macro [`export_plugin!`] expands to.
#[cfg(feature = "serde")]
#[doc(hidden)]
pub mod __private {
    pub use crate::function::{Function, Open};
    pub use crate::outcome::{AnyResult, BoxedResult, Value};
    pub use crate::raw::{Parts, call, call_with_state, entry, free, init};
    pub use serde::Serialize;
}
