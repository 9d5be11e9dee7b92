//! The functions that the workers run, and the plugin that some of them leave the work to.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use wpc::{Context, Function, FunctionError, Ref, function};

/// What `wc -lwc` says of a file; the plugin has a type of its own for it, with fields of the same names.
#[derive(Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) lines: u64,
    pub(crate) words: u64,
    pub(crate) bytes: u64,
}

/// Where cargo has built the plugin `text`, seen from this example: in `deps`, beside the folder of the examples.
pub(crate) fn plugin_path() -> anyhow::Result<PathBuf> {
    let example = std::env::current_exe().context("where this program lies")?;
    let profile = example.parent().and_then(Path::parent).context("it lies in no folder of cargo's")?;
    Ok(profile.join("deps").join(format!("{DLL_PREFIX}text{DLL_SUFFIX}")))
}

/// Counts a file, inside the plugin. A path crosses to it as an `OsStr`, because it need not be UTF-8.
pub(crate) fn counts_by_plugin() -> Function {
    function!(|ctx: &Context, path: PathBuf| -> Result<Counts, FunctionError> {
        Ok(ctx.import("text")?.call("counts_of_file", Ref(path.as_os_str()))?)
    })
}

/// Digests a file, here.
pub(crate) fn sha1_by_host() -> Function {
    function!(|ctx: &Context, path: PathBuf| -> Result<String, FunctionError> {
        let mut block = vec![0; *ctx.constant::<usize>("BLOCK_BYTES")?];
        let (mut file, mut digest) = (File::open(path)?, Sha1::new());
        loop {
            ctx.check()?; // a large file takes a while: return early once nobody wants the digest any more
            match file.read(&mut block)? {
                0 => return Ok(hex(&digest.finalize())),
                length => digest.update(&block[..length]),
            }
        }
    })
}

/// Digests a file, inside the plugin.
pub(crate) fn sha1_by_plugin() -> Function {
    function!(|ctx: &Context, path: PathBuf| -> Result<String, FunctionError> {
        Ok(ctx.import("text")?.call("sha1_of_file", Ref(path.as_os_str()))?)
    })
}

/// The bytes as lower-case hexadecimal digits, two each.
fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
