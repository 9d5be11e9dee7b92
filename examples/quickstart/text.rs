//! Counts lines, words and bytes as GNU `wc` does where the locale is `C.UTF-8`, and writes digests.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

/// What `wc -lwc` says of a file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// The newline characters.
    pub(crate) lines: u64,
    /// The words; see [`count`].
    pub(crate) words: u64,
    /// The bytes.
    pub(crate) bytes: u64,
}

/// What a character means for words.
enum Kind {
    /// It is part of a word, or begins one.
    Letter,
    /// It ends a word.
    Space,
    /// It is as if it were not there.
    Nothing,
}

/// Counts what a file holds. A word begins with the first printable character after white space; what is not printable,
/// bytes that are not UTF-8 among it, neither begins a word nor ends one.
pub(crate) fn count(mut file: impl BufRead) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        counts.lines += u64::from(line.ends_with(b"\n"));
        counts.words += words(&line);
        counts.bytes += line.len() as u64;
        line.clear();
    }
    Ok(counts)
}

fn words(line: &[u8]) -> u64 {
    let (mut words, mut in_word) = (0, false);
    for c in line.utf8_chunks().flat_map(|chunk| chunk.valid().chars()) {
        match kind(c) {
            Kind::Letter => {
                words += u64::from(!in_word);
                in_word = true;
            }
            Kind::Space => in_word = false,
            Kind::Nothing => {}
        }
    }
    words
}

/// What the C library's `iswspace` and `iswprint` make of a character, with the no-break spaces that `wc` adds.
/// Characters that Unicode has not assigned count as letters here, though the C library does not print them.
fn kind(c: char) -> Kind {
    match c {
        '\t'..='\r' | '\u{2060}' => Kind::Space,
        '\u{2028}' | '\u{2029}' => Kind::Nothing,
        _ if c.is_control() => Kind::Nothing,
        _ if c.is_whitespace() => Kind::Space,
        _ => Kind::Letter,
    }
}

/// The bytes as lower-case hexadecimal digits, two each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
