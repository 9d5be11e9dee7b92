//! Dynamic libraries: plugins and plain C libraries, from a path or a name to the face that functions reach them by.
//!
//! A [`Candidate`] is read and checked on the thread that defines it, and loaded on the process's one loader thread. What
//! is loaded is never unloaded, because threads, thread-locals and destructors of a library may outlive any count of its
//! users. The code of a library runs in this process and is trusted.

mod candidate;
mod copy;
mod descriptor;
mod dylib;
mod elf;
mod error;
mod file;
mod image;
#[cfg(test)]
mod kept;
mod loader;
#[expect(
    clippy::module_inception,
    reason = "the folder is for libraries of every kind, the file for this one"
)]
mod plugin;
mod sink;
mod symbol;
mod system;

pub use descriptor::{DescriptorFlaw, FUNCTIONS_MAX, TEXT_BYTES_MAX};
pub use dylib::Dylib;
pub use error::LoadError;
pub use file::LIBRARY_BYTES_MAX;
pub use plugin::ANSWER_BYTES_MAX;
pub use symbol::{CFunction, Symbol};

pub(crate) use candidate::Candidate;
#[cfg(fuzzing)]
pub(crate) use elf::check as check_library;
