//! What the fuzz tests share: inputs that are nearly right, drawn from a seed, and what each of them may cost.
//!
//! `WPC_FUZZ_SEED` and `WPC_FUZZ_INPUTS` say which inputs, and how many of them.

mod allocation;
mod chance;
#[path = "../examples/shared/split_mix.rs"]
mod split_mix;

use std::time::{Duration, Instant};

pub(crate) use chance::Chance;
pub(crate) use split_mix::SplitMix;

/// The variables that a seed and the number of inputs are read from.
const SEED_VARIABLE: &str = "WPC_FUZZ_SEED";
const INPUTS_VARIABLE: &str = "WPC_FUZZ_INPUTS";

/// The inputs of a run that is not told how many.
const INPUTS: u64 = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
const SEED: u64 = 1;

/// I16: bytes that may be allocated ahead of the bytes that are read.
const AHEAD_BYTES_MAX: usize = 1 << 20;

/// What one byte of the input may take up in memory besides, which is the types' own affair: the largest element here that
/// one byte can stand for has 64 bytes, and a vector that grows has twice the room it needs.
const BYTES_OF_A_BYTE_MAX: usize = 128;

/// How long one input may take, once that code is optimised.
const TIME_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 10 });

/// What took longer is read so often again at the most: a machine that has other things to do has them only now and then.
const AGAIN_MAX: usize = 9;

/// The bytes of a failing input that are shown.
const SHOWN_BYTES_MAX: usize = 512;

/// One fuzz test: how many inputs there are to come, and what those before came to.
pub(crate) struct Fuzz {
    name: &'static str,
    now: fn() -> Instant,
    seed: u64,
    inputs: u64,
    done: u64,
    chance: Chance,
    accepted: u64,
    refused: u64,
    /// The longest time, and the most bytes allocated, each with the length of its input.
    slowest: (Duration, usize),
    largest: (usize, usize),
}

impl Fuzz {
    /// Begins, by the variables of the environment.
    pub(crate) fn start(name: &'static str, now: fn() -> Instant) -> Self {
        let (seed, inputs) =
            (number(SEED_VARIABLE).unwrap_or(SEED), number(INPUTS_VARIABLE).unwrap_or(INPUTS));
        println!("fuzz of {name}: seed {seed}, {inputs} inputs");
        Self {
            name,
            now,
            seed,
            inputs,
            done: 0,
            chance: Chance::new(seed),
            accepted: 0,
            refused: 0,
            slowest: (Duration::ZERO, 0),
            largest: (0, 0),
        }
    }

    /// What inputs are drawn from.
    pub(crate) fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }

    /// What the next input is drawn from; none after the last.
    pub(crate) fn next(&mut self) -> Option<&mut Chance> {
        let is_left = self.done < self.inputs;
        self.done += u64::from(is_left);
        is_left.then_some(&mut self.chance)
    }

    /// Reads an input, and holds what that costs against what it may; what is accepted comes back.
    pub(crate) fn read<T, E>(&mut self, input: &[u8], read: impl Fn(&[u8]) -> Result<T, E>) -> Option<T> {
        let shown = Shown { input, seed: self.seed, number: self.done };
        let begin = (self.now)();
        let (result, allocated) = allocation::peak_of(|| read(input));
        let mut took = (self.now)() - begin;
        for _ in 0..AGAIN_MAX {
            if took <= TIME_MAX {
                break;
            }
            let begin = (self.now)();
            drop(read(input));
            took = took.min((self.now)() - begin);
        }
        assert!(took <= TIME_MAX, "it took {took:?} each time, {TIME_MAX:?} at most");
        let allowed = AHEAD_BYTES_MAX + BYTES_OF_A_BYTE_MAX * input.len();
        assert!(allocated <= allowed, "I16: {allocated} bytes for {} bytes, {allowed} at most", input.len());
        std::mem::forget(shown);
        self.slowest = self.slowest.max((took, input.len()));
        self.largest = self.largest.max((allocated, input.len()));
        *if result.is_ok() { &mut self.accepted } else { &mut self.refused } += 1;
        result.ok()
    }

    /// Says what all of it came to: both answers must have been given, else the inputs were too coarse or too tame.
    pub(crate) fn end(self) {
        let Self { name, seed, inputs, accepted, refused, slowest, largest, .. } = self;
        println!(
            "fuzz of {name}: seed {seed}, {inputs} inputs, {accepted} times accepted, {refused} times refused; at most \
             {:.3} ms (for {} bytes) and {} bytes allocated (for {} bytes)",
            slowest.0.as_secs_f64() * 1e3,
            slowest.1,
            largest.0,
            largest.1,
        );
        let share = (accepted + refused) / 1_000;
        assert!(accepted > share && refused > share, "the inputs do not reach both answers");
    }
}

/// Shows an input when it is dropped: it was read to no end.
struct Shown<'a> {
    input: &'a [u8],
    seed: u64,
    number: u64,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let shown = &self.input[..self.input.len().min(SHOWN_BYTES_MAX)];
        println!("seed {}, input {}, {} bytes: {shown:02x?}", self.seed, self.number, self.input.len());
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text}: it must be a whole number")))
}
