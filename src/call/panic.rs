//! [`Panic`]: what is told of a panic that ended a call; and the hook that learns where it was.

use std::fmt;
use std::panic::{Location, PanicHookInfo};
use std::sync::{Arc, Once};

use super::current;

/// The panic that ended a call.
#[derive(Debug)]
pub(crate) struct Panic {
    pub(crate) message: String,
    pub(crate) location: Option<PanicLocation>,
}

/// Where in the source a function panicked. It is shown as `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PanicLocation {
    /// The file, as the compiler was given it.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
}

impl PanicLocation {
    fn new(location: &Location<'_>) -> Self {
        Self { file: location.file().into(), line: location.line(), column: location.column() }
    }
}

impl fmt::Display for PanicLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Has the process's panic hook tell the worker under a panicking thread where the panic is, and then do what it did
/// before. It is done once for the process; not on a thread that panics, where the hook cannot be changed.
pub(crate) fn watch_locations() {
    static WATCHED: Once = Once::new();
    if std::thread::panicking() {
        return;
    }
    WATCHED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
            if let (Some(inside), Some(location)) = (current::inside(), panic.location()) {
                inside.note_panic(&|| PanicLocation::new(location));
            }
            before(panic);
        }));
    });
}
