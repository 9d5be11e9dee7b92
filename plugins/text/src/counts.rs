//! Counts lines, words and bytes as GNU `wc` does where the locale is `C.UTF-8`.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

/// What `wc -lwc` says of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The newline characters.
    pub lines: u64,
    /// The words. One begins with the first printable character after white space; what is not printable, bytes that are
    /// not UTF-8 among it, neither begins a word nor ends one.
    pub words: u64,
    /// The bytes.
    pub bytes: u64,
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

/// Counts what these bytes hold.
pub(crate) fn of(text: &[u8]) -> Counts {
    text.split_inclusive(|&byte| byte == b'\n').fold(Counts::default(), with_line)
}

/// Counts what a file holds; a line of it is in memory at a time.
pub(crate) fn of_reader(mut file: impl BufRead) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        counts = with_line(counts, &line);
        line.clear();
    }
    Ok(counts)
}

fn with_line(counts: Counts, line: &[u8]) -> Counts {
    Counts {
        lines: counts.lines + u64::from(line.ends_with(b"\n")),
        words: counts.words + words(line),
        bytes: counts.bytes + line.len() as u64,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_words_and_bytes_are_those_of_wc() {
        let cases: [(&[u8], [u64; 3]); 8] = [
            (b"", [0, 0, 0]),
            (b"\n", [1, 0, 1]),
            (b"one", [0, 1, 3]),
            (b"one two\nthree\n", [2, 3, 14]),
            (b" \t one\x0b\x0ctwo\r\n", [1, 2, 13]),
            ("a\u{a0}b\u{2028}c ä".as_bytes(), [0, 3, 11]),
            (b"a\xffb \xff \x01", [0, 1, 7]),
            (b"\xff\xfe\n\n", [2, 0, 4]),
        ];
        for (text, [lines, words, bytes]) in cases {
            let counts = Counts { lines, words, bytes };
            assert_eq!(of(text), counts, "of {text:?}");
            assert_eq!(of_reader(text).unwrap(), counts, "of {text:?}, read");
        }
    }
}
