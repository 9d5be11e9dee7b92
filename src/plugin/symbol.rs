//! [`Symbol`]: a function of a C library, of the type that its caller says it has.
//!
//! # Rules
//!
//! 1. Each type of [`CFunction`] is a pointer to a function: as large as an address, and valid for any that is not null.
//! 2. What an address leads to is for the caller of the function to say, in the `unsafe` block of the call. The address
//!    is valid as long as the process lives, because a library is never unloaded.

#![expect(unsafe_code, reason = "an address becomes the function that its caller says is there")]

use std::ffi::c_void;
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::function::{Import, ImportError};

/// A type of C functions: `unsafe extern "C" fn(..) -> R` with up to 8 parameters, none of them a reference: what C
/// points to is a pointer. Nothing else has this trait.
pub trait CFunction: Copy + sealed::Sealed {}

mod sealed {
    /// Keeps [`CFunction`](super::CFunction) to the types that are listed here.
    #[expect(unnameable_types, reason = "what cannot be named cannot be implemented anywhere else")]
    pub trait Sealed {}
}

macro_rules! c_functions {
    ($($parameter:ident)*) => {
        impl<$($parameter,)* R> sealed::Sealed for unsafe extern "C" fn($($parameter),*) -> R {}
        impl<$($parameter,)* R> CFunction for unsafe extern "C" fn($($parameter),*) -> R {}
    };
}

c_functions!();
c_functions!(A);
c_functions!(A B);
c_functions!(A B C);
c_functions!(A B C D);
c_functions!(A B C D E);
c_functions!(A B C D E F);
c_functions!(A B C D E F G);
c_functions!(A B C D E F G H);

/// A function of a C library, as [`Import::symbol`] gives it.
///
/// The library is never unloaded, so that a symbol may be copied, kept and sent to other threads.
///
/// # Calling it
///
/// The call is `unsafe`. Who calls it says that the function really has this type, that it may be called with these
/// arguments, and that it may be called from this thread while others call it. No panic and no exception may leave it.
#[derive(Clone, Copy)]
pub struct Symbol<F> {
    function: F,
}

impl<F: CFunction> Symbol<F> {
    fn at(address: NonNull<c_void>) -> Self {
        const { assert!(size_of::<F>() == size_of::<NonNull<c_void>>()) };
        // SAFETY: rule 1: the sizes are equal, and the address is not null; rule 2 for what is there.
        Self { function: unsafe { std::mem::transmute_copy(&address) } }
    }
}

impl<F: CFunction> Deref for Symbol<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.function
    }
}

impl<F> fmt::Debug for Symbol<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbol").field("type", &std::any::type_name::<F>()).finish_non_exhaustive()
    }
}

impl Import<'_> {
    /// The function `name` of a C library, one of those that were listed with [`Dylib::symbols`](crate::Dylib::symbols).
    ///
    /// `F` is what the caller says the function is: nothing can check it. See [`Symbol`] for what a call needs.
    ///
    /// # Errors
    ///
    /// [`ImportError::NoFunction`] for a symbol that was not listed, [`ImportError::WrongKind`] for a plugin.
    ///
    /// # Examples
    ///
    /// ```
    /// use wpc::{Context, Dylib, FunctionError, Wpc, function};
    /// let wpc = Wpc::builder().build()?;
    /// wpc.define_dependency("math", Dylib::system("libm.so.6").symbols(["cos"]))?;
    /// wpc.define_function(
    ///     "cosine",
    ///     function!(|ctx: &Context, angle: f64| -> Result<f64, FunctionError> {
    ///         let cos = ctx.import("math")?.symbol::<unsafe extern "C" fn(f64) -> f64>("cos")?;
    ///         // SAFETY: C's `cos` has this type, takes every number, and may run on any thread.
    ///         Ok(unsafe { cos(angle) })
    ///     }),
    /// )?;
    /// wpc.start_workers(1)?;
    /// assert_eq!(wpc.call::<f64>("cosine", 0.0)?, 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn symbol<F: CFunction>(&self, name: &str) -> Result<Symbol<F>, ImportError> {
        self.address(name).map(Symbol::at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn sum(one: u32, other: u32) -> u32 {
        one + other
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_function_of_the_mathematical_library_computes() {
        let image =
            crate::plugin::image::Image::open("libm.so.6".as_ref()).expect("every program can have it");
        let address = image.address("cos").expect("it has been there for fifty years");
        let cos = Symbol::<unsafe extern "C" fn(f64) -> f64>::at(address.get());
        // SAFETY: rule 2: C's `cos` has this type, takes every number, and may run on any thread.
        let one = unsafe { cos(0.0) };
        assert!((one - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn an_address_becomes_the_function_that_is_there() {
        let address = NonNull::new(sum as *mut c_void).expect("a function has an address");
        let symbol = Symbol::<unsafe extern "C" fn(u32, u32) -> u32>::at(address);
        let copy = symbol;
        // SAFETY: rule 2: it is the function above, which takes any two numbers whose sum is one.
        assert_eq!(unsafe { symbol(3, 4) }, 7);
        // SAFETY: rule 2: as above.
        assert_eq!(unsafe { copy(0, 1) }, 1);
        assert!(format!("{symbol:?}").contains("fn(u32, u32) -> u32"), "{symbol:?}");
    }
}
