//! Blanks comments and literals out of Rust text, so that no rule trips over prose.

use std::ops::Range;

/// The text with comments and the insides of string and character literals replaced by blanks. Offsets and lines stay.
pub(crate) fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let Some((hidden, end)) = hidden_at(bytes, at) else {
            at += 1;
            continue;
        };
        erase(&mut out, hidden);
        at = end;
    }
    String::from_utf8(out).expect("what is blanked begins and ends at ASCII characters")
}

/// The code with these ranges replaced by blanks.
pub(crate) fn without(code: &str, ranges: &[Range<usize>]) -> String {
    let mut out = code.as_bytes().to_vec();
    for range in ranges {
        erase(&mut out, range.clone());
    }
    String::from_utf8(out).expect("the ranges begin and end at ASCII characters")
}

fn erase(out: &mut [u8], range: Range<usize>) {
    for byte in &mut out[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// What to blank when a comment or a literal begins here, and where to read on.
fn hidden_at(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let rest = &bytes[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => {
            let end = at + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            Some((at..end, end))
        }
        b'/' if rest.starts_with(b"/*") => {
            let end = comment_end(bytes, at);
            Some((at..end, end))
        }
        b'"' => {
            let end = quote_end(bytes, at + 1, b'"');
            Some((at + 1..end, (end + 1).min(bytes.len())))
        }
        b'\'' => character_at(bytes, at),
        b'r' if begins_literal(bytes, at) => raw_string_at(bytes, at),
        _ => None,
    }
}

fn comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The offset of the quote that ends a literal whose inside begins at `at`.
fn quote_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// A character literal, unless the quote begins a lifetime or a label.
fn character_at(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let first = *bytes.get(at + 1)?;
    let end = if first == b'\\' {
        quote_end(bytes, at + 1, b'\'')
    } else {
        let length = match first {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        at + 1 + length
    };
    (bytes.get(end) == Some(&b'\'')).then_some((at + 1..end, end + 1))
}

/// Whether the `r` here begins a word, alone or behind the `b` or `c` of a byte or C string.
fn begins_literal(bytes: &[u8], at: usize) -> bool {
    let name = |at: usize| bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' || bytes[at] >= 0x80;
    match at {
        0 => true,
        1 => !name(0) || matches!(bytes[0], b'b' | b'c'),
        _ => !name(at - 1) || (matches!(bytes[at - 1], b'b' | b'c') && !name(at - 2)),
    }
}

fn raw_string_at(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let hashes = bytes[at + 1..].iter().take_while(|&&byte| byte == b'#').count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None; // a raw name, `r#type`, or a word that begins with r
    }
    let closing = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let inside = &bytes[open + 1..];
    let length = inside.windows(closing.len()).position(|window| window == closing).unwrap_or(inside.len());
    let end = open + 1 + length;
    Some((open + 1..end, (end + closing.len()).min(bytes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_is_kept() {
        let cases = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("unsafe \" x", y)"#, r#"f("           ", y)"#),
            (r##"r#"a "quoted" b"# + x"##, r##"r#"            "# + x"##),
            (r#"br"\" + x"#, r#"br" " + x"#),
            ("let r#type = bar\"\\\"\";", "let r#type = bar\"  \";"),
            ("'\\'' + '\"' + 'a", "'  ' + ' ' + 'a"),
            ("fn f<'a>(x: &'a str) -> 'é'", "fn f<'a>(x: &'a str) -> '  '"),
            ("b'\\\\' + '\\u{1F}'", "b'  ' + '      '"),
        ];
        for (text, expected) in cases {
            assert_eq!(blank(text), expected, "of {text}");
        }
    }

    #[test]
    fn blanking_keeps_every_offset_even_of_unfinished_text() {
        for text in ["\"é\\", "/* a /* b", "r#\"a\n", "'\\", "'", "/", "\"a\nb\"\n// ü\n"] {
            assert_eq!(blank(text).len(), text.len(), "of {text:?}");
            assert_eq!(blank(text).matches('\n').count(), text.matches('\n').count(), "of {text:?}");
        }
    }
}
