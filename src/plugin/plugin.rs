//! [`Plugin`]: a loaded plugin, and what one worker has of it.
//!
//! A panic is caught inside the plugin and comes back as a status. One that leaves the plugin's function all the same
//! ends the process, because it is a panic of another copy of std, which nothing here could catch.
//!
//! # Rules
//!
//! 1. The functions of a plugin keep to the agreement of `wpc_plugin::abi`: they read what they are given and keep none of
//!    it, and write only through the output. They stay where they are, since a plugin is never unloaded.
//! 2. A state is passed only to the functions of the plugin that made it, on the thread that made it, to one call at a
//!    time. An instance holds the only copy of its state, cannot leave its thread, and refuses to be entered twice.
//! 3. A state is freed once, by the drop of its instance, after which nothing can call.

#![expect(unsafe_code, reason = "the functions of a plugin are called through the pointers that it gives")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use serde::Deserialize;
use wpc_plugin::abi::{self, Call};

use crate::codec;
use crate::fence::PANIC_MESSAGE_BYTES_MAX;
use crate::function::{ForeignError, FunctionError, Instance, InstanceError, Library, LibraryFacts};
use crate::id::Generation;

use super::descriptor::Description;
use super::sink::{Collected, Sink};

/// The most bytes that a plugin's function may answer with: 64 MiB.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A loaded plugin.
#[derive(Debug)]
pub(super) struct Plugin {
    generation: Generation,
    facts: LibraryFacts,
    description: Arc<Description>,
}

/// One worker's state of a plugin. The pointer keeps it on its thread.
struct PluginInstance {
    description: Arc<Description>,
    entry: Option<String>,
    state: *mut c_void,
    in_use: Cell<bool>,
    /// Whether one of its calls has panicked.
    is_spent: Cell<bool>,
}

/// How a call of a plugin's code ended.
struct Answer {
    status: u32,
    output: Collected,
}

/// What is encoded in an answer of the status `FAILED`.
#[derive(Deserialize)]
struct ForeignFailure {
    name: String,
    message: String,
    code: Option<String>,
    details: BTreeMap<String, String>,
    causes: Vec<String>,
}

/// What is encoded in an answer of the status `MISFIT`.
#[derive(Deserialize)]
struct ForeignMisfit {
    expected: String,
    path: String,
    reason: String,
}

impl Plugin {
    pub(super) fn new(description: Description, facts: LibraryFacts) -> Self {
        Self { generation: Generation::next(), facts, description: Arc::new(description) }
    }

    fn instance(&self) -> Result<PluginInstance, InstanceError> {
        let mut state = std::ptr::null_mut();
        if let Some(init) = self.description.init {
            let mut sink = Sink::new(ANSWER_BYTES_MAX);
            let output = sink.output();
            // SAFETY: rule 1; the state and the output live on this stack until the call returns.
            let status = unsafe { init(&raw mut state, &raw const output) };
            Answer { status, output: sink.finish() }.of_init()?;
        }
        Ok(PluginInstance {
            description: Arc::clone(&self.description),
            entry: self.facts.entry.clone(),
            state,
            in_use: Cell::new(false),
            is_spent: Cell::new(false),
        })
    }
}

impl Library for Plugin {
    fn generation(&self) -> Generation {
        self.generation
    }

    fn facts(&self) -> &LibraryFacts {
        &self.facts
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, InstanceError> {
        Ok(Box::new(self.instance()?))
    }
}

impl PluginInstance {
    /// Calls one of the plugin's functions; `_entered` shows that no other call uses the state.
    fn run(&self, call: Call, arguments: &[u8], _entered: &Entered<'_>) -> Answer {
        let mut sink = Sink::new(ANSWER_BYTES_MAX);
        let output = sink.output();
        // SAFETY: rule 1 for the function, which reads arguments and output that outlive the call; rule 2 for the state,
        // which is this instance's and, as `_entered` shows, in no other call.
        let status = unsafe { call(self.state, arguments.as_ptr(), arguments.len(), &raw const output) };
        Answer { status, output: sink.finish() }
    }
}

impl Instance for PluginInstance {
    fn call(&self, name: Option<&str>, arguments: &[u8]) -> Result<Vec<u8>, ForeignError> {
        let name = name.or(self.entry.as_deref()).ok_or(ForeignError::Unbound)?;
        let call = self
            .description
            .call(name)
            .ok_or_else(|| ForeignError::NoFunction { known: self.description.known() })?;
        let entered = Entered::enter(&self.in_use).ok_or(ForeignError::InUse)?;
        if self.is_spent() {
            let message = "an earlier call of this instance has: import it anew".to_owned();
            return Err(ForeignError::Panicked { message });
        }
        let answer = self.run(call, arguments, &entered);
        self.is_spent.set(answer.status == abi::STATUS_PANICKED);
        answer.of_call()
    }

    fn is_spent(&self) -> bool {
        self.is_spent.get()
    }

    fn symbol(&self, _: &str) -> Result<NonNull<c_void>, ForeignError> {
        Err(ForeignError::WrongKind { is: "a plugin: use `call`" })
    }
}

impl Drop for PluginInstance {
    fn drop(&mut self) {
        // Only what an init made is freed.
        let (Some(_), Some(free)) = (self.description.init, self.description.free) else { return };
        let mut sink = Sink::new(PANIC_MESSAGE_BYTES_MAX);
        let output = sink.output();
        // SAFETY: rules 1 and 3: this is the drop, which runs once, on the thread that the instance cannot leave.
        let _ = unsafe { free(self.state, &raw const output) }; // nobody waits who could be told that it panicked
    }
}

/// The use of an instance's state by one call, given up on drop.
struct Entered<'a>(&'a Cell<bool>);

impl<'a> Entered<'a> {
    /// None if another call uses it.
    fn enter(in_use: &'a Cell<bool>) -> Option<Self> {
        (!in_use.replace(true)).then_some(Self(in_use))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Answer {
    fn of_call(self) -> Result<Vec<u8>, ForeignError> {
        let (status, bytes) = match (self.status, self.output) {
            // What there is of a panic's message is told: that it panicked is what matters.
            (abi::STATUS_PANICKED, output) => {
                return Err(ForeignError::Panicked { message: message(&output) });
            }
            (_, Collected::Part(_)) => return Err(ForeignError::TooLarge { limit: ANSWER_BYTES_MAX }),
            (status, Collected::Whole(bytes)) => (status, bytes),
        };
        match status {
            abi::STATUS_DONE => Ok(bytes),
            abi::STATUS_FAILED => Err(failure(&bytes).map_or_else(garbage, ForeignError::Failed)),
            abi::STATUS_MISFIT => Err(misfit(&bytes)),
            abi::STATUS_UNENCODABLE => {
                let reason = message(&Collected::Whole(bytes));
                Err(garbage(format!("a result that cannot be encoded: {reason}")))
            }
            abi::STATUS_REFUSED => Err(garbage("a refusal that was none".to_owned())),
            unknown => Err(garbage(format!("status {unknown}"))),
        }
    }

    fn of_init(self) -> Result<(), InstanceError> {
        match (self.status, self.output) {
            (abi::STATUS_DONE, _) => Ok(()),
            (abi::STATUS_PANICKED, output) => Err(InstanceError::Panicked { message: message(&output) }),
            (abi::STATUS_FAILED, Collected::Whole(bytes)) => Err(match failure(&bytes) {
                Ok(error) => InstanceError::Failed {
                    name: error.name().to_owned(),
                    message: error.message().to_owned(),
                },
                Err(reason) => InstanceError::Garbage { reason },
            }),
            (_, Collected::Part(_)) => {
                Err(InstanceError::Garbage { reason: format!("more than {ANSWER_BYTES_MAX} bytes") })
            }
            (unknown, _) => Err(InstanceError::Garbage { reason: format!("status {unknown}") }),
        }
    }
}

fn garbage(reason: String) -> ForeignError {
    ForeignError::Garbage { reason }
}

/// The error that a function ended with, or why there is none in `bytes`.
fn failure(bytes: &[u8]) -> Result<FunctionError, String> {
    let told: ForeignFailure =
        codec::decode(bytes).map_err(|error| format!("an error that does not decode: {error}"))?;
    let error = FunctionError::new(told.name, told.message).with_causes(told.causes);
    let error = told.details.into_iter().fold(error, |error, (key, value)| error.with_detail(key, value));
    Ok(match told.code {
        Some(code) => error.with_code(code),
        None => error,
    })
}

fn misfit(bytes: &[u8]) -> ForeignError {
    match codec::decode(bytes) {
        Ok(ForeignMisfit { expected, path, reason }) => ForeignError::Misfit { expected, path, reason },
        Err(error) => garbage(format!("a misfit that does not decode: {error}")),
    }
}

/// A message in an answer, at most 4 KiB of it; what is not UTF-8 is replaced.
fn message(output: &Collected) -> String {
    let (Collected::Whole(bytes) | Collected::Part(bytes)) = output;
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(PANIC_MESSAGE_BYTES_MAX)]).into_owned();
    let end = (0..=PANIC_MESSAGE_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

#[cfg(test)]
mod tests;
