//! Files that are no libraries, in numbers: none makes the look at their headers panic, or take long, or reserve much.

use std::path::Path;

use super::tests::{SIZE, minimal};
use super::{Field, LAYOUT, check};
use crate::clock::Clock;
use crate::fuzz::{Chance, Fuzz};
use crate::plugin::error::LoadError;
use crate::plugin::image::mapped_library;

/// The bytes of a real library that are looked at: its header, its segments' entries, and some more.
const HEAD_BYTES: usize = 4 << 10;

/// The fields of a header, and those of a segment's entry.
const FIELDS: &[Field] = &[
    LAYOUT.segments,
    LAYOUT.sections,
    LAYOUT.section_size,
    LAYOUT.section_count,
    LAYOUT.segment_size,
    LAYOUT.segment_count,
];
const SEGMENT_FIELDS: &[Field] = &[Field(0, 4), LAYOUT.offset, LAYOUT.length];

/// A field gets one of the numbers that are hardest to add up and to multiply, or any other.
fn change_field(chance: &mut Chance, bytes: &mut [u8]) {
    let (start, Field(at, length)) = match chance.below(2) {
        0 => (0, *chance.pick(FIELDS)),
        _ => (LAYOUT.header, *chance.pick(SEGMENT_FIELDS)),
    };
    let number = match chance.below(4) {
        0 => *chance.pick(&[0, 1, u64::MAX, u64::MAX - 1, u64::MAX / 2]),
        1 => bytes.len() as u64,
        2 => chance.next() >> chance.below(64),
        _ => chance.below(SIZE + 2) as u64,
    };
    if let Some(place) = bytes.get_mut(start + at..start + at + length) {
        place.copy_from_slice(&number.to_ne_bytes()[..length]);
    }
}

#[test]
fn no_file_harms_the_look_at_its_header() {
    let mut fuzz = Fuzz::start("the look at a library's header", || Clock::system().now());
    let whole = mapped_library("libc").1;
    let corpus = [minimal(), whole[..whole.len().min(HEAD_BYTES)].to_vec()];
    while let Some(chance) = fuzz.next() {
        let mut bytes = chance.pick(&corpus).clone();
        match chance.below(8) {
            0 => chance.mutate(&mut bytes, &corpus[1]),
            1 => {
                let length = chance.below(2 * SIZE);
                bytes = chance.bytes(length);
            }
            _ => (0..=chance.below(3)).for_each(|_| change_field(chance, &mut bytes)),
        }
        let _ = fuzz.read(&bytes, |bytes| -> Result<(), LoadError> { check(bytes, Path::new("lib.so")) });
    }
    fuzz.end();
}
