//! Finds a word in a text.

use serde::{Deserialize, Serialize};

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The line, from 1.
    pub line: u64,
    /// The character in it, from 1.
    pub column: u64,
}

/// Where `word` stands in `text`. A word that holds a line break stands in the line where it begins.
pub(crate) fn find(text: &str, word: &str) -> Vec<Match> {
    if word.is_empty() {
        return Vec::new();
    }
    let (mut place, mut read) = (Match { line: 1, column: 1 }, 0);
    let mut matches = Vec::new();
    for (at, _) in text.match_indices(word) {
        place = text[read..at].chars().fold(place, behind);
        read = at;
        matches.push(place);
    }
    matches
}

/// The place behind a character.
fn behind(place: Match, character: char) -> Match {
    match character {
        '\n' => Match { line: place.line + 1, column: 1 },
        _ => Match { column: place.column + 1, ..place },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, word: &str) -> Vec<(u64, u64)> {
        find(text, word).into_iter().map(|place| (place.line, place.column)).collect()
    }

    #[test]
    fn places_are_lines_and_characters_from_one() {
        assert_eq!(found("one two\nä one\n\none", "one"), [(1, 1), (2, 3), (4, 1)]);
        assert_eq!(found("aaaa", "aa"), [(1, 1), (1, 3)]);
        assert_eq!(found("a\nb\na\nb", "a\nb"), [(1, 1), (3, 1)]);
        assert_eq!(found("one", "two"), []);
        assert_eq!(found("one", ""), []);
        assert_eq!(found("", "one"), []);
    }
}
