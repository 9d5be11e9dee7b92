//! Descriptors made here, right and wrong, and what is read of them.

use std::ffi::c_void;

use wpc_plugin::abi::Output;

use super::*;
use crate::plugin::kept::{kept, kept_text};

unsafe extern "C" fn nothing(_: *mut c_void, _: *const u8, _: usize, _: *const Output) -> u32 {
    abi::STATUS_DONE
}

fn text(text: &'static str) -> Text {
    Text { start: text.as_ptr(), length: text.len() }
}

fn entry(name: &'static str) -> FunctionEntry {
    FunctionEntry { name: self::text(name), signature: self::text("() -> ()"), call: Some(nothing) }
}

/// A right descriptor of these functions, which are kept for ever, as those of a plugin are.
fn descriptor(functions: Vec<FunctionEntry>) -> Descriptor {
    let functions = kept(functions);
    Descriptor {
        magic: abi::MAGIC,
        abi: abi::ABI,
        size: u32::try_from(size_of::<Descriptor>()).expect("it is small"),
        function_size: u32::try_from(size_of::<FunctionEntry>()).expect("it is small"),
        panics: abi::PANICS_UNWIND,
        codec: abi::CODEC_MESSAGE_PACK,
        function_count: u32::try_from(functions.len()).expect("they are few"),
        name: self::text("example"),
        version: self::text("1.2.3"),
        functions: functions.as_ptr(),
        init: None,
        free: None,
    }
}

fn read(descriptor: &Descriptor) -> Result<Description, LoadError> {
    // SAFETY: rules 1 to 3: it is a whole descriptor, and what a test makes it point to is leaked or static.
    unsafe { Description::read(NonNull::from(descriptor), Path::new("lib.so")) }
}

/// What is said of a descriptor of one function that was changed so.
fn told(change: impl FnOnce(&mut Descriptor)) -> String {
    let mut wrong = descriptor(vec![entry("f")]);
    change(&mut wrong);
    read(&wrong).expect_err("it is wrong").to_string()
}

/// What is said of a descriptor of these functions.
fn told_of(functions: Vec<FunctionEntry>) -> String {
    read(&descriptor(functions)).expect_err("one is wrong").to_string()
}

#[test]
fn a_right_descriptor_is_copied_with_its_functions_by_name() {
    let description = read(&descriptor(vec![entry("b"), entry("a:1"), entry("c")])).expect("it is right");
    assert_eq!((description.name.as_str(), description.version.as_str()), ("example", "1.2.3"));
    assert_eq!(description.known(), ["a:1", "b", "c"]);
    assert_eq!(description.signatures()[1], ("b".to_owned(), "() -> ()".to_owned()));
    assert!(description.has("c") && !description.has("d"));
    assert!(description.init.is_none() && description.free.is_none());
}

#[test]
fn no_functions_need_no_list_and_an_empty_text_needs_no_bytes() {
    let mut empty = descriptor(Vec::new());
    empty.functions = std::ptr::null();
    empty.version = Text { start: std::ptr::null(), length: 0 };
    let description = read(&empty).expect("there is nothing to be wrong");
    assert_eq!((description.known(), description.version), (Vec::new(), String::new()));
}

#[test]
fn another_agreement_is_named_before_anything_else_is_read() {
    let wild = std::ptr::without_provenance::<FunctionEntry>(8);
    let said = told(|wrong| (wrong.abi, wrong.size, wrong.functions) = (7, 1, wild));
    assert_eq!(said, "`lib.so` was made for agreement 7, and this host keeps to 1");
    let said = told(|wrong| (wrong.magic, wrong.abi) = (*b"\x7fELF\0\0\0x", 7));
    assert_eq!(
        said,
        "`lib.so` describes itself wrongly: its descriptor begins with \"\\x7fELF\\x00\\x00\\x00x\""
    );
}

#[test]
fn lying_sizes_another_encoding_and_aborting_panics_are_refused() {
    for size in [0, 1, u32::MAX] {
        assert!(
            told(|wrong| wrong.size = size).contains(&format!("the descriptor of `lib.so` has {size} bytes"))
        );
        let said = told(|wrong| wrong.function_size = size);
        assert!(said.contains(&format!("the function entry of `lib.so` has {size} bytes")), "{said}");
    }
    assert!(told(|wrong| wrong.codec = 2).contains("as number 2, and this host as number 1"));
    assert!(told(|wrong| wrong.panics = abi::PANICS_ABORT).contains("panic = \"abort\""));
    assert!(told(|wrong| wrong.panics = 0).ends_with("it says 0 of what a panic does"));
}

#[test]
fn null_pointers_are_named() {
    assert!(
        told(|wrong| wrong.functions = std::ptr::null()).ends_with("the list of functions is a null pointer")
    );
    assert!(
        told(|wrong| wrong.name.start = std::ptr::null()).ends_with("the plugin's name is a null pointer")
    );
    let null = Text { start: std::ptr::null(), length: 1 };
    let said = told_of(vec![entry("f"), FunctionEntry { name: null, ..entry("g") }]);
    assert!(said.ends_with("the name of function 1 is a null pointer"), "{said}");
    let said = told_of(vec![FunctionEntry { signature: null, ..entry("g") }]);
    assert!(said.ends_with("the signature of `g` is a null pointer"), "{said}");
    let said = told_of(vec![FunctionEntry { call: None, ..entry("g") }]);
    assert!(said.ends_with("the code of `g` is a null pointer"), "{said}");
}

#[test]
fn odd_addresses_are_not_read_through() {
    let said = told(|wrong| wrong.functions = wrong.functions.wrapping_byte_add(1));
    assert!(said.ends_with("the list of functions lies at an odd address"), "{said}");
    let whole = descriptor(Vec::new());
    let odd = NonNull::from(&whole).map_addr(|address| address.saturating_add(1));
    // SAFETY: rule 1 is not asked for: an odd address is refused before it is read through.
    let error = unsafe { Description::read(odd, Path::new("lib.so")) }.expect_err("it is odd");
    assert!(error.to_string().ends_with("the descriptor lies at an odd address"), "{error}");
}

#[test]
fn names_keep_to_their_rules_and_are_each_other_s_unlike() {
    let said = told_of(vec![entry("f"), entry("two words")]);
    assert!(
        said.contains("the name of function 1 is none: the name `two words` has ` ` at byte 3"),
        "{said}"
    );
    assert!(told_of(vec![entry("a\n")]).contains("\\n"));
    assert!(told_of(vec![entry("")]).ends_with("must not be empty"));
    assert!(told(|wrong| wrong.name = self::text("9")).contains("the plugin's name is none"));
    let said = told_of(vec![entry("f"), entry("g"), entry("f")]);
    assert!(said.ends_with("two functions are called `f`"), "{said}");
}

#[test]
fn texts_are_utf_8_and_within_their_limit() {
    let long = |bytes: usize| Text { start: kept_text("x".repeat(bytes)).as_ptr(), length: bytes };
    let signed = |signature: Text| descriptor(vec![FunctionEntry { signature, ..entry("f") }]);
    read(&signed(long(TEXT_BYTES_MAX))).expect("it is as long as it may be");
    let said = read(&signed(long(TEXT_BYTES_MAX + 1))).expect_err("one more").to_string();
    assert!(said.ends_with("the signature of `f` has 65537 bytes, and 65536 are the most"), "{said}");
    let said = told(|wrong| wrong.version.length = usize::MAX);
    assert!(
        said.contains("the plugin's version has 18446744073709551615 bytes") || usize::BITS != 64,
        "{said}"
    );
    let latin = b"caf\xe9";
    let said = told(|wrong| wrong.version = Text { start: latin.as_ptr(), length: latin.len() });
    assert!(said.ends_with("the plugin's version is not UTF-8 at byte 3"), "{said}");
}

#[test]
fn there_are_as_many_functions_as_there_may_be_and_no_more() {
    let named = |at: usize| FunctionEntry { name: self::text(kept_text(format!("f{at}"))), ..entry("f") };
    let most =
        read(&descriptor((0..FUNCTIONS_MAX).map(named).collect())).expect("they are as many as may be");
    assert_eq!(most.known().len(), FUNCTIONS_MAX);
    for count in [4_097, 1_000_000, u32::MAX] {
        let said = told(|wrong| wrong.function_count = count);
        assert!(said.ends_with(&format!("it has {count} functions, and 4096 are the most")), "{said}");
    }
}
