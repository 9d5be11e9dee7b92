//! What the encoder refuses, and where it says that it was.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::ser::{Error, SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::super::{DEPTH_MAX, EncodeError, encode, encode_into, manifest_bytes};
use super::{bytes_of, refusal_of};

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Wrapped<T>(T);

#[derive(Serialize)]
struct Holder<T> {
    list: Vec<T>,
}

#[derive(Serialize)]
enum Choice<T> {
    Newtype(T),
    Tuple(u8, T),
    Struct { field: T },
}

#[derive(Serialize)]
struct Flat<T: Serialize> {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, T>,
}

/// Where an option that cannot come back is found in `value`.
#[track_caller]
fn nil_path<T: Serialize + ?Sized>(value: &T) -> String {
    match refusal_of(value) {
        EncodeError::Nil { path } => path,
        other => panic!("{other}"),
    }
}

#[test]
fn an_option_whose_content_is_nil_is_refused() {
    assert_eq!(nil_path(&Some(())), "");
    assert_eq!(nil_path(&Some(None::<u8>)), "");
    assert_eq!(nil_path(&Some(Some(None::<u8>))), "");
    assert_eq!(nil_path(&Some(Wrapped(()))), "");
    assert_eq!(nil_path(&Some(Wrapped(Unit))), "");
    assert_eq!(nil_path(&Wrapped(Some(Wrapped(None::<u8>)))), "");
    let error = refusal_of(&Holder { list: vec![Some(())] });
    assert_eq!(error.to_string(), "an option's content encodes as nil at `list[0]`");
}

#[test]
fn such_an_option_is_found_at_any_depth() {
    let bad = || Some(());
    assert_eq!(nil_path(&(0, (1, bad()))), "[1][1]");
    assert_eq!(nil_path(&Some(vec![bad()])), "[0]");
    assert_eq!(nil_path(&Choice::Newtype(bad())), "Newtype");
    assert_eq!(nil_path(&Choice::Tuple(0, bad())), "Tuple[1]");
    assert_eq!(nil_path(&Choice::Struct { field: Some(Wrapped(bad())) }), "Struct.field");
    assert_eq!(nil_path(&HashMap::from([("key", bad())])), "key");
    assert_eq!(nil_path(&HashMap::from([(-7, [bad()])])), "-7[0]");
    assert_eq!(nil_path(&HashMap::from([((1, 2), bad())])), "?");
    assert_eq!(nil_path(&HashMap::from([(bad(), 1)])), "?");
    let rest = BTreeMap::from([("rest".to_owned(), vec![bad()])]);
    assert_eq!(nil_path(&[Flat { id: 0, rest }]), "[0].rest[0]");
}

#[test]
fn options_that_come_back_are_not_refused() {
    assert_eq!(bytes_of(&Some(vec![()])), [0x91, 0xc0]);
    assert_eq!(bytes_of(&Some((None::<u8>,))), [0x91, 0xc0]);
    assert_eq!(bytes_of(&Some(Some(1))), [1]);
}

#[test]
fn an_error_of_the_users_has_its_path_and_words() {
    let cell = RefCell::new(0);
    let borrowed = cell.borrow_mut();
    let value = HashMap::from([("outer", Some(Choice::Struct { field: vec![Wrapped(&cell)] }))]);
    let error = refusal_of(&value);
    assert_eq!(error.path(), "outer.Struct.field[0]");
    assert_eq!(error.reason(), "already mutably borrowed");
    assert!(matches!(error, EncodeError::Serialize { .. }));
    drop(borrowed);
    bytes_of(&value);
}

/// Announces more or fewer elements than it writes.
struct Liar(usize);

impl Serialize for Liar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0))?;
        map.serialize_entry("only", &0)?;
        map.end()
    }
}

#[test]
fn a_wrong_number_of_elements_is_refused() {
    for announced in [0, 2] {
        let error = refusal_of(&Holder { list: vec![Liar(announced)] });
        let expected = format!("announced {announced} elements and wrote 1 at `list[0]`");
        assert_eq!(error.to_string(), expected);
    }
    bytes_of(&Liar(1));
}

#[test]
fn a_struct_that_leaves_fields_out_may_say_so() {
    struct Skipping;
    impl Serialize for Skipping {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Skipping", 1)?;
            fields.skip_field("absent")?;
            fields.serialize_field("present", &1)?;
            fields.end()
        }
    }
    assert_eq!(bytes_of(&Skipping)[0], 0x81);
}

#[test]
fn a_refusal_that_is_swallowed_still_ends_the_encoding() {
    struct Swallowing;
    impl Serialize for Swallowing {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(Some(2))?;
            let _ = seq.serialize_element(&Some(()));
            let _ = seq.serialize_element(&1);
            seq.end()
        }
    }
    assert_eq!(nil_path(&Swallowing), "[0]");
}

#[test]
fn a_failing_writer_is_named_with_its_error() {
    let mut room = [0_u8; 4];
    let error = encode_into(&[1, 2, 3, 1000], &mut room[..]).unwrap_err();
    assert_eq!(error.path(), "[3]");
    let EncodeError::Write { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn streaming_writes_the_same_bytes() {
    let value = Holder { list: vec![Some("a"), None] };
    let mut bytes = Vec::new();
    encode_into(&value, &mut bytes).unwrap();
    assert_eq!(bytes, bytes_of(&value));
}

#[test]
fn a_message_stays_short_however_long_the_value_is() {
    struct Wordy;
    impl Serialize for Wordy {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("ü".repeat(1 << 20)))
        }
    }
    let value = HashMap::from([("ü".repeat(1 << 20), vec![Some(Wordy)])]);
    let error = refusal_of(&value);
    assert!(error.to_string().len() < 9 << 10);
}

#[test]
fn a_manifest_is_the_same_for_the_same_value() {
    #[derive(Serialize)]
    struct Manifest<'a> {
        names: &'a [&'a str],
        version: u64,
    }
    let manifest = Manifest { names: &["a", "bc"], version: 300 };
    let bytes = manifest_bytes(&manifest).unwrap();
    assert_eq!(bytes, [2, 1, b'a', 2, b'b', b'c', 251, 44, 1]);
    assert!(manifest_bytes(&HashMap::from([(1, RefCell::new(2))])).is_ok());
}

#[test]
fn the_limits_are_facts_of_the_error() {
    let error = encode("four", 4).unwrap_err();
    assert!(matches!(&error, EncodeError::TooLarge { path, bytes_max: 4 } if path.is_empty()));
    assert_eq!(error.to_string(), "longer than 4 bytes");
    assert_eq!(DEPTH_MAX, 128);
}
