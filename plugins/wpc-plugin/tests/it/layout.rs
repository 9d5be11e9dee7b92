//! The layout of the agreement, written down: what changes here needs another number.

use std::mem::{align_of, offset_of, size_of};

use wpc_plugin::abi::{self, Descriptor, FunctionEntry, Output, Text};

#[cfg(target_pointer_width = "64")]
#[test]
fn the_layout_is_that_of_this_number() {
    assert_eq!(abi::ABI, 1);
    assert_eq!((size_of::<Text>(), align_of::<Text>()), (16, 8));
    assert_eq!([offset_of!(Text, start), offset_of!(Text, length)], [0, 8]);

    assert_eq!((size_of::<Descriptor>(), align_of::<Descriptor>()), (88, 8));
    assert_eq!(
        [
            offset_of!(Descriptor, magic),
            offset_of!(Descriptor, abi),
            offset_of!(Descriptor, size),
            offset_of!(Descriptor, function_size),
            offset_of!(Descriptor, panics),
            offset_of!(Descriptor, codec),
            offset_of!(Descriptor, function_count),
            offset_of!(Descriptor, name),
            offset_of!(Descriptor, version),
            offset_of!(Descriptor, functions),
            offset_of!(Descriptor, init),
            offset_of!(Descriptor, free),
        ],
        [0, 8, 12, 16, 20, 24, 28, 32, 48, 64, 72, 80]
    );

    assert_eq!((size_of::<FunctionEntry>(), align_of::<FunctionEntry>()), (40, 8));
    assert_eq!(
        [
            offset_of!(FunctionEntry, name),
            offset_of!(FunctionEntry, signature),
            offset_of!(FunctionEntry, call)
        ],
        [0, 16, 32]
    );

    assert_eq!((size_of::<Output>(), align_of::<Output>()), (16, 8));
    assert_eq!([offset_of!(Output, sink), offset_of!(Output, write)], [0, 8]);
}

#[test]
fn the_numbers_are_those_of_this_number() {
    assert_eq!((&abi::MAGIC, abi::SYMBOL), (b"wpc-plug", "wpc_plugin"));
    assert_eq!([abi::CODEC_MESSAGE_PACK, abi::PANICS_UNWIND, abi::PANICS_ABORT], [1, 1, 2]);
    assert_eq!(
        [
            abi::STATUS_DONE,
            abi::STATUS_FAILED,
            abi::STATUS_PANICKED,
            abi::STATUS_MISFIT,
            abi::STATUS_UNENCODABLE,
            abi::STATUS_REFUSED
        ],
        [0, 1, 2, 3, 4, 5]
    );
    assert_eq!([abi::WRITE_TAKEN, abi::WRITE_REFUSED], [0, 1]);
}
