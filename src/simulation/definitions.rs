//! [`Definitions`]: what is defined, by the books; and whoever defines.

use std::sync::Arc;
use std::time::Instant;

use crate::call::Definition;
use crate::function::{Function, Requirement};
use crate::hash::Hash;
use crate::id::{Generation, Version};
use crate::registry::Change;
use crate::worker::played::Played;

use super::library;
use super::violation::{Checked, Rule, Violation, ensure};
use super::world::World;

/// The functions: one that requires nothing, one a constant, one a dependency.
pub(super) const NAMES: [&str; 3] = ["plain", "of_constant", "of_library"];
const CONSTANT: &str = "K";
const LIBRARY: &str = "library";

/// The registry, by the books.
#[derive(Default)]
pub(super) struct Definitions {
    functions: [Option<Change>; NAMES.len()],
    constant: Option<Version>,
    library: Option<Generation>,
    newest: Version,
    /// So many there were: no define is like one before it.
    labels: u64,
    /// The defines that wait for the workers, and until when.
    waiting: Vec<(Version, Instant)>,
}

impl Definitions {
    pub(super) fn hash(&self, function: usize) -> Option<Hash> {
        self.functions[function].map(|change| change.hash)
    }

    /// Whether the function requires what is not defined.
    pub(super) fn is_missing(&self, function: usize) -> bool {
        match function {
            1 => self.constant.is_none(),
            2 => self.library.is_none(),
            _ => false,
        }
    }

    /// A call that is accepted now is bound to what is defined now.
    pub(super) fn check_bound(&self, function: usize, definition: &Definition) -> Checked {
        let version = self.functions[function].map(|change| change.version);
        let constant = definition.constants.first().map(|constant| constant.version);
        let library = definition.dependencies.first().map(|dependency| dependency.generation());
        let holds = version == Some(definition.version)
            && (function != 1 || constant == self.constant && constant.is_some())
            && (function != 2 || library == self.library && library.is_some());
        ensure(holds, Rule::Versions, || {
            format!(
                "{} is bound to {}, not {version:?}, or to old requirements",
                NAMES[function], definition.version
            )
        })
    }
}

impl World {
    /// What every world has.
    pub(super) fn define_first(&mut self) -> Checked {
        self.define_constant()?;
        self.define_library()?;
        (0..NAMES.len()).try_for_each(|function| self.define_function(function))
    }

    pub(super) fn define(&mut self) -> Result<bool, Violation> {
        match self.random.below(10) {
            0..4 => {
                let function = self.random.place(NAMES.len());
                self.define_function(function)?;
            }
            4 => self.define_constant()?,
            5..8 => self.define_library()?,
            8 => self.undefine_function()?,
            _ => self.undefine_requirement()?,
        }
        Ok(true)
    }

    /// A define returns, if the workers have taken it up or its time is over.
    pub(super) fn poll_define(&mut self) -> Result<bool, Violation> {
        let Some((version, until)) = self.definitions.waiting.first().copied() else { return Ok(false) };
        let is_over = until <= self.now();
        let shift = self.shift.as_ref().filter(|shift| shift.is_admitted());
        if shift.is_some_and(|shift| !is_over && !shift.played.is_taken_up(version)) {
            return Ok(false);
        }
        self.check_acknowledged(version)?;
        self.definitions.waiting.remove(0);
        Ok(true)
    }

    /// Whoever counts as having a version has it.
    pub(super) fn check_acknowledged(&self, version: Version) -> Checked {
        let Some(shift) = &self.shift else { return Ok(()) };
        for slot in shift.played.slots().all.iter().filter(|slot| slot.has_version(version)) {
            let is_its = |run: &&Played| run.at == slot.id.index() && run.is_own() && self.is_present(run);
            let has = self.runs.iter().find(is_its).map(Played::version);
            ensure(has >= Some(version), Rule::Versions, || {
                format!("worker {} counts as having version {version} and has {has:?}", slot.id)
            })?;
        }
        Ok(())
    }

    pub(super) fn newest(&self) -> Version {
        self.definitions.newest
    }

    fn define_function(&mut self, at: usize) -> Checked {
        let requirement = match at {
            1 => Some(Requirement::constant(CONSTANT)),
            2 => Some(Requirement::dependency(LIBRARY)),
            _ => None,
        };
        // Now and then the same once more, which changes nothing.
        let is_same = self.definitions.functions[at].is_some() && self.random.one_in(6);
        let label = self.definitions.labels * 4 + at as u64;
        let function = Function::new(|number: u64| number);
        let function = requirement.into_iter().fold(function, Function::requires);
        if is_same {
            let known = self.pool.registry().publication().find(NAMES[at]);
            let label = known.and_then(|known| known.function.label.clone()).unwrap_or_default();
            let change = self.pool.registry().define_function(NAMES[at], function.label(label));
            let same = change.ok().map(|change| change.version);
            let known = self.definitions.functions[at].map(|change| change.version);
            return ensure(same == known, Rule::Versions, || "the same code was defined anew".to_owned());
        }
        self.definitions.labels += 1;
        let change = self.pool.registry().define_function(NAMES[at], function.label(label.to_string()));
        let Ok(change) = change else {
            return ensure(false, Rule::Sound, || "a define has failed".to_owned());
        };
        self.definitions.functions[at] = Some(change);
        self.published(change.version)
    }

    fn define_constant(&mut self) -> Checked {
        let Ok(change) = self.pool.registry().define_constant(CONSTANT, 7_u64) else {
            return ensure(false, Rule::Sound, || "a define has failed".to_owned());
        };
        self.definitions.constant = Some(change.version);
        self.published(change.version)
    }

    fn define_library(&mut self) -> Checked {
        let dependency = library::load(LIBRARY, &self.init_fails);
        let Ok(change) = self.pool.registry().define_dependency(&dependency) else {
            return ensure(false, Rule::Sound, || "a define has failed".to_owned());
        };
        self.definitions.library = Some(dependency.generation());
        drop::<Arc<_>>(dependency);
        self.published(change.version)
    }

    fn undefine_function(&mut self) -> Checked {
        let at = self.random.place(NAMES.len());
        let was_there = self.definitions.functions[at].take().is_some();
        let version = self.pool.registry().undefine_function(NAMES[at]).ok().flatten();
        self.taken_away(was_there, version)
    }

    fn undefine_requirement(&mut self) -> Checked {
        let registry = self.pool.registry();
        let (was_there, version) = if self.random.one_in(2) {
            (self.definitions.constant.take().is_some(), registry.undefine_constant(CONSTANT))
        } else {
            (self.definitions.library.take().is_some(), registry.undefine_dependency(LIBRARY))
        };
        self.taken_away(was_there, version.ok().flatten())
    }

    fn taken_away(&mut self, was_there: bool, version: Option<Version>) -> Checked {
        ensure(was_there == version.is_some(), Rule::Versions, || "an undefine found something else".into())?;
        let Some(version) = version else { return Ok(()) };
        self.check_next(version)?;
        self.pool.undefined();
        Ok(())
    }

    /// Something new is there, which the workers are woken for.
    fn published(&mut self, version: Version) -> Checked {
        self.check_next(version)?;
        if let Some(shift) = self.shift.as_ref().filter(|shift| shift.is_admitted()) {
            shift.played.slots().wake_all();
            self.definitions.waiting.push((version, self.now() + self.plan.settings.control_timeout));
        }
        Ok(())
    }

    fn check_next(&mut self, version: Version) -> Checked {
        let expected = self.definitions.newest.next();
        self.definitions.newest = version;
        self.trace.add(format_args!("version {version} "));
        ensure(version == expected, Rule::Versions, || format!("version {version} comes before {expected}"))
    }
}
