//! A plugin that lives in this program, with functions that answer in every way that there is.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::path::Path;
use std::rc::Rc;

use serde::Serialize;
use wpc_plugin::abi::{Descriptor, Free, FunctionEntry, Init, Output, Text};

use super::*;
use crate::plugin::kept::kept;
use std::sync::atomic::AtomicUsize;

/// What a test's function answers with: its arguments, encoded.
#[derive(Serialize, Deserialize)]
struct Script {
    status: u32,
    output: Vec<u8>,
}

#[derive(Serialize)]
struct Failure {
    name: &'static str,
    message: &'static str,
    code: Option<&'static str>,
    details: BTreeMap<&'static str, &'static str>,
    causes: Vec<&'static str>,
}

fn write(output: *const Output, bytes: &[u8]) -> u32 {
    // SAFETY: rule 1: the host's output is there until the call returns.
    let output = unsafe { *output };
    // SAFETY: rule 1: the sink is the one of that output, and the bytes are borrowed for the write.
    unsafe { (output.write)(output.sink, bytes.as_ptr(), bytes.len()) }
}

fn given<T: serde::de::DeserializeOwned>(start: *const u8, length: usize) -> Option<T> {
    // SAFETY: rule 1: the arguments are there until the call returns.
    let arguments = unsafe { std::slice::from_raw_parts(start, length) };
    codec::decode(arguments).ok()
}

/// Answers as its arguments say.
unsafe extern "C" fn play(_: *mut c_void, start: *const u8, length: usize, output: *const Output) -> u32 {
    let Some(Script { status, output: bytes }) = given(start, length) else { return 99 };
    write(output, &bytes);
    status
}

/// Answers with more than the host takes, a piece at a time, and then with the status that its arguments are.
unsafe extern "C" fn flood(_: *mut c_void, start: *const u8, length: usize, output: *const Output) -> u32 {
    let piece = vec![b'x'; 1 << 20];
    while write(output, &piece) == abi::WRITE_TAKEN {}
    given(start, length).unwrap_or(99)
}

/// Answers with the number that its state leads to, one more each time.
unsafe extern "C" fn count(state: *mut c_void, _: *const u8, _: usize, output: *const Output) -> u32 {
    // SAFETY: rule 2: the state is the box that `init` made.
    let number = unsafe { &*state.cast::<AtomicUsize>() };
    let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    write(output, &codec::encode(&number, 100).expect("a number"));
    abi::STATUS_DONE
}

/// Calls the instance that its arguments are the address of, which it is a call of itself.
unsafe extern "C" fn enter(_: *mut c_void, start: *const u8, length: usize, output: *const Output) -> u32 {
    let address: usize = given(start, length).expect("the test's own");
    let instance = std::ptr::with_exposed_provenance::<PluginInstance>(address);
    // SAFETY: rule 2 is what is tested: the instance is there, since this is a call of it.
    let again = unsafe { &*instance }.call(Some("play"), &[]);
    write(output, &codec::encode(&matches!(again, Err(ForeignError::InUse)), 100).expect("a bool"));
    abi::STATUS_DONE
}

unsafe extern "C" fn init(state: *mut *mut c_void, _: *const Output) -> u32 {
    let made = Box::into_raw(Box::new(AtomicUsize::new(0)));
    // SAFETY: rule 1: the host gave a place for the state.
    unsafe { *state = made.cast() };
    abi::STATUS_DONE
}

static FREED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn free(state: *mut c_void, output: *const Output) -> u32 {
    // SAFETY: rule 3: the state is the box that `init` made, and this is its one end.
    drop(unsafe { Box::from_raw(state.cast::<AtomicUsize>()) });
    FREED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    write(output, b"on purpose");
    abi::STATUS_PANICKED
}

unsafe extern "C" fn init_fails(_: *mut *mut c_void, output: *const Output) -> u32 {
    write(output, &codec::encode(&sample_failure(), 1_000).expect("it is small"));
    abi::STATUS_FAILED
}

unsafe extern "C" fn init_panics(_: *mut *mut c_void, output: *const Output) -> u32 {
    write(output, b"on purpose");
    abi::STATUS_PANICKED
}

unsafe extern "C" fn init_garbles(_: *mut *mut c_void, output: *const Output) -> u32 {
    write(output, b"\xc1");
    abi::STATUS_FAILED
}

unsafe extern "C" fn init_is_odd(_: *mut *mut c_void, _: *const Output) -> u32 {
    77
}

unsafe extern "C" fn free_never(_: *mut c_void, _: *const Output) -> u32 {
    std::process::abort()
}

fn sample_failure() -> Failure {
    Failure {
        name: "Quota",
        message: "10 of 10 used",
        code: Some("E7"),
        details: BTreeMap::from([("limit", "10")]),
        causes: vec!["inner", "innermost"],
    }
}

fn text(text: &'static str) -> Text {
    Text { start: text.as_ptr(), length: text.len() }
}

fn plugin(init: Option<Init>, free: Option<Free>, entry: Option<&str>) -> Plugin {
    let calls: [(&str, Call); 4] = [("play", play), ("flood", flood), ("count", count), ("enter", enter)];
    let entries = calls.map(|(name, call)| FunctionEntry {
        name: self::text(name),
        signature: self::text(""),
        call: Some(call),
    });
    let entries = kept(entries.into());
    let descriptor = Descriptor {
        magic: abi::MAGIC,
        abi: abi::ABI,
        size: u32::try_from(size_of::<Descriptor>()).expect("it is small"),
        function_size: u32::try_from(size_of::<FunctionEntry>()).expect("it is small"),
        panics: abi::PANICS_UNWIND,
        codec: abi::CODEC_MESSAGE_PACK,
        function_count: u32::try_from(entries.len()).expect("they are few"),
        name: self::text("example"),
        version: self::text("1.2.3"),
        functions: entries.as_ptr(),
        init,
        free,
    };
    // SAFETY: rule 1: it is a whole descriptor, and what it points to is there for ever.
    let description = unsafe { Description::read(NonNull::from(&descriptor), Path::new("lib.so")) };
    let facts = LibraryFacts { entry: entry.map(str::to_owned), ..LibraryFacts::default() };
    Plugin::new(description.expect("it is right"), facts)
}

fn stateless() -> Box<dyn Instance> {
    plugin(None, Some(free_never), None).instantiate().expect("there is nothing to fail")
}

/// How a call ends whose function answers so.
fn played(status: u32, output: &[u8]) -> Result<Vec<u8>, ForeignError> {
    let script = Script { status, output: output.to_vec() };
    stateless().call(Some("play"), &codec::encode(&script, usize::MAX).expect("it is plain"))
}

fn reason(result: Result<Vec<u8>, ForeignError>) -> String {
    match result {
        Err(ForeignError::Garbage { reason }) => reason,
        _ => panic!("no garbage"),
    }
}

#[test]
fn a_result_comes_back_as_it_was_written() {
    assert!(matches!(played(abi::STATUS_DONE, b"anything"), Ok(bytes) if bytes == b"anything"));
    assert!(matches!(played(abi::STATUS_DONE, b""), Ok(bytes) if bytes.is_empty()));
}

#[test]
fn an_error_comes_back_with_all_that_was_told_of_it() {
    let bytes = codec::encode(&sample_failure(), 1_000).expect("it is small");
    let Err(ForeignError::Failed(error)) = played(abi::STATUS_FAILED, &bytes) else { panic!("no error") };
    assert_eq!((error.name(), error.message(), error.code()), ("Quota", "10 of 10 used", Some("E7")));
    assert_eq!(error.details().get("limit").map(String::as_str), Some("10"));
    assert_eq!(error.causes(), ["inner", "innermost"]);
}

#[test]
fn a_panic_comes_back_with_4_kib_of_its_message() {
    let told = |bytes: &[u8]| match played(abi::STATUS_PANICKED, bytes) {
        Err(ForeignError::Panicked { message }) => message,
        _ => panic!("no panic"),
    };
    assert_eq!(told(b"on purpose"), "on purpose");
    assert_eq!(told("ä".repeat(3_000).as_bytes()), "ä".repeat(PANIC_MESSAGE_BYTES_MAX / 2));
    assert!(told(&[0xff; 5_000]).len() <= PANIC_MESSAGE_BYTES_MAX);
}

#[test]
fn a_misfit_comes_back_with_its_place() {
    let told = BTreeMap::from([("expected", "u64"), ("path", "[0]"), ("reason", "negative")]);
    let bytes = codec::encode(&told, 1_000).expect("it is small");
    let Err(ForeignError::Misfit { expected, path, reason }) = played(abi::STATUS_MISFIT, &bytes) else {
        panic!("no misfit")
    };
    assert_eq!([expected, path, reason], ["u64", "[0]", "negative"]);
}

#[test]
fn what_the_agreement_does_not_know_is_garbage() {
    assert_eq!(reason(played(77, b"")), "status 77");
    assert_eq!(reason(played(abi::STATUS_REFUSED, b"")), "a refusal that was none");
    let said = reason(played(abi::STATUS_UNENCODABLE, b"too deep"));
    assert_eq!(said, "a result that cannot be encoded: too deep");
    assert!(reason(played(abi::STATUS_FAILED, b"\xc1")).starts_with("an error that does not decode: "));
    assert!(reason(played(abi::STATUS_FAILED, b"")).starts_with("an error that does not decode: "));
    assert!(reason(played(abi::STATUS_MISFIT, b"\x01")).starts_with("a misfit that does not decode: "));
}

#[test]
fn an_answer_that_is_too_long_is_named_whatever_the_status() {
    for status in [abi::STATUS_DONE, abi::STATUS_FAILED, abi::STATUS_MISFIT, abi::STATUS_REFUSED, 77] {
        let result = stateless().call(Some("flood"), &codec::encode(&status, 100).expect("a number"));
        assert!(matches!(result, Err(ForeignError::TooLarge { limit: ANSWER_BYTES_MAX })), "status {status}");
    }
    let status = codec::encode(&abi::STATUS_PANICKED, 100).expect("a number");
    let panicked = stateless().call(Some("flood"), &status);
    assert!(matches!(panicked, Err(ForeignError::Panicked { message }) if message.starts_with("xxx")));
}

#[test]
fn a_name_that_is_not_there_or_not_given_is_told() {
    let instance = stateless();
    let unknown = instance.call(Some("nowhere"), &[]);
    assert!(matches!(unknown, Err(ForeignError::NoFunction { known })
        if known == ["count", "enter", "flood", "play"]));
    assert!(matches!(instance.call(None, &[]), Err(ForeignError::Unbound)));
    assert!(matches!(instance.symbol("play"), Err(ForeignError::WrongKind { is: "a plugin: use `call`" })));
}

#[test]
fn an_alias_that_is_bound_needs_no_name() {
    let bound = plugin(None, None, Some("play")).instantiate().expect("there is nothing to fail");
    let script = codec::encode(&Script { status: abi::STATUS_DONE, output: b"1".to_vec() }, 100);
    assert!(matches!(bound.call(None, &script.expect("it is plain")), Ok(bytes) if bytes == b"1"));
}

#[test]
fn each_instance_has_a_state_of_its_own_and_frees_it_once() {
    let plugin = plugin(Some(init), Some(free), None);
    let next = |instance: &dyn Instance| {
        let bytes = instance.call(Some("count"), &[0xc0]).unwrap_or_else(|_| panic!("it counts"));
        codec::decode::<usize>(&bytes).expect("a number")
    };
    let one = plugin.instantiate().expect("it does not fail");
    let other: Rc<dyn Instance> = plugin.instantiate().expect("it does not fail").into();
    assert_eq!([next(&*one), next(&*one), next(&*other), next(&*one)], [0, 1, 0, 2]);
    drop(plugin);
    drop(one);
    assert_eq!(FREED.load(std::sync::atomic::Ordering::Relaxed), 1, "also when it panics");
    drop(Rc::clone(&other));
    assert_eq!(next(&*other), 1, "it lives as long as it is held");
    drop(other);
    assert_eq!(FREED.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn an_init_that_fails_makes_nothing_that_would_be_freed() {
    let failed = |init: Init| match plugin(Some(init), Some(free_never), None).instantiate() {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it fails"),
    };
    assert_eq!(failed(init_fails), "its init failed: Quota: 10 of 10 used");
    assert_eq!(failed(init_panics), "its init panicked: on purpose");
    assert_eq!(failed(init_is_odd), "its init answered with status 77");
    assert!(failed(init_garbles).starts_with("its init answered with an error that does not decode"));
}

#[test]
fn a_call_inside_a_call_of_the_same_instance_is_refused_and_the_next_one_is_not() {
    let instance = plugin(None, None, None).instance().expect("there is nothing to fail");
    let address = (&raw const instance).expose_provenance();
    for _ in 0..2 {
        let bytes = instance.call(Some("enter"), &codec::encode(&address, 100).expect("a number"));
        let refused = bytes.unwrap_or_else(|_| panic!("it answers"));
        assert!(codec::decode::<bool>(&refused).expect("a bool"));
    }
}

#[test]
fn two_loads_are_two_generations() {
    assert_ne!(plugin(None, None, None).generation(), plugin(None, None, None).generation());
}
