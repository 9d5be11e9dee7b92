//! A plugin that counts, searches and hashes text. What it exports is the list in `export_plugin!`; the functions behind
//! it are plain Rust.

#![expect(clippy::needless_pass_by_value, reason = "what crosses to a plugin is owned")]

mod argument;
mod counts;
mod digest;
mod path;
mod search;

use std::fs::File;
use std::io::{self, BufReader};

pub use argument::{Bytes, FilePath};
pub use counts::Counts;
pub use search::Match;

wpc_plugin::export_plugin! {
    state: Tally = Tally::default,
    functions: {
        fn basename(tally: &mut Tally, path: String) -> String;
        fn counts(tally: &mut Tally, text: Bytes) -> Counts;
        fn counts_of_file(tally: &mut Tally, path: FilePath) -> io::Result<Counts>;
        fn search(tally: &mut Tally, text: String, word: String) -> Vec<Match>;
        fn sha1(tally: &mut Tally, bytes: Bytes) -> String;
        fn sha1_of_file(tally: &mut Tally, path: FilePath) -> io::Result<String>;
        /// It counts itself.
        fn calls(tally: &mut Tally) -> u64;
    }
}

/// Bytes that are read from a file at once.
const BLOCK_BYTES: usize = 64 << 10;

/// What one worker's instance of the plugin has served.
#[derive(Debug, Default)]
pub struct Tally {
    calls: u64,
}

impl Tally {
    fn count(&mut self) {
        self.calls += 1;
    }
}

/// The last part of a path, as the command `basename` has it: slashes at the end do not count.
pub fn basename(tally: &mut Tally, path: String) -> String {
    tally.count();
    path::basename(&path).to_owned()
}

/// The lines, words and bytes of a text, as `wc -lwc` has them.
pub fn counts(tally: &mut Tally, text: Bytes) -> Counts {
    tally.count();
    counts::of(&text.0)
}

/// The lines, words and bytes of a file. The file itself does not cross to the plugin.
///
/// # Errors
///
/// If the file cannot be read.
pub fn counts_of_file(tally: &mut Tally, path: FilePath) -> io::Result<Counts> {
    tally.count();
    counts::of_reader(BufReader::with_capacity(BLOCK_BYTES, File::open(path.0)?))
}

/// Where a word stands in a text, from the start; what overlaps is found once, and an empty word nowhere.
pub fn search(tally: &mut Tally, text: String, word: String) -> Vec<Match> {
    tally.count();
    search::find(&text, &word)
}

/// The SHA-1 of these bytes, in lower-case hexadecimal digits.
pub fn sha1(tally: &mut Tally, bytes: Bytes) -> String {
    tally.count();
    digest::of(&bytes.0)
}

/// The SHA-1 of a file, in lower-case hexadecimal digits.
///
/// # Errors
///
/// If the file cannot be read.
pub fn sha1_of_file(tally: &mut Tally, path: FilePath) -> io::Result<String> {
    tally.count();
    digest::of_reader(File::open(path.0)?, BLOCK_BYTES)
}

/// How many calls of any function this instance has served, this one among them.
pub fn calls(tally: &mut Tally) -> u64 {
    tally.count();
    tally.calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_counts_on_its_own_instance() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        assert_eq!(basename(&mut one, "a/b".to_owned()), "b");
        assert_eq!(sha1(&mut one, Bytes(Vec::new())).len(), 40);
        assert_eq!(search(&mut one, "a b".to_owned(), "b".to_owned()).len(), 1);
        assert_eq!((calls(&mut one), calls(&mut other)), (4, 1));
    }

    #[test]
    fn a_file_is_what_its_bytes_are() {
        let path = || FilePath(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs").into());
        let bytes = || Bytes(include_bytes!("lib.rs").to_vec());
        let mut tally = Tally::default();
        assert_eq!(counts_of_file(&mut tally, path()).unwrap(), counts(&mut tally, bytes()));
        assert_eq!(sha1_of_file(&mut tally, path()).unwrap(), sha1(&mut tally, bytes()));
        let missing = counts_of_file(&mut tally, FilePath("no/such/file".into())).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
