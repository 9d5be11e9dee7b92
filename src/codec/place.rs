//! Where in a value the encoder stands, what it may still write, and the first thing that went wrong.

use std::cell::{Cell, OnceCell};
use std::fmt::{self, Display};

use serde::ser::{Error, Serialize};

use super::size;

/// What an encoding must keep to.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Bytes that may be written.
    pub(super) bytes_max: usize,
    /// Arrays and maps that may lie around a value.
    pub(super) depth_max: usize,
}

/// Why an encoding failed.
pub(super) enum Cause {
    /// An option's content encodes as nil and would come back as `None`.
    Nil,
    /// Arrays and maps lie deeper than the limit.
    TooDeep,
    /// The encoding is longer than the limit.
    TooLarge,
    /// A `Serialize` announced a number of elements and wrote another.
    Miscounted {
        /// The number that it announced.
        announced: usize,
        /// The number that it wrote.
        written: usize,
    },
    /// A `Serialize` or the writer failed.
    Failed {
        /// Its message.
        reason: String,
    },
}

/// The first failure of an encoding, and where it was.
pub(super) struct Fault {
    /// The path from the root, as in `list[0].name`.
    pub(super) path: String,
    /// What went wrong.
    pub(super) cause: Cause,
}

/// What all places of one encoding share.
pub(super) struct Audit {
    depth_max: usize,
    bytes_left: Cell<usize>,
    fault: OnceCell<Fault>,
}

impl Audit {
    /// Nothing is written yet and nothing went wrong.
    pub(super) const fn new(limits: Limits) -> Self {
        Self { depth_max: limits.depth_max, bytes_left: Cell::new(limits.bytes_max), fault: OnceCell::new() }
    }

    /// The first failure: it stands even where a `Serialize` swallowed the error and went on.
    pub(super) fn into_fault(self) -> Option<Fault> {
        self.fault.into_inner()
    }
}

/// One step of a path.
#[derive(Clone, Copy)]
pub(super) enum Leg<'a> {
    /// Into an element of an array.
    Index(usize),
    /// Into a field or a variant.
    Name(&'static str),
    /// Into the value of a map's entry; the key is shown only if a path is needed.
    Key(&'a dyn Display),
}

/// A path, from its end to the root.
pub(super) struct Step<'a> {
    /// The path before this step; none at the root.
    pub(super) parent: Option<&'a Step<'a>>,
    /// This step.
    pub(super) leg: Leg<'a>,
}

/// Where the encoder stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    audit: &'a Audit,
    step: Option<&'a Step<'a>>,
    /// Arrays and maps around this place.
    depth: usize,
    in_option: bool,
}

impl<'a> Place<'a> {
    /// The root of a value.
    pub(super) const fn root(audit: &'a Audit) -> Self {
        Self { audit, step: None, depth: 0, in_option: false }
    }

    /// The path to this place.
    pub(super) const fn step(self) -> Option<&'a Step<'a>> {
        self.step
    }

    /// The place of a value inside this one.
    pub(super) const fn at(self, step: &'a Step<'a>) -> Self {
        Self { step: Some(step), in_option: false, ..self }
    }

    /// The same place, as the content of an option.
    pub(super) const fn in_option(self) -> Self {
        Self { in_option: true, ..self }
    }

    /// The inside of as many arrays and maps as `levels` says, opened here.
    pub(super) fn inside<E: Error>(self, levels: usize) -> Result<Self, E> {
        let depth = self.depth + levels;
        if depth > self.audit.depth_max {
            return Err(self.refuse(Cause::TooDeep));
        }
        Ok(Self { depth, ..self })
    }

    /// Counts bytes that are about to be written.
    pub(super) fn spend<E: Error>(self, bytes: usize) -> Result<(), E> {
        let Some(left) = self.audit.bytes_left.get().checked_sub(bytes) else {
            return Err(self.refuse(Cause::TooLarge));
        };
        self.audit.bytes_left.set(left);
        Ok(())
    }

    /// Refuses a nil where it would be taken for the option's own.
    pub(super) fn spend_nil<E: Error>(self) -> Result<(), E> {
        if self.in_option {
            return Err(self.refuse(Cause::Nil));
        }
        self.spend(size::UNIT)
    }

    /// Records the cause and makes the error that stops the user's `Serialize`.
    pub(super) fn refuse<E: Error>(self, cause: Cause) -> E {
        self.record(|| cause);
        E::custom("refused by the encoder")
    }

    /// Records an error that passes this place, unless it came from further inside.
    pub(super) fn pass<E: Error>(self, error: E) -> E {
        self.record(|| Cause::Failed { reason: error.to_string() });
        error
    }

    fn record(self, cause: impl FnOnce() -> Cause) {
        self.audit.fault.get_or_init(|| Fault { path: path(self.step), cause: cause() });
    }
}

fn path(end: Option<&Step<'_>>) -> String {
    let mut legs: Vec<Leg<'_>> =
        std::iter::successors(end, |step| step.parent).map(|step| step.leg).collect();
    legs.reverse();
    let texts = legs.into_iter().enumerate().map(|(index, leg)| {
        let dot = if index == 0 { "" } else { "." };
        match leg {
            Leg::Index(index) => format!("[{index}]"),
            Leg::Name(name) => format!("{dot}{name}"),
            Leg::Key(key) => format!("{dot}{key}"),
        }
    });
    texts.collect()
}

/// Shows a map's key if it is a string, a number or the like, else `?`.
pub(super) struct KeyText<'a, K: ?Sized>(pub(super) &'a K);

impl<K: Serialize + ?Sized> Display for KeyText<'_, K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(&mut *formatter).or_else(|_| formatter.write_str("?"))
    }
}
