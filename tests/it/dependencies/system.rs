//! C libraries of the system.
//!
//! # Rules
//!
//! 1. A type that is written here for a C function is that of its documentation, and what it is called with is what that
//!    allows: `cos` takes every number; `crc32` reads as many bytes as it is told, which are there.

#![expect(unsafe_code, reason = "a C function is called, of which only its documentation says what it takes")]

use wpc::{
    CallError, Context, DefineError, Dylib, Function, FunctionError, ImportError, Requirement, function,
};

use crate::support::{Watchdog, plugin, pool, text_of};

type Cosine = unsafe extern "C" fn(f64) -> f64;
type Checksum = unsafe extern "C" fn(u64, *const u8, u32) -> u64;

/// The value of `crc32` for the nine digits, as every description of it has it.
const CHECK: u64 = 0xCBF4_3926;

mod d11_the_symbols_of_a_c_library_are_called_by_one_unsafe_call {
    use super::*;

    #[test]
    fn of_the_mathematical_library() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let math = Dylib::system("libm.so.6").symbols(["cos"]);
        wpc.define_dependency("math", math).expect("it is everywhere");
        let cosine = function!(|ctx: &Context, angle: f64| -> Result<f64, FunctionError> {
            let cos = ctx.import("math")?.symbol::<Cosine>("cos")?;
            // SAFETY: rule 1.
            Ok(unsafe { cos(angle) })
        });
        wpc.define_function("cosine", cosine).expect("a good function");
        wpc.start_workers(2).expect("they start");
        for angle in [0.0_f64, 1.0, 3.0] {
            let found: f64 = wpc.call("cosine", angle).expect("a value");
            assert!((found - angle.cos()).abs() < 1e-12, "the cosine of {angle} is not {found}");
        }
        let info = &wpc.dependencies()[0];
        assert_eq!(
            (info.origin.as_str(), info.library_hash_sha1, info.installed_worker_count),
            ("libm.so.6", None, 2)
        );
        assert_eq!((info.exports[0].name.as_str(), &info.exports[0].signature), ("cos", &None));
    }

    #[test]
    fn of_the_compression_library_where_it_is() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let zlib = Dylib::system("libz.so.1").symbols(["crc32"]);
        if let Err(error) = wpc.define_dependency("zlib", zlib) {
            let text = text_of(&error);
            assert!(text.contains("found no library `libz.so.1`"), "{text}");
            return;
        }
        let checksum = function!(|ctx: &Context, text: String| -> Result<u64, FunctionError> {
            let crc32 = ctx.import("zlib")?.symbol::<Checksum>("crc32")?;
            let length = u32::try_from(text.len())?;
            // SAFETY: rule 1.
            Ok(unsafe { crc32(0, text.as_ptr(), length) })
        });
        wpc.define_function("checksum", checksum).expect("a good function");
        wpc.start_workers(1).expect("it starts");
        assert_eq!(wpc.call::<u64>("checksum", "123456789").expect("a value"), CHECK);
    }

    #[test]
    fn and_a_symbol_that_is_missing_is_named_when_it_is_defined() {
        let _watchdog = Watchdog::start();
        let wpc = pool();
        let error = wpc
            .define_dependency("math", Dylib::system("libm.so.6").symbols(["cos", "kosinus"]))
            .expect_err("it has no such symbol");
        assert!(matches!(error, DefineError::Load { .. }), "{error:?}");
        assert_eq!(
            text_of(&error),
            "dependency `math` cannot be loaded: `libm.so.6` has no symbol `kosinus`"
        );
        assert!(wpc.dependencies().is_empty());
    }
}

#[test]
fn a_plugin_has_no_symbols_and_a_c_library_no_functions() {
    let _watchdog = Watchdog::start();
    let wpc = pool();
    wpc.define_dependency("math", Dylib::system("libm.so.6").symbols(["cos"])).expect("it is everywhere");
    wpc.define_dependency("text", plugin("text")).expect("it is a plugin");
    let symbol = |ctx: &Context, alias: String, name: String| -> Result<(), ImportError> {
        ctx.import(&alias)?.symbol::<Cosine>(&name).map(drop)
    };
    wpc.define_function("symbol", symbol).expect("a good function");
    let call = |ctx: &Context| -> Result<f64, ImportError> { ctx.import("math")?.call("cos", 0.0) };
    wpc.define_function("call", Function::new(call).requires(Requirement::dependency("math")))
        .expect("a good function");
    wpc.start_workers(1).expect("it starts");
    wpc.call::<()>("symbol", ("math", "cos")).expect("it is listed");
    for (result, expected) in [
        (wpc.call::<()>("symbol", ("text", "basename")), "dependency `text` is a plugin: use `call`"),
        (wpc.call::<()>("symbol", ("math", "sin")), "dependency `math` has no `sin`; it has: cos"),
        (wpc.call::<f64>("call", ()).map(|_| ()), "dependency `math` is a C library: use `symbol`"),
    ] {
        let Err(CallError::Failed(error)) = result else { panic!("{result:?} is not: {expected}") };
        assert_eq!(error.message(), expected);
    }
}
