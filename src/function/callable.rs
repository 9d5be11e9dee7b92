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
    fn call(&self, context: &Context, arguments: Self::Arguments) -> Self::Output;

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

            fn call(&self, _: &Context, $pattern: $arguments) -> O {
                self($($value),*)
            }

            fn parameter_types() -> Vec<&'static str> {
                vec![$(std::any::type_name::<$parameter>()),*]
            }
        }

        impl<F, O, $($parameter),*> Callable<WithContext<fn($($parameter),*) -> O>> for F
        where
            F: Fn(&Context, $($parameter),*) -> O + Send + Sync + 'static,
            O: 'static,
            $($parameter: Parameter),*
        {
            type Arguments = $arguments;
            type Output = O;

            fn call(&self, context: &Context, $pattern: $arguments) -> O {
                self(context, $($value),*)
            }

            fn parameter_types() -> Vec<&'static str> {
                vec![$(std::any::type_name::<$parameter>()),*]
            }
        }
    };
}

callable!((), (),);
callable!(A, a, A a);
callable!((A, B), (a, b), A a, B b);
callable!((A, B, C), (a, b, c), A a, B b, C c);
callable!((A, B, C, D), (a, b, c, d), A a, B b, C c, D d);
callable!((A, B, C, D, E), (a, b, c, d, e), A a, B b, C c, D d, E e);
callable!((A, B, C, D, E, G), (a, b, c, d, e, g), A a, B b, C c, D d, E e, G g);
callable!((A, B, C, D, E, G, H), (a, b, c, d, e, g, h), A a, B b, C c, D d, E e, G g, H h);
callable!((A, B, C, D, E, G, H, I), (a, b, c, d, e, g, h, i), A a, B b, C c, D d, E e, G g, H h, I i);
