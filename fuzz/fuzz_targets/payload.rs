//! The decoder of payloads, into types of several kinds: what it takes can be encoded, and comes back the same.

#![no_main]

use std::any::type_name;
use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use wpc::__fuzzing::{decode, encode};

/// Something of each kind that serde knows.
#[derive(Serialize, Deserialize)]
struct Everything {
    flag: bool,
    small: (i8, u16, i32),
    large: Option<u128>,
    fraction: f64,
    letter: char,
    text: String,
    list: Vec<Choice>,
    map: BTreeMap<String, Vec<u8>>,
    unit: (),
}

#[derive(Serialize, Deserialize)]
enum Choice {
    Nothing,
    Number(i64),
    Pair(u8, String),
    Fields { at: u32, of: Option<Box<Choice>> },
}

/// The kind is not said: it is tried which fits.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Flag(bool),
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
    Map(BTreeMap<String, Untagged>),
}

fn reads<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Some(value) = decode::<T>(bytes) else { return };
    let again = match encode(&value) {
        Ok(again) => again,
        // Bytes that were read as numbers are written as an array, which is one level more.
        Err(refused) if refused.is_too_deep() => return,
        Err(refused) => panic!("{} was decoded and cannot be encoded: {refused}", type_name::<T>()),
    };
    let Some(same) = decode::<T>(&again) else { panic!("{} was encoded as {again:02x?}", type_name::<T>()) };
    assert!(encode(&same).is_ok_and(|bytes| bytes == again), "{}", type_name::<T>());
}

fuzz_target!(|bytes: &[u8]| {
    // Whether it is taken or not is the same here: it must not panic.
    let _: Option<IgnoredAny> = decode(bytes);
    reads::<Everything>(bytes);
    reads::<Vec<Choice>>(bytes);
    reads::<Untagged>(bytes);
    reads::<Vec<()>>(bytes);
    reads::<(u64, String, Option<Vec<f32>>)>(bytes);
});
