//! What the macro exports: the symbol, and what its descriptor says.
//!
//! # Safety
//!
//! 1. The symbol is the one that `export_plugin!` makes in this very file.

use wpc_plugin::abi::{self, Descriptor};

use crate::host::{functions, text};

wpc_plugin::export_plugin! {
    functions: {
        fn none();
        fn add(one: u64, other: u64) -> u64 = |one, other| one + other;
        fn pairs(list: Vec<(String, u8)>,) -> Option<Vec<u8>>;
    }
}

fn none() {}

fn pairs(list: Vec<(String, u8)>) -> Option<Vec<u8>> {
    list.into_iter().map(|(_, number)| Some(number)).collect()
}

unsafe extern "C" {
    #[link_name = "wpc_plugin"]
    static EXPORTED: Descriptor;
}

#[test]
fn the_symbol_is_a_descriptor() {
    // SAFETY: rule 1.
    let descriptor = unsafe { EXPORTED };
    assert_eq!(descriptor.magic, abi::MAGIC);
    assert_eq!(descriptor.abi, abi::ABI);
    assert_eq!(descriptor.size as usize, size_of::<Descriptor>());
    assert_eq!(descriptor.function_size as usize, size_of::<abi::FunctionEntry>());
    assert_eq!((descriptor.panics, descriptor.codec), (abi::PANICS_UNWIND, abi::CODEC_MESSAGE_PACK));
    assert!(descriptor.init.is_none() && descriptor.free.is_none());
    assert_eq!((text(descriptor.name), text(descriptor.version)), ("wpc-plugin", env!("CARGO_PKG_VERSION")));
    let read: Vec<_> =
        functions(&descriptor).iter().map(|entry| (text(entry.name), text(entry.signature))).collect();
    assert_eq!(
        read,
        [
            ("none", "() -> ()"),
            ("add", "(one: u64, other: u64) -> u64"),
            ("pairs", "(list: Vec<(String, u8)>) -> Option<Vec<u8>>")
        ]
    );
}

#[test]
fn what_is_given_takes_the_place_of_the_defaults() {
    const VERSION: &str = "7-beta";
    static DESCRIPTOR: Descriptor = wpc_plugin::__descriptor! {
        name: "mine",
        version: VERSION,
        state: u8 = u8::default,
        functions: { fn next(state: &mut u8, by: u8) -> u8 = |state, by| { *state += by; *state }; },
    };
    static EMPTY: Descriptor = wpc_plugin::__descriptor! { functions: {} };

    assert_eq!((text(DESCRIPTOR.name), text(DESCRIPTOR.version)), ("mine", "7-beta"));
    assert!(DESCRIPTOR.init.is_some() && DESCRIPTOR.free.is_some());
    assert_eq!(text(functions(&DESCRIPTOR)[0].signature), "(by: u8) -> u8");
    assert_eq!((EMPTY.function_count, EMPTY.functions.is_null()), (0, false));
}
