//! Bytes that nobody encoded, in numbers, into types of every kind.
//!
//! There is one decoder in the codec: that of `MessagePack`. Of the manifest's bincode only the hash is ever looked at.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::{CONVERSION_BYTES_MAX, DEPTH_MAX, EncodeError, decode, encode};
use super::any::Any;
use super::bytes_of;
use super::hostile::{Flat, Loose, Tree, tree};
use super::round_trip::{Adjacent, FlatByNumber, Internal, Octets, Sample, UnitStruct, Untagged, sample};
use crate::clock::Clock;
use crate::fuzz::{Chance, Fuzz};

/// Values whose encodings are changed.
const CORPUS: usize = 300;

/// How many types each input is decoded into, besides that which the corpus is of and the one that takes everything.
const TYPES_OF_AN_INPUT: usize = 2;

/// Decodes into one type, and back.
type Reader = fn(&mut Fuzz, &[u8]);

const READERS: &[Reader] = &[
    reads::<Tree>,
    reads::<Loose>,
    reads::<Vec<Untagged>>,
    reads::<Vec<Internal>>,
    reads::<Vec<Adjacent>>,
    reads::<BTreeMap<String, Vec<Flat>>>,
    reads::<FlatByNumber>,
    reads::<BTreeMap<u8, u128>>,
    reads::<(u128, i128, String)>,
    reads::<Vec<Option<f64>>>,
    reads::<Vec<()>>,
    reads::<Vec<UnitStruct>>,
    reads::<BTreeMap<String, Option<u8>>>,
    reads::<Vec<[u64; 16]>>,
    reads::<Vec<Vec<Vec<u8>>>>,
    reads::<Octets>,
    reads::<String>,
];

/// What is decoded can be encoded, and that decodes to the same again.
fn reads<T: Serialize + DeserializeOwned>(fuzz: &mut Fuzz, input: &[u8]) {
    let Some(value) = fuzz.read(input, decode::<T>) else { return };
    let again = match encode(&value, CONVERSION_BYTES_MAX) {
        Ok(again) => again,
        // Bytes that were read as numbers are written as an array, which is one level more.
        Err(EncodeError::TooDeep { .. }) => return,
        Err(error) => panic!("{} was decoded and cannot be encoded: {error}", std::any::type_name::<T>()),
    };
    match decode::<T>(&again) {
        Ok(same) => assert_eq!(bytes_of(&same), again, "{}", std::any::type_name::<T>()),
        Err(error) => panic!("{} was encoded as {again:02x?}: {error}", std::any::type_name::<T>()),
    }
}

/// Encodings of values, each of which came back as it went.
fn corpus(chance: &mut Chance) -> Vec<Vec<u8>> {
    let seed: Vec<u8> = chance.bytes(32);
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let samples = sample();
    let mut corpus: Vec<Vec<u8>> = (1..CORPUS)
        .map(|_| {
            let value = samples.new_tree(&mut runner).expect("nothing is filtered").current();
            let bytes = bytes_of(&value);
            assert_eq!(decode::<Sample>(&bytes).unwrap(), value);
            bytes
        })
        .collect();
    corpus.push(bytes_of(&tree()));
    corpus
}

/// The next input: nearly right, or not at all.
fn input(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = match chance.below(16) {
        0 => {
            let length = chance.below(48);
            chance.bytes(length)
        }
        1 => deep(chance),
        2 => long(chance),
        _ => chance.pick(corpus).clone(),
    };
    match chance.below(8) {
        0 => {}
        1 => lie(chance, &mut bytes),
        _ => {
            let other = chance.pick(corpus);
            chance.mutate(&mut bytes, other);
        }
    }
    bytes
}

/// Arrays and maps in each other, somewhat less deep than may be, or somewhat deeper.
fn deep(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = Vec::new();
    let only_arrays = chance.below(2) == 0;
    for _ in 0..=chance.below(DEPTH_MAX + 8) {
        match chance.below(3) {
            0 if !only_arrays => bytes.extend([0x81, 0xa1, b'k']),
            1 if !only_arrays => bytes.extend([0xdf, 0, 0, 0, 1, 0x01]),
            _ => bytes.push(0x91),
        }
    }
    bytes.push(*chance.pick(&[0xc0, 0x01, 0x90, 0x80, 0xa0, 0xc3]));
    bytes
}

/// Many equal elements, which take a byte or two each.
fn long(chance: &mut Chance) -> Vec<u8> {
    const ELEMENTS: &[&[u8]] = &[&[0xc0], &[0x00], &[0xa0], &[0x90], &[0xa1, b'x']];
    let most = if chance.below(64) == 0 { 8_000 } else { 1_000 };
    let count = u32::try_from(chance.below(most)).expect("it is small");
    let element = *chance.pick(ELEMENTS);
    let mut bytes = vec![0xdd];
    bytes.extend(count.to_be_bytes());
    (0..count).for_each(|_| bytes.extend(element));
    bytes
}

/// Puts in a header that announces more than follows.
fn lie(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let marker =
        *chance.pick(&[0xc4, 0xc6, 0xc7, 0xc9, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0x9f, 0x8f, 0xbf]);
    let length = *chance.pick(&[u32::MAX, u32::MAX / 2, 1 << 20, 1 << 16, 300, 20]);
    let at = chance.below(bytes.len() + 1);
    let header = [marker].into_iter().chain(length.to_be_bytes());
    bytes.splice(at..at, header);
}

#[test]
fn no_input_harms_the_payload_decoder() {
    let mut fuzz = Fuzz::start("the payload decoder", || Clock::system().now());
    let corpus = corpus(fuzz.chance());
    while let Some(chance) = fuzz.next() {
        let bytes = input(chance, &corpus);
        let readers: Vec<Reader> = (0..TYPES_OF_AN_INPUT).map(|_| *chance.pick(READERS)).collect();
        for reads in readers.into_iter().chain([reads::<Sample> as Reader, reads::<Any>]) {
            reads(&mut fuzz, &bytes);
        }
    }
    fuzz.end();
}
