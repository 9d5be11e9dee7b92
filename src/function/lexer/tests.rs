//! What the lexer takes for one token.

use super::*;

fn texts(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.text.into_owned()).collect()
}

/// The one token of the text.
fn only(text: &str) -> Token<'_> {
    let mut found = tokens(text);
    assert_eq!(found.len(), 1, "{text:?} gave {found:?}");
    let token = found.remove(0);
    assert_eq!(token.text, text);
    token
}

#[test]
fn each_kind_of_token_is_one_token() {
    for word in
        ["x", "_", "__a1", "ünï", "変数", "हिन्दी", "r#fn", "r", "b", "br", "move", "0xff_u8", "1e10", "2"]
    {
        assert_eq!(only(word).kind, Kind::Word, "{word}");
    }
    for lifetime in ["'a", "'_", "'static", "'r#fn", "'r", "'変"] {
        assert_eq!(only(lifetime).kind, Kind::Lifetime, "{lifetime}");
    }
    for string in
        [r#""""#, r#""a\"b""#, r#""\\""#, "\"a\\\n  b\n\"", r#"r"\""#, r##"r#"a"b"#"##, r#"" // /* ""#]
    {
        assert_eq!(only(string).kind, Kind::Text, "{string}");
    }
    let others = [
        "'a'",
        "' '",
        "'\"'",
        "'é'",
        r"'\''",
        r"'\\'",
        r"'\u{41}'",
        "b'a'",
        r"b'\''",
        r#"b"a\"""#,
        r#"br"\""#,
        r##"br#"""#"##,
        r#"c"a\"""#,
        r##"cr#"""#"##,
        "'a'u8",
        r#"b"a"x"#,
    ];
    for other in others {
        assert_eq!(only(other).kind, Kind::Literal, "{other}");
    }
    for punctuation in "!#$%&()*+,-./:;<=>?@[]^{|}~\\`\0".chars() {
        assert_eq!(only(&punctuation.to_string()).kind, Kind::Punctuation(punctuation));
    }
}

#[test]
fn tokens_that_touch_are_told_apart() {
    assert_eq!(texts("a>>=b"), ["a", ">", ">", "=", "b"]);
    assert_eq!(texts("x.0.1"), ["x", ".", "0", ".", "1"]);
    assert_eq!(texts("1..2.5e-3f64"), ["1", ".", ".", "2", ".", "5e", "-", "3f64"]);
    assert_eq!(texts("'a'b'c'"), ["'a'b", "'c'"]);
    assert_eq!(texts("&'a T<'b,'c'>'"), ["&", "'a", "T", "<", "'b", ",", "'c'", ">", "'"]);
    assert_eq!(texts(r#""a""b"r"c"'d'"#), [r#""a""#, r#""b"r"#, r#""c""#, "'d'"]);
    assert_eq!(texts(r#"x"a"1"#), ["x", r#""a""#, "1"]);
    assert_eq!(
        texts("r#a#b r##c r#1 'r#a#b 'r#"),
        ["r#a", "#", "b", "r", "#", "#", "c", "r", "#", "1", "'r#a", "#", "b", "'r", "#"]
    );
}

#[test]
fn blanks_and_comments_leave_nothing() {
    assert_eq!(texts(" \t\r\n\u{b}\u{c}\u{85}\u{200e}\u{200f}\u{2028}\u{2029}"), [""; 0]);
    assert_eq!(
        texts("a//\nb// \"\n//// c\n/**/d/* ' /* */ \" */e/***/f/*** g */"),
        ["a", "b", "d", "e", "f"]
    );
    assert_eq!(texts("a / b /"), ["a", "/", "b", "/"]);
    assert_eq!(texts("\"a // b\" '/' /*"), ["\"a // b\"", "'/'"]);
}

#[test]
fn doc_comments_are_the_attributes_that_they_stand_for() {
    assert_eq!(texts("/// a\nb"), ["#", "[", "doc", "=", "r\" a\"", "]", "b"]);
    assert_eq!(texts("//! a"), ["#", "!", "[", "doc", "=", "r\" a\"", "]"]);
    assert_eq!(texts("/** a\n * /* b */ */c"), ["#", "[", "doc", "=", "r\" a\n * /* b */ \"", "]", "c"]);
    assert_eq!(texts("/*!*/"), ["#", "!", "[", "doc", "=", "r\"\"", "]"]);
    assert_eq!(texts(r##"///"a" "# \"##)[4], r###"r##""a" "# \"##"###);
}

#[test]
fn what_does_not_end_takes_the_rest() {
    for text in [
        "\"a' b",
        "\"a\\\"",
        "\"a\\",
        "r#\"a\" b",
        "'\\n b",
        "'(a) b",
        "'",
        "''a",
        "b'ab' c",
        "c\"\\é",
        "br##\"\"#",
    ] {
        let found = tokens(text);
        assert_eq!(found.len(), 1, "{text:?} gave {found:?}");
        assert_eq!(found[0].string_value(), None);
    }
    assert_eq!(texts("a /* b /* */ c"), ["a"]);
}

#[test]
fn the_value_of_a_string_is_what_the_compiler_makes_of_it() {
    macro_rules! check {
        ($($literal:literal)*) => { $(assert_eq!(only(stringify!($literal)).string_value().as_deref(), Some($literal));)* };
    }
    check!("" "a" "\n\r\t\0\\\'\"" "\x41\x7f" "\u{41}\u{10FFFF}\u{1_F600}" "é\\n" r"" r"\n" r#"a"b"# r##""#"## "a\
        b \
        c
        d");
    for text in [
        "a",
        "1",
        "'a'",
        "b\"a\"",
        "c\"a\"",
        "br\"a\"",
        "\"a\"x",
        "r\"a\"x",
        "\"\\q\"",
        "\"\\u{d800}\"",
        "\"\\xé\"",
    ] {
        assert_eq!(only(text).string_value(), None, "{text}");
    }
}
