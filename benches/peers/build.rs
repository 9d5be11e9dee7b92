//! Tells the program which compiler built it, for the first line of its tables.

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().map(|output| output.stdout);
    let version = version.ok().and_then(|text| String::from_utf8(text).ok());
    println!("cargo::rustc-env=RUSTC_VERSION={}", version.as_deref().unwrap_or("an unknown rustc").trim());
    println!("cargo::rerun-if-changed=build.rs");
}
