//! A plugin that does what plugins should not, for tests of its host: it panics, fails, answers nonsense, and makes
//! states late or not at all.
//!
//! A test can patch a copy of the built file, since a plugin that fails from its first state on cannot be asked to: see
//! the module `patch`. Each loaded copy counts for itself.

#[expect(unsafe_code, reason = "what cannot be said with the kit is written by hand")]
mod export;
mod instance;
#[expect(unsafe_code, reason = "a patched static is read so that the compiler does not know its content")]
mod patch;
mod typed;
