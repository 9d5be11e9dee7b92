//! A plugin's functions and its state as types, so that the C side is generic over them.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::abi;
use crate::codec::{self, Failure, Misfit};
use crate::error::PluginError;
use crate::fence::{self, Panicked};
use crate::type_name::short;

/// What can be a parameter of a function: any owned type that can be decoded.
///
/// It exists to give the compiler a name for its message; it is implemented for all `T: DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a plugin's function",
    note = "parameters must be `serde::de::DeserializeOwned`, so owned: `String` instead of `&str`"
)]
pub trait Parameter: DeserializeOwned {}

impl<T: DeserializeOwned> Parameter for T {}

/// The parameters of a function as one tuple: of 0 to 8 owned values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameters of a plugin's function",
    note = "a function takes at most 8 of them, behind an optional `&mut` to the plugin's state; put more into a struct"
)]
pub trait Arguments: Sized {
    #[doc(hidden)]
    const TYPE: fn() -> &'static str;

    #[doc(hidden)]
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

macro_rules! arguments {
    ($tuple:ty, $value:ty, $decode:expr, $($parameter:ident),*) => {
        impl<$($parameter: Parameter),*> Arguments for $tuple {
            const TYPE: fn() -> &'static str = type_name::<$value>;

            fn decode(bytes: &[u8]) -> Result<Self, String> {
                $decode(bytes)
            }
        }
    };
}

arguments!((), (), codec::decode,);
// A single argument travels as itself.
arguments!((P1,), P1, |bytes| codec::decode(bytes).map(|only| (only,)), P1);
arguments!((P1, P2), Self, codec::decode, P1, P2);
arguments!((P1, P2, P3), Self, codec::decode, P1, P2, P3);
arguments!((P1, P2, P3, P4), Self, codec::decode, P1, P2, P3, P4);
arguments!((P1, P2, P3, P4, P5), Self, codec::decode, P1, P2, P3, P4, P5);
arguments!((P1, P2, P3, P4, P5, P6), Self, codec::decode, P1, P2, P3, P4, P5, P6);
arguments!((P1, P2, P3, P4, P5, P6, P7), Self, codec::decode, P1, P2, P3, P4, P5, P6, P7);
arguments!((P1, P2, P3, P4, P5, P6, P7, P8), Self, codec::decode, P1, P2, P3, P4, P5, P6, P7, P8);

/// A function of a plugin. `export_plugin!` makes one of each line.
#[doc(hidden)]
pub trait Function {
    /// The plugin's state, or `()` if the function takes none.
    type State;
    /// The parameters behind the state.
    type Arguments: Arguments;

    /// Calls it.
    fn run(state: &mut Self::State, arguments: Self::Arguments) -> Result<impl Serialize, PluginError>;
}

/// Makes the state of one worker. `export_plugin!` makes one of its line `state`.
#[doc(hidden)]
pub trait Open {
    /// The plugin's state.
    type State: 'static;

    /// Makes it.
    fn open() -> Result<Self::State, PluginError>;
}

/// Why a call ended without a result.
pub(crate) enum Setback {
    Failed(PluginError),
    Panicked(String),
    Misfit(Misfit),
    Unencodable(String),
}

impl From<Panicked> for Setback {
    fn from(panicked: Panicked) -> Self {
        Self::Panicked(panicked.0)
    }
}

impl Setback {
    /// What the host is told of it.
    pub(crate) fn status(&self) -> u32 {
        match self {
            Self::Failed(_) => abi::STATUS_FAILED,
            Self::Panicked(_) => abi::STATUS_PANICKED,
            Self::Misfit(_) => abi::STATUS_MISFIT,
            Self::Unencodable(_) => abi::STATUS_UNENCODABLE,
        }
    }

    /// The output that goes with the status.
    pub(crate) fn into_output(self) -> Vec<u8> {
        let encoded = match self {
            Self::Panicked(text) | Self::Unencodable(text) => Ok(text.into_bytes()),
            Self::Failed(error) => codec::encode(&Failure(error)),
            Self::Misfit(misfit) => codec::encode(&misfit),
        };
        encoded.expect("texts and maps of texts can be encoded")
    }
}

/// Serves a call; the bytes of its result.
///
/// The result is encoded whole before anything is written, so that no half of it is in the way of the reason if the rest
/// cannot be. Each step has a fence of its own: a panic in one does not unwind through the values of another, whose own
/// drops might panic too.
pub(crate) fn serve<F: Function>(state: &mut F::State, bytes: &[u8]) -> Result<Vec<u8>, Setback> {
    let decoded = fence::run(|| F::Arguments::decode(bytes))?;
    let arguments = decoded
        .map_err(|reason| Setback::Misfit(Misfit { expected: short((F::Arguments::TYPE)()), reason }))?;
    let value = fence::run(|| F::run(state, arguments))?.map_err(Setback::Failed)?;
    let encoded = fence::run(|| codec::encode(&value));
    fence::run(|| drop(value))?;
    encoded?.map_err(Setback::Unencodable)
}

/// Makes a state.
pub(crate) fn open<O: Open>() -> Result<Box<O::State>, Setback> {
    fence::run(|| O::open().map(Box::new))?.map_err(Setback::Failed)
}

/// Frees a state.
pub(crate) fn close<S>(state: Box<S>) -> Result<(), Setback> {
    Ok(fence::run(|| drop(state))?)
}
