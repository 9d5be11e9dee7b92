//! What must not compile, and what the compiler says then: each case is compiled against the library, must fail, and
//! must show the sentences that the library gives for it. Other lines are the compiler's own and change with it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library as cargo built it for this test: the newest `libwpc-*.rlib` beside the test program.
fn library() -> (PathBuf, PathBuf) {
    let program = std::env::current_exe().expect("a test knows its program");
    let folder = program.parent().expect("a program is in a folder").to_owned();
    let is_library = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libwpc-") && path.extension().is_some_and(|kind| kind == "rlib")
    };
    let newest = std::fs::read_dir(&folder)
        .expect("the folder can be read")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| is_library(path))
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
    (newest.expect("cargo built the library before its tests"), folder)
}

/// Compiles the body of a `main`; what the compiler says if it fails.
fn compile(name: &str, body: &str) -> Result<(), String> {
    let (library, folder) = library();
    let out = std::env::temp_dir().join(format!("wpc-compile-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&out).expect("a temporary folder can be made");
    let source = out.join("case.rs");
    let text = format!(
        "#![allow(unused)]\nuse wpc::{{Context, FunctionError, Ref, Wpc, fallible, function}};\n\
         fn main() {{\n    let wpc = Wpc::builder().build().unwrap();\n{body}\n}}\n"
    );
    std::fs::write(&source, text).expect("the case can be written");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition", "2024", "--emit", "metadata", "--crate-type", "bin"])
        .arg("--extern")
        .arg(format!("wpc={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", folder.display()))
        .arg("--out-dir")
        .arg(&out)
        .arg(&source)
        .output()
        .expect("the compiler that built this test is there");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    std::fs::remove_dir_all(&out).expect("the temporary folder can be removed");
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// Asserts that the case fails and that the compiler shows each of these.
#[track_caller]
fn refused(name: &str, body: &str, shown: &[&str]) {
    let said = compile(name, body).expect_err("the case must not compile");
    for expected in shown {
        assert!(said.contains(expected), "not shown: {expected}\n---\n{said}");
    }
}

const FUNCTION: &str = "cannot be defined as a function of the registry";

#[test]
fn what_is_right_compiles() {
    let body = r#"
        wpc.define_function("none", || 1_u8).unwrap();
        wpc.define_function("one", |text: String| text.len()).unwrap();
        wpc.define_function("context", |ctx: &Context, a: u64, b: u64| a + b).unwrap();
        wpc.define_function("result", |n: u64| -> Result<u64, std::fmt::Error> { Ok(n) }).unwrap();
        wpc.define_function("string", fallible(|n: u64| -> Result<u64, String> { Ok(n) })).unwrap();
        wpc.define_function("macro", function!(|n: u64| -> Result<u64, String> { Ok(n) })).unwrap();
        let text = String::new();
        let _: Result<usize, _> = wpc.call("one", Ref(text.as_str()));
    "#;
    if let Err(said) = compile("right", body) {
        panic!("{said}");
    }
}

#[test]
fn a_borrowed_parameter_is_refused() {
    // The compiler's own message: it names the parameter's type and what that must be.
    let body = r#"wpc.define_function("f", |text: &str| text.len()).unwrap();"#;
    refused("borrowed", body, &["`&str` must implement", "for any lifetime"]);
}

#[test]
fn a_capture_that_is_not_sync_is_refused() {
    let body = r#"
        let shared = std::rc::Rc::new(1_u64);
        wpc.define_function("f", move |n: u64| n + *shared).unwrap();
    "#;
    refused("capture", body, &["`Rc<u64>` cannot be sent between threads safely", "IntoFunction"]);
}

#[test]
fn a_result_that_cannot_be_encoded_is_refused() {
    let body = r#"wpc.define_function("f", |n: u64| std::sync::Mutex::new(std::rc::Rc::new(n))).unwrap();"#;
    refused("result", body, &[FUNCTION, "the result must be `Serialize + Send + 'static`"]);
}

#[test]
fn a_ninth_parameter_is_refused() {
    let body = r#"
        wpc.define_function("f", |a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8| a).unwrap();
    "#;
    refused("nine", body, &[FUNCTION, "0 to 8 owned parameters"]);
}

#[test]
fn what_is_no_function_is_refused() {
    refused("number", r#"wpc.define_function("f", 5_u64).unwrap();"#, &["`u64`", FUNCTION]);
}

#[test]
fn a_serializable_error_without_a_word_is_ambiguous() {
    // The compiler cannot choose between value and outcome; its message names both kinds.
    let body = r#"wpc.define_function("f", |n: u64| -> Result<u64, String> { Ok(n) }).unwrap();"#;
    refused("ambiguous", body, &["ReturnsValue", "ReturnsResult"]);
}

#[test]
fn a_fallible_that_returns_no_result_is_refused() {
    refused("fallible", r#"wpc.define_function("f", fallible(|n: u64| n)).unwrap();"#, &["Result<"]);
}

#[test]
fn arguments_that_are_borrowed_are_refused() {
    let body = r#"
        let text = String::from("x");
        let _: Result<usize, _> = wpc.call("f", std::rc::Rc::new(text));
    "#;
    refused("arguments", body, &["cannot be the arguments of a call", "`Ref(&value)`"]);
}

#[test]
fn a_context_does_not_leave_its_thread() {
    let body = r#"
        wpc.define_function("f", |ctx: &Context| -> u64 {
            std::thread::scope(|scope| scope.spawn(|| ctx.call_id().get()).join().unwrap())
        }).unwrap();
    "#;
    refused("context", body, &["cannot be shared between threads safely"]);
}
