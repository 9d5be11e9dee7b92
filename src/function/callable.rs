//! Closures and functions of up to eight owned parameters, with or without the context, as one shape.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::Context;

/// What can be a parameter of a function: any owned type that can be decoded.
///
/// It exists to give the compiler a name for its message; it is implemented for all `T: DeserializeOwned + Send + 'static`.
pub trait Parameter: DeserializeOwned + Send + 'static {}

impl<T: DeserializeOwned + Send + 'static> Parameter for T {}

/// A closure or function that can be called with its arguments as one value. `M` is the shape of its signature.
pub trait Callable<M>: Send + Sync + 'static {
    /// The arguments as one value: `()`, the one parameter itself, or a tuple.
    type Arguments: Parameter;
    /// What it returns.
    type Output: 'static;

    #[doc(hidden)]
    fn call(&self, context: &Context<'_>, arguments: Self::Arguments) -> Self::Output;

    #[doc(hidden)]
    fn parameter_types() -> Vec<&'static str>;
}

/// Marks the shape of a function that takes `&Context` first.
#[derive(Debug)]
pub struct WithContext<F>(PhantomData<F>);

macro_rules! callable {
    ($arguments:ty, $pattern:pat, $($parameter:ident $value:ident),*) => {
        impl<F, O, $($parameter),*> Callable<fn($($parameter),*) -> O> for F
        where
            F: Fn($($parameter),*) -> O + Send + Sync + 'static,
            O: 'static,
            $($parameter: Parameter),*
        {
            type Arguments = $arguments;
            type Output = O;

            fn call(&self, _: &Context<'_>, $pattern: $arguments) -> O {
                self($($value),*)
            }

            fn parameter_types() -> Vec<&'static str> {
                vec![$(std::any::type_name::<$parameter>()),*]
            }
        }

        impl<F, O, $($parameter),*> Callable<WithContext<fn($($parameter),*) -> O>> for F
        where
            F: Fn(&Context<'_>, $($parameter),*) -> O + Send + Sync + 'static,
            O: 'static,
            $($parameter: Parameter),*
        {
            type Arguments = $arguments;
            type Output = O;

            fn call(&self, context: &Context<'_>, $pattern: $arguments) -> O {
                self(context, $($value),*)
            }

            fn parameter_types() -> Vec<&'static str> {
                vec![$(std::any::type_name::<$parameter>()),*]
            }
        }
    };
}

callable!((), (),);
callable!(P1, p1, P1 p1);
callable!((P1, P2), (p1, p2), P1 p1, P2 p2);
callable!((P1, P2, P3), (p1, p2, p3), P1 p1, P2 p2, P3 p3);
callable!((P1, P2, P3, P4), (p1, p2, p3, p4), P1 p1, P2 p2, P3 p3, P4 p4);
callable!((P1, P2, P3, P4, P5), (p1, p2, p3, p4, p5), P1 p1, P2 p2, P3 p3, P4 p4, P5 p5);
callable!((P1, P2, P3, P4, P5, P6), (p1, p2, p3, p4, p5, p6), P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6);
callable!((P1, P2, P3, P4, P5, P6, P7), (p1, p2, p3, p4, p5, p6, p7), P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6, P7 p7);
callable!((P1, P2, P3, P4, P5, P6, P7, P8), (p1, p2, p3, p4, p5, p6, p7, p8), P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6, P7 p7, P8 p8);
