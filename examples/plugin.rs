//! A plugin as a dependency: what it has, calls into it as a whole and through an alias of one function, and what its
//! errors look like. The plugin is the workspace's own, `text`; a C library is loaded in the documentation of `Import`.
//!
//! `cargo run --example plugin`

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use wpc::{CallError, Context, DefineError, Dylib, FunctionError, Ref, Wpc, function};

fn main() -> anyhow::Result<()> {
    let wpc = Wpc::builder().build()?;
    let path = plugin_path()?;
    wpc.define_dependency("text", Dylib::at(&path))?;
    wpc.define_dependency("basename", Dylib::at(&path).export("basename"))?;
    for export in &wpc.dependencies()[1].exports {
        println!("{}{}", export.name, export.signature.as_deref().unwrap_or_default());
    }

    let digest = function!(|ctx: &Context, path: String| -> Result<(String, String), FunctionError> {
        let base = ctx.import("basename")?.invoke(Ref(&path))?;
        Ok((base, ctx.import("text")?.call("sha1_of_file", path)?))
    });
    wpc.define_function("digest", digest)?;
    wpc.start_workers(2)?;
    let (base, sha1): (String, String) =
        wpc.call("digest", concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE-MIT"))?;
    println!("{sha1}  {base}");
    ensure!(base == "LICENSE-MIT" && sha1.len() == 40, "the plugin answers otherwise");

    // An error of the plugin is the outcome of the call, with its name, message and causes.
    match wpc.call::<(String, String)>("digest", "no/such/file") {
        Err(CallError::Failed(error)) => println!("failed: {error}"),
        other => anyhow::bail!("there is such a file: {other:?}"),
    }

    // A library that is none changes nothing: the one before serves on.
    match wpc.define_dependency("text", Dylib::at(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))) {
        Err(error @ DefineError::Load { .. }) => println!("refused: {:#}", anyhow::Error::new(error)),
        other => anyhow::bail!("a text was loaded: {other:?}"),
    }
    ensure!(wpc.workers().iter().all(|worker| worker.is_in_step), "a worker lags behind");
    wpc.stop_workers()?;
    Ok(())
}

/// Where cargo has built the plugin, seen from this example: in `deps`, beside the folder of the examples.
fn plugin_path() -> anyhow::Result<PathBuf> {
    let example = std::env::current_exe()?;
    let profile =
        example.parent().and_then(Path::parent).context("an example lies in a folder of cargo's")?;
    Ok(profile.join("deps").join(format!("{DLL_PREFIX}text{DLL_SUFFIX}")))
}
