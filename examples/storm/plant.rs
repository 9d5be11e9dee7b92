//! The bugs that a build with `--cfg wpc_plant` can be told to have, to see that the storm finds them.

#[cfg(wpc_plant)]
use wpc::plant::Plant;

/// What plants the bug of that name.
#[cfg(wpc_plant)]
pub(crate) fn find(name: &str) -> Result<fn(), String> {
    match name {
        "lost" => Ok(|| Plant::Lost.plant()),
        "double" => Ok(|| Plant::Double.plant()),
        "misdeliver" => Ok(|| Plant::Misdeliver.plant()),
        "drift" => Ok(|| Plant::Drift.plant()),
        _ => Err(format!("`--plant` is {name:?}: it must be lost, double, misdeliver or drift")),
    }
}

/// This build has none.
#[cfg(not(wpc_plant))]
pub(crate) fn find(name: &str) -> Result<fn(), String> {
    Err(format!(
        "`--plant` is {name:?}, and this build has no bugs to plant: build it with RUSTFLAGS='--cfg wpc_plant' \
         and a --target-dir of its own"
    ))
}
