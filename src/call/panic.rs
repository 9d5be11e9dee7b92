//! [`Panic`]: what is told of a panic that ended a call; and the hook that learns where it was.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{Location, PanicHookInfo};
use std::sync::{Arc, Once};

use crate::fence;

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

/// How many panics of one call are remembered: those that a function catches itself, and those of what drops meanwhile.
const PANICS_MAX: usize = 8;

/// The last panics of a thread, by their messages: which of them ended a call is known when it is caught.
#[derive(Debug, Default)]
pub(crate) struct Panics(RefCell<VecDeque<(String, PanicLocation)>>);

impl Panics {
    /// Remembers a panic that begins.
    pub(crate) fn note(&self, panic: &PanicHookInfo<'_>) {
        let Some(location) = panic.location() else { return };
        let noted = (fence::message(panic.payload()), PanicLocation::new(location));
        let mut panics = self.0.borrow_mut();
        if panics.len() >= PANICS_MAX {
            panics.pop_front();
        }
        panics.push_back(noted);
    }

    /// Where the last panic with this message was.
    pub(crate) fn place_of(&self, message: &str) -> Option<PanicLocation> {
        self.0.borrow().iter().rev().find(|noted| noted.0 == message).map(|noted| noted.1.clone())
    }

    pub(crate) fn forget(&self) {
        self.0.borrow_mut().clear();
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
            if let Some(inside) = current::inside() {
                inside.note_panic(panic);
            }
            before(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_panic_with_a_message_says_where_until_all_are_forgotten() {
        let panics = Panics::default();
        let (first, second) = (
            PanicLocation::new(std::panic::Location::caller()),
            PanicLocation::new(std::panic::Location::caller()),
        );
        for (message, place) in [("one", &first), ("two", &first), ("one", &second)] {
            panics.0.borrow_mut().push_back((message.to_owned(), place.clone()));
        }
        assert_eq!((panics.place_of("one"), panics.place_of("two")), (Some(second), Some(first)));
        assert_eq!(panics.place_of("three"), None);
        panics.forget();
        assert_eq!(panics.place_of("one"), None);
    }
}
