//! [`FunctionHandle`]: a function with its types, looked up again only when the registry has changed.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{CallError, Definition, Pending, RejectReason, Rejected, Request, Target, Terms};
use crate::function::{Argument, Misfit, Wanted, unbox};
use crate::id::Version;
use crate::pool::Pool;
use crate::sync::ArcSwap;

use super::Wpc;

/// A typed handle to a function; made by [`Wpc::function`]. It keeps the pool alive.
///
/// It calls whatever has the name, as long as that has exactly these types; each call compares the registry's version,
/// and looks the function up again only when that has changed.
///
/// # Examples
///
/// ```
/// use wpc::Wpc;
/// let wpc = Wpc::builder().build()?;
/// wpc.define_function("add", |a: u64, b: u64| a + b)?;
/// wpc.start_workers(1)?;
/// let add = wpc.function::<(u64, u64), u64>("add")?;
/// assert_eq!(add.call((2, 3))?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FunctionHandle<A, R> {
    wpc: Wpc,
    name: String,
    known: ArcSwap<Known>,
    types: PhantomData<fn(A) -> R>,
}

/// What was found at a version of the registry.
struct Known {
    version: Version,
    definition: Arc<Definition>,
}

impl<A, R> FunctionHandle<A, R>
where
    A: Serialize + Send + 'static,
    R: DeserializeOwned + Send + 'static,
{
    pub(super) fn new(wpc: Wpc, name: &str) -> Result<Self, CallError> {
        let known = find::<A, R>(wpc.pool(), name)
            .map_err(|reason| Rejected::new(name.into(), reason, None))
            .map(ArcSwap::from_pointee)?;
        Ok(Self { wpc, name: name.to_owned(), known, types: PhantomData })
    }

    /// Calls and waits, with the default deadline; see [`Wpc::call`].
    ///
    /// # Errors
    ///
    /// See [`CallError`]; `Rejected` with `Signature` when the function was redefined with other types: nothing ran.
    ///
    /// # Blocking
    ///
    /// Until the call ends, at the latest at its deadline.
    pub fn call(&self, arguments: A) -> Result<R, CallError> {
        self.wpc.pool().call(self.made(arguments)?).map(unbox)
    }

    /// Submits a call and does not wait.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] when it is not accepted, as by [`FunctionHandle::call`].
    pub fn submit(&self, arguments: A) -> Result<Pending<R>, CallError> {
        let call = self.wpc.pool().submit(self.made(arguments)?)?;
        Ok(Pending::new(call))
    }

    /// The name that it calls.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn made(&self, arguments: A) -> Result<Request<'static>, Rejected> {
        let pool = self.wpc.pool();
        let version = pool.registry().publication().version();
        let known = self.known.load();
        let definition = if known.version == version {
            Arc::clone(&known.definition)
        } else {
            match find::<A, R>(pool, &self.name) {
                Ok(found) => {
                    let definition = Arc::clone(&found.definition);
                    self.known.store(Arc::new(found));
                    definition
                }
                Err(reason) => {
                    pool.count_rejected();
                    let original = arguments.carry().0.into_original();
                    return Err(Rejected::new(self.name.as_str().into(), reason, original));
                }
            }
        };
        let cargo = arguments.carry().0;
        let target = Target::Definition(definition);
        Ok(Request { target, cargo, wanted: Wanted::of::<R>(), terms: Terms::default() })
    }
}

/// Looks the function up and compares its types.
fn find<A: 'static, R: 'static>(pool: &Pool, name: &str) -> Result<Known, RejectReason> {
    let publication = pool.registry().publication();
    // The version first: if another is published in between, the next call looks again.
    let version = publication.version();
    let definition = publication.find(name).ok_or(RejectReason::NotDefined)?;
    let function = &definition.function;
    let pairs = [
        (function.arguments.id(), function.arguments.name(), TypeId::of::<A>(), std::any::type_name::<A>()),
        (function.result.id(), function.result.name(), TypeId::of::<R>(), std::any::type_name::<R>()),
    ];
    for (place, (own, expected, other, found)) in ["arguments", "result"].into_iter().zip(pairs) {
        if own != other {
            let reason = format!("the {place} of a typed handle must be of the function's own type");
            return Err(RejectReason::Signature(Misfit::new(expected, found, String::new(), reason)));
        }
    }
    Ok(Known { version, definition })
}

impl<A, R> Clone for FunctionHandle<A, R> {
    fn clone(&self) -> Self {
        let known = ArcSwap::from(self.known.load_full());
        Self { wpc: self.wpc.clone(), name: self.name.clone(), known, types: PhantomData }
    }
}

impl<A, R> fmt::Debug for FunctionHandle<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionHandle").field("name", &self.name).finish_non_exhaustive()
    }
}
