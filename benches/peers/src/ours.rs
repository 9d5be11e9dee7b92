//! The library itself: a call by name, and one through a typed handle.

use anyhow::{bail, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wpc::{FunctionHandle, Pending, Wpc};

use crate::contender::{Caller, Service};

/// The name that the function is defined under.
pub(crate) const FUNCTION: &str = "work";

/// Called by name.
pub(crate) struct ByName(pub(crate) Wpc);

/// Called through a typed handle.
pub(crate) struct ByHandle(pub(crate) Wpc);

/// Switches one of the library's rules of speed off, to show what it is worth.
///
/// # Errors
///
/// The library has no such rule.
#[cfg(wpc_plant)]
pub(crate) fn switch_off(name: &str) -> anyhow::Result<()> {
    use wpc::plant::SpeedRule;
    match name {
        "wake-rule" => SpeedRule::Wake,
        "rescue" => SpeedRule::Rescue,
        "taking" => SpeedRule::Taking,
        "learning" => SpeedRule::Learning,
        "yield" => SpeedRule::Yield,
        _ => bail!("`--off {name}`: there is no such rule"),
    }
    .switch_off();
    Ok(())
}

/// Switches one of the library's rules of speed off, to show what it is worth.
///
/// # Errors
///
/// Always: only a build with `--cfg wpc_plant` has switches.
#[cfg(not(wpc_plant))]
pub(crate) fn switch_off(name: &str) -> anyhow::Result<()> {
    bail!("`--off {name}`: not in this build, which takes RUSTFLAGS=\"--cfg wpc_plant\"")
}

/// A pool with that many workers, ready, and one function.
pub(crate) fn start<A, R>(workers: usize, function: fn(A) -> R) -> anyhow::Result<Wpc>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
{
    let wpc = Wpc::builder().build()?;
    wpc.define_function(FUNCTION, function)?;
    let started = wpc.start_workers(workers)?;
    ensure!(started.ready.len() == workers, "only {} of {workers} workers are ready", started.ready.len());
    Ok(wpc)
}

/// Stops the workers; calls that were still in flight are an error.
pub(crate) fn stop(wpc: &Wpc) -> anyhow::Result<()> {
    wpc.stop_workers()?;
    Ok(())
}

impl<A, R> Service<A, R> for ByName
where
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    type Caller = Self;

    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        start(workers, function).map(Self)
    }

    fn caller(&self) -> anyhow::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    fn stop(self) -> anyhow::Result<()> {
        stop(&self.0)
    }
}

impl<A, R> Caller<A, R> for ByName
where
    A: Serialize + Send + 'static,
    R: DeserializeOwned + Send + 'static,
{
    type Pending = Pending<R>;

    fn call(&mut self, argument: A) -> anyhow::Result<R> {
        Ok(self.0.call(FUNCTION, argument)?)
    }

    fn submit(&mut self, argument: A) -> anyhow::Result<Pending<R>> {
        Ok(self.0.submit(FUNCTION, argument)?)
    }

    fn wait(&mut self, pending: Pending<R>) -> anyhow::Result<R> {
        Ok(pending.wait()?)
    }
}

impl<A, R> Service<A, R> for ByHandle
where
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    type Caller = FunctionHandle<A, R>;

    fn start(workers: usize, function: fn(A) -> R) -> anyhow::Result<Self> {
        start(workers, function).map(Self)
    }

    fn caller(&self) -> anyhow::Result<FunctionHandle<A, R>> {
        Ok(self.0.function(FUNCTION)?)
    }

    fn stop(self) -> anyhow::Result<()> {
        stop(&self.0)
    }
}

impl<A, R> Caller<A, R> for FunctionHandle<A, R>
where
    A: Serialize + Send + 'static,
    R: DeserializeOwned + Send + 'static,
{
    type Pending = Pending<R>;

    fn call(&mut self, argument: A) -> anyhow::Result<R> {
        Ok(Self::call(self, argument)?)
    }

    fn submit(&mut self, argument: A) -> anyhow::Result<Pending<R>> {
        Ok(Self::submit(self, argument)?)
    }

    fn wait(&mut self, pending: Pending<R>) -> anyhow::Result<R> {
        Ok(pending.wait()?)
    }
}
