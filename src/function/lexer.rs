//! Splits the text of Rust tokens into words, literals and punctuation; blanks and comments fall away.
//!
//! It is total: any text gives tokens, in time linear in its length. Text that no compiler would pass is split in some
//! fixed way, and a literal that does not end takes all that is left.
//!
//! Whether two tokens touch is not kept, since `stringify!` does not always keep it either: it prints `x . 0 . 1`
//! as `x.0.1`. So nothing that it may print in two ways is one token here: each punctuation character stands
//! alone (`>>` is two), and so does the point in a number (`0.1` is three tokens). Joined by blanks, the tokens are
//! split into the same tokens again.
//!
//! A doc comment becomes the attribute that it stands for, as it does when the compiler hands it to a macro.

use std::borrow::Cow;

/// A piece of source text that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: Cow<'a, str>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier, a keyword, `_` or the digits of a number.
    Word,
    /// A lifetime or a loop's label.
    Lifetime,
    /// A string literal, plain or raw, that is neither of bytes nor of C.
    Text,
    /// Any other literal in quotes.
    Literal,
    /// One punctuation character.
    Punctuation(char),
}

impl<'a> Token<'a> {
    fn new(kind: Kind, text: impl Into<Cow<'a, str>>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The name that an identifier stands for: `r#x` and `x` are the same.
    pub(super) fn identifier(&self) -> Option<&str> {
        let name = self.text.strip_prefix("r#").unwrap_or(&self.text);
        let is_identifier = self.kind == Kind::Word && !name.starts_with(|c: char| c.is_ascii_digit());
        is_identifier.then_some(name)
    }

    /// The value of a string literal, its escapes decoded; `None` for any other token.
    pub(super) fn string_value(&self) -> Option<String> {
        if self.kind != Kind::Text {
            return None;
        }
        let Some(raw) = self.text.strip_prefix('r') else {
            return unescape(self.text.strip_prefix('"')?.strip_suffix('"')?);
        };
        let quoted = raw.trim_start_matches('#');
        let hashes = &raw[..raw.len() - quoted.len()];
        let value = quoted.strip_prefix('"')?.strip_suffix(hashes)?.strip_suffix('"')?;
        Some(value.to_owned())
    }
}

/// The tokens of the text, in order.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_blank);
        let length = if let Some((comment, length)) = comment(rest) {
            push_comment(comment, &mut found);
            length
        } else if let Some((kind, length)) = token(rest) {
            found.push(Token::new(kind, &rest[..length]));
            length
        } else {
            return found;
        };
        rest = &rest[length..];
    }
}

/// All that the language takes for white space, and a little more.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200e}' | '\u{200f}')
}

/// Every character beyond ASCII belongs to a word: between tokens the language has no other use for one.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !is_blank(c))
}

fn word_length(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

/// The length of the identifier that the text begins with, 0 if it begins with none.
fn identifier_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { word_length(text) }
}

/// The token that the text begins with, as its kind and length; `None` at the end.
fn token(text: &str) -> Option<(Kind, usize)> {
    let token = match text.chars().next()? {
        '"' => (Kind::Text, with_suffix(text, quoted_length(text, b'"'))),
        '\'' => quote(text),
        c if is_word(c) => word(text),
        c => (Kind::Punctuation(c), c.len_utf8()),
    };
    Some(token)
}

/// What begins with a letter or digit: a word, or a literal with a prefix.
fn word(text: &str) -> (Kind, usize) {
    let length = word_length(text);
    let (prefix, after) = text.split_at(length);
    let literal = match prefix {
        "b" | "c" if after.starts_with('"') => Some(quoted_length(after, b'"')),
        "b" if after.starts_with('\'') => Some(character_length(after).unwrap_or(after.len())),
        "r" | "br" | "cr" => raw_length(after),
        _ => None,
    };
    match literal {
        Some(literal) => {
            let kind = if prefix == "r" { Kind::Text } else { Kind::Literal };
            (kind, with_suffix(text, length + literal))
        }
        None => (Kind::Word, if prefix == "r" { length + raw_name_length(after) } else { length }),
    }
}

/// What begins with `'`: a character or a lifetime. A quote that is neither takes the rest.
fn quote(text: &str) -> (Kind, usize) {
    if let Some(length) = character_length(text) {
        return (Kind::Literal, with_suffix(text, length));
    }
    match identifier_length(&text[1..]) {
        0 => (Kind::Literal, text.len()),
        length if &text[1..=length] == "r" => (Kind::Lifetime, 2 + raw_name_length(&text[2..])),
        length => (Kind::Lifetime, 1 + length),
    }
}

/// The length of a character literal; `None` if the quote that begins the text begins none.
fn character_length(text: &str) -> Option<usize> {
    let mut characters = text[1..].chars();
    match characters.next()? {
        '\\' => Some(quoted_length(text, b'\'')),
        c => (characters.next()? == '\'').then_some(c.len_utf8() + 2),
    }
}

/// The length of what stands in quotes, up to the first quote that is not escaped.
fn quoted_length(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a raw string from its first `#` or quote; `None` if it is none.
fn raw_length(text: &str) -> Option<usize> {
    let quoted = text.trim_start_matches('#').strip_prefix('"')?;
    let start = text.len() - quoted.len();
    let hashes = &text[..start - 1];
    let closing = quoted.match_indices('"').find(|(at, _)| quoted[at + 1..].starts_with(hashes));
    Some(closing.map_or(text.len(), |(at, _)| start + at + 1 + hashes.len()))
}

/// The length of `#name`, which makes the `r` before it a raw identifier or lifetime; else 0.
fn raw_name_length(text: &str) -> usize {
    match text.strip_prefix('#').map_or(0, identifier_length) {
        0 => 0,
        length => 1 + length,
    }
}

/// A literal ends after its suffix, if a word touches it.
fn with_suffix(text: &str, end: usize) -> usize {
    end + identifier_length(&text[end..])
}

/// What a comment is to the compiler.
#[derive(Clone, Copy)]
enum Comment<'a> {
    Plain,
    /// The text documents what follows it.
    Outer(&'a str),
    /// The text documents what it stands in.
    Inner(&'a str),
}

/// The comment that the text begins with, and its length.
fn comment(text: &str) -> Option<(Comment<'_>, usize)> {
    let (length, end) = if text.starts_with("//") {
        (text.find('\n').unwrap_or(text.len()), "")
    } else if text.starts_with("/*") {
        (block_length(text), "*/")
    } else {
        return None;
    };
    let content = text.get(3..length).unwrap_or_default();
    let content = content.strip_suffix(end).unwrap_or(content);
    let comment = match text.as_bytes() {
        [b'/', b'/', b'/', b'/', ..] | [b'/', b'*', b'*', b'*' | b'/', ..] => Comment::Plain,
        [b'/', b'/', b'/', ..] | [b'/', b'*', b'*', ..] => Comment::Outer(content),
        [b'/', b'/' | b'*', b'!', ..] => Comment::Inner(content),
        _ => Comment::Plain,
    };
    Some((comment, length))
}

/// The length of a block comment with those inside it; one that does not end takes the rest.
fn block_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(pair) = bytes.get(at..at + 2) {
        let length = match pair {
            b"/*" => {
                depth += 1;
                2
            }
            b"*/" => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += length;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Adds what a comment leaves: `#[doc = r"text"]` or `#![doc = r"text"]`, or nothing.
fn push_comment(comment: Comment<'_>, found: &mut Vec<Token<'_>>) {
    let (start, text) = match comment {
        Comment::Plain => return,
        Comment::Outer(text) => ("#[doc =", text),
        Comment::Inner(text) => ("#![doc =", text),
    };
    found.extend(tokens(start));
    found.push(Token::new(Kind::Text, raw_string(text)));
    found.extend(tokens("]"));
}

/// The text as a raw string literal, with as many `#` as it needs.
fn raw_string(text: &str) -> String {
    let after_quotes = text.split('"').skip(1);
    let needed = after_quotes.map(|after| 1 + after.len() - after.trim_start_matches('#').len()).max();
    let hashes = "#".repeat(needed.unwrap_or(0));
    format!("r{hashes}\"{text}\"{hashes}")
}

/// Decodes the escapes of a string literal; `None` where one is wrong.
fn unescape(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        value.push_str(plain);
        let (character, after) = escape(escaped)?;
        value.extend(character);
        rest = after;
    }
    value.push_str(rest);
    Some(value)
}

/// The character that an escape stands for, and what follows the escape. A line that is continued gives no character.
fn escape(text: &str) -> Option<(Option<char>, &str)> {
    let mut characters = text.chars();
    let character = match characters.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        same @ ('\\' | '\'' | '"') => same,
        'x' => return Some((Some(character_of(text.get(1..3)?)?), &text[3..])),
        'u' => {
            let (digits, after) = text[1..].strip_prefix('{')?.split_once('}')?;
            return Some((Some(character_of(digits)?), after));
        }
        '\n' => return Some((None, text.trim_start_matches([' ', '\t', '\r', '\n']))),
        _ => return None,
    };
    Some((Some(character), characters.as_str()))
}

/// The character with this number in hexadecimal digits.
fn character_of(digits: &str) -> Option<char> {
    let digits = digits.chars().filter(|&c| c != '_');
    let number =
        digits.map(|c| c.to_digit(16)).try_fold(0_u32, |sum, digit| Some(sum.checked_mul(16)? + digit?));
    char::from_u32(number?)
}

#[cfg(test)]
mod tests;
