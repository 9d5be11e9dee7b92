//! `export_plugin!`, and what it is made of.
//!
//! # Safety
//!
//! 1. The symbol is a name of this kit, and a library says it once: the compiler refuses a second one. So nothing else is
//!    found under it, and it is what a host takes it for.

/// Makes a dynamic library a plugin: exports its functions under the symbol that a host looks for.
///
/// ```text
/// export_plugin! {
///     name: "text",                                        // default: the package's name
///     version: "1.2",                                      // default: the package's version
///     state: Tally = Tally::open,                          // default: none
///     functions: {
///         fn basename(path: String) -> String;
///         fn seen(tally: &mut Tally, word: String) -> u64;
///         fn hash(bytes: Vec<u8>) -> io::Result<String> = digest::sha1;
///     }
/// }
/// ```
///
/// A library says it once. What may be left out may be left out alone; the order is fixed.
///
/// `name` and `version` are constant texts.
///
/// `state` is a type and what makes a value of it: a function without parameters, or a closure that captures nothing,
/// which returns the value or a `Result`. Each worker has one, made before its first call and dropped when it ends, on
/// that worker's own thread, so that it need be neither `Send` nor `Sync`. A function that panics leaves it as it is: the
/// host drops it and makes a new one before the next call.
///
/// Each line of `functions` is the head of the function of that name that is in scope, which it is checked against; after
/// `=` it is any other function's, or a closure's that captures nothing. The line, without the state, is what the host
/// shows as the function's signature. A function takes
///
/// - first, if it wants, the state: `name: &mut State`;
/// - then 0 to 8 parameters of owned types that are `serde::de::DeserializeOwned`. One argument travels as itself, several
///   as one array, none as nil.
///
/// It returns a value that is `serde::Serialize`, or a `Result` of such a value and an error, which is always the call's
/// outcome and never a value. The error is anything that converts into `Box<dyn Error>`, `String`, `&str` and
/// [`PluginError`](crate::PluginError) among it, or a `Box<dyn Error + Send + Sync>`.
///
/// What the plugin's own code panics with ends at the plugin's edge and becomes the outcome. That holds for making and
/// dropping the state, for decoding arguments and encoding results, and for dropping any of them.
///
/// # Examples
///
/// ```standalone_crate
/// use std::io;
///
/// use wpc_plugin::PluginError;
///
/// wpc_plugin::export_plugin! {
///     name: "tally",
///     version: env!("CARGO_PKG_VERSION"),
///     state: Tally = || Tally { words: 0 },
///     functions: {
///         fn add(tally: &mut Tally, text: String) -> u64;
///         fn remove(tally: &mut Tally, words: u64) -> Result<u64, PluginError>;
///         fn size_of_file(path: String) -> io::Result<u64> = |path| Ok(std::fs::metadata(path)?.len());
///     }
/// }
///
/// struct Tally {
///     words: u64,
/// }
///
/// fn add(tally: &mut Tally, text: String) -> u64 {
///     tally.words += text.split_whitespace().count() as u64;
///     tally.words
/// }
///
/// fn remove(tally: &mut Tally, words: u64) -> Result<u64, PluginError> {
///     let left = tally.words.checked_sub(words);
///     tally.words = left.ok_or_else(|| {
///         PluginError::new("TooFew", "more words than there are").with_detail("words", tally.words)
///     })?;
///     Ok(tally.words)
/// }
/// ```
///
/// A line may have doc comments. Parameters are owned, but for the state.
///
/// A line that does not say what the function is does not compile:
///
/// ```compile_fail,E0308
/// wpc_plugin::export_plugin! { functions: { fn half(n: u32) -> u64; } }
/// fn half(n: u64) -> u64 {
///     n / 2
/// }
/// ```
///
/// Nor does one whose state is not the plugin's:
///
/// ```compile_fail,E0308
/// wpc_plugin::export_plugin! { state: u64 = || 0, functions: { fn next(state: &mut u32) -> u32; } }
/// fn next(state: &mut u32) -> u32 {
///     *state += 1;
///     *state
/// }
/// ```
///
/// Nor two of one name:
///
/// ```compile_fail,E0428
/// wpc_plugin::export_plugin! { functions: { fn zero() -> u64; fn zero() -> u64; } }
/// fn zero() -> u64 {
///     0
/// }
/// ```
///
/// Nor parameters that are borrowed, or more than eight:
///
/// ```compile_fail
/// wpc_plugin::export_plugin! { functions: { fn length(text: &str) -> usize; } }
/// fn length(text: &str) -> usize {
///     text.len()
/// }
/// ```
///
/// ```compile_fail,E0277
/// wpc_plugin::export_plugin! {
///     functions: { fn nine(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8) -> u8; }
/// }
/// fn nine(a: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8) -> u8 {
///     a
/// }
/// ```
///
/// Nor results that cannot be encoded, or whose error is none:
///
/// ```compile_fail,E0277
/// wpc_plugin::export_plugin! { functions: { fn now() -> std::time::Instant; } }
/// fn now() -> std::time::Instant {
///     std::time::Instant::now()
/// }
/// ```
///
/// ```compile_fail,E0277
/// wpc_plugin::export_plugin! { functions: { fn odd(n: u64) -> Result<u64, u64>; } }
/// fn odd(n: u64) -> Result<u64, u64> {
///     if n % 2 == 1 { Ok(n) } else { Err(n) }
/// }
/// ```
///
/// Nor a name that no host takes:
///
/// ```compile_fail,E0080
/// wpc_plugin::export_plugin! { functions: { fn größe() -> u64; } }
/// fn größe() -> u64 {
///     0
/// }
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($($plugin:tt)*) => {
        const _: () = {
            // SAFETY: rule 1: no other symbol has this name, and the static is of the type that a host reads.
            #[unsafe(export_name = "wpc_plugin")]
            static __WPC_PLUGIN: $crate::abi::Descriptor = $crate::__descriptor!($($plugin)*);
        };
    };
}

/// The descriptor as a constant expression, exported by nobody.
#[doc(hidden)]
#[macro_export]
macro_rules! __descriptor {
    (
        $(name: $name:expr,)?
        $(version: $version:expr,)?
        $(state: $state:ty = $open:expr,)?
        functions: { $($functions:tt)* } $(,)?
    ) => {{
        // The type of the state, for all functions that take it.
        #[allow(dead_code)] // tidy: macro. A plugin whose functions take no state has none to name.
        type __WpcState = $crate::__or!([$($state)?] ::core::convert::Infallible);
        const __WPC_FUNCTIONS: &[$crate::abi::FunctionEntry] =
            $crate::__functions!(__WpcState { $($functions)* });
        $crate::__private::Parts {
            name: $crate::__or!([$($name)?] ::core::env!("CARGO_PKG_NAME")),
            version: $crate::__or!([$($version)?] ::core::env!("CARGO_PKG_VERSION")),
            panics: if ::core::cfg!(panic = "abort") {
                $crate::abi::PANICS_ABORT
            } else {
                $crate::abi::PANICS_UNWIND
            },
            state: $crate::__state!($($state = $open)?),
            functions: __WPC_FUNCTIONS,
        }
        .descriptor()
    }};
}

/// The first in brackets, or else what follows.
#[doc(hidden)]
#[macro_export]
macro_rules! __or {
    ([] $($default:tt)*) => { $($default)* };
    ([$($given:tt)+] $($default:tt)*) => { $($given)+ };
}

/// What makes and frees the state.
#[doc(hidden)]
#[macro_export]
macro_rules! __state {
    () => {
        ::core::option::Option::None
    };
    ($state:ty = $open:expr) => {{
        struct __WpcOpen;
        impl $crate::__private::Open for __WpcOpen {
            type State = $state;
            fn open() -> ::core::result::Result<$state, $crate::PluginError> {
                $crate::__outcome!(($open)())
            }
        }
        ::core::option::Option::Some((
            $crate::__private::init::<__WpcOpen> as $crate::abi::Init,
            $crate::__private::free::<$state> as $crate::abi::Free,
        ))
    }};
}

/// The entries of the functions, as a constant slice.
#[doc(hidden)]
#[macro_export]
macro_rules! __functions {
    ($state:ident {
        $($(#[doc = $doc:expr])* fn $name:ident $parameters:tt $(-> $returns:ty)? $(= $function:expr)?;)*
    }) => {{
        // The compiler refuses two of one name.
        #[allow(dead_code, non_camel_case_types)] // tidy: macro. It is there to be checked.
        enum __WpcNames { $($(#[doc = $doc])* $name),* }
        const __WPC_ENTRIES: &[$crate::abi::FunctionEntry] =
            &[$($crate::__function!($state $name $parameters [$($returns)?] [$($function)?])),*];
        __WPC_ENTRIES
    }};
}

/// The entry of a function. What it is in the end, a constant, stands outside of where its parameters' names are known.
#[doc(hidden)]
#[macro_export]
macro_rules! __function {
    ($plugin:ident $name:ident $parameters:tt [] $function:tt) => {
        $crate::__function!($plugin $name $parameters [()] $function)
    };
    ($plugin:ident $name:ident $parameters:tt [$returns:ty] []) => {
        $crate::__function!($plugin $name $parameters [$returns] [$name])
    };
    (
        $plugin:ident $name:ident
        ($state:ident: &mut $State:ty $(, $parameter:ident: $type:ty)* $(,)?)
        [$returns:ty] [$function:expr]
    ) => {{
        const __WPC_FUNCTION: fn(&mut $State $(, $type)*) -> $returns = $function;
        struct __WpcFunction;
        impl $crate::__private::Function for __WpcFunction {
            type State = $plugin;
            type Arguments = ($($type,)*);
            fn run(
                state: &mut $plugin,
                ($($parameter,)*): ($($type,)*),
            ) -> ::core::result::Result<impl $crate::__private::Serialize, $crate::PluginError> {
                $crate::__outcome!(__WPC_FUNCTION(state $(, $parameter)*))
            }
        }
        $crate::__private::entry(
            ::core::stringify!($name),
            $crate::__signature!([$($parameter: $type),*] $returns),
            $crate::__private::call_with_state::<__WpcFunction>,
        )
    }};
    (
        $plugin:ident $name:ident
        ($($parameter:ident: $type:ty),* $(,)?)
        [$returns:ty] [$function:expr]
    ) => {{
        const __WPC_FUNCTION: fn($($type),*) -> $returns = $function;
        struct __WpcFunction;
        impl $crate::__private::Function for __WpcFunction {
            type State = ();
            type Arguments = ($($type,)*);
            fn run(
                _: &mut (),
                ($($parameter,)*): ($($type,)*),
            ) -> ::core::result::Result<impl $crate::__private::Serialize, $crate::PluginError> {
                $crate::__outcome!(__WPC_FUNCTION($($parameter),*))
            }
        }
        $crate::__private::entry(
            ::core::stringify!($name),
            $crate::__signature!([$($parameter: $type),*] $returns),
            $crate::__private::call::<__WpcFunction>,
        )
    }};
}

/// How a function reads, without its name and without the state.
#[doc(hidden)]
#[macro_export]
macro_rules! __signature {
    ([] $returns:ty) => { ::core::concat!("() -> ", ::core::stringify!($returns)) };
    ([$first:ident: $type:ty $(, $parameter:ident: $types:ty)*] $returns:ty) => {
        ::core::concat!(
            "(", ::core::stringify!($first), ": ", ::core::stringify!($type),
            $(", ", ::core::stringify!($parameter), ": ", ::core::stringify!($types),)*
            ") -> ", ::core::stringify!($returns),
        )
    };
}

/// What was returned, as an outcome.
#[doc(hidden)]
#[macro_export]
macro_rules! __outcome {
    ($returned:expr) => {{
        #[allow(unused_imports)] // tidy: macro. One of them is used, whichever fits what was returned.
        use $crate::__private::{AnyResult as _, BoxedResult as _, Value as _};
        (&&&::core::cell::Cell::new(::core::option::Option::Some($returned))).__wpc_outcome()
    }};
}
