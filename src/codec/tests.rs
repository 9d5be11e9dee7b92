//! What the codec promises; a module for each kind of promise.

mod any;
mod conversion;
mod fuzz;
mod hostile;
mod limits;
mod refusal;
mod round_trip;

use serde::de::DeserializeOwned;
use serde::ser::Serialize;

use super::{CONVERSION_BYTES_MAX, DecodeError, EncodeError, decode, encode};

/// The encoding of a value that is not refused.
#[track_caller]
fn bytes_of<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    encode(value, CONVERSION_BYTES_MAX).unwrap()
}

/// What is left of a value of one type when another reads it.
#[track_caller]
fn convert<T: DeserializeOwned>(value: &(impl Serialize + ?Sized)) -> Result<T, DecodeError> {
    decode(&bytes_of(value))
}

/// The refusal of a value.
#[track_caller]
fn refusal_of<T: Serialize + ?Sized>(value: &T) -> EncodeError {
    encode(value, CONVERSION_BYTES_MAX).unwrap_err()
}

/// A generator that gives the same numbers in every run (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }
}
