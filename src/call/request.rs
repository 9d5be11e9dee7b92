//! What a caller asks for, before anything is looked up: [`Request`], on its [`Terms`].

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::function::{Cargo, Wanted};
use crate::hash::Hash;

use super::definition::Definition;
use super::error::{RejectReason, Rejected};

/// How long a call may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Limit {
    /// As long as the pool allows by default.
    #[default]
    Default,
    /// So long, queueing included.
    After(Duration),
    /// As long as it needs.
    None,
}

impl Limit {
    /// The deadline of a call that is accepted at `now`.
    pub(crate) fn deadline(self, now: Moment, default: Duration) -> Moment {
        match self {
            Self::Default => now.after(default),
            Self::After(timeout) => now.after(timeout),
            Self::None => Moment::NEVER,
        }
    }
}

/// The terms of one call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) limit: Limit,
    pub(crate) pin: Option<Hash>,
    pub(crate) priority: i32,
}

/// What is to be called.
pub(crate) enum Target<'a> {
    /// Whatever has this name when the call is accepted.
    Name(&'a str),
    /// This definition, which was just looked up.
    Definition(Arc<Definition>),
}

impl Target<'_> {
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Self::Name(name) => (*name).into(),
            Self::Definition(definition) => definition.name.shared(),
        }
    }
}

/// One call, asked for.
pub(crate) struct Request<'a> {
    pub(crate) target: Target<'a>,
    pub(crate) cargo: Cargo,
    pub(crate) wanted: Wanted,
    pub(crate) terms: Terms,
}

impl Request<'_> {
    /// The rejection of this request.
    pub(crate) fn refuse(self, reason: RejectReason) -> Rejected {
        Rejected::new(self.target.name(), reason, self.cargo.into_original())
    }
}
