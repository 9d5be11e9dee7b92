//! What is read from sources as `function!` would hand them over, and from any other text.

use super::*;

/// The text of the tokens as `function!` gets it.
macro_rules! source {
    ($($token:tt)*) => { stringify!($($token)*) };
}

fn canonical(text: &str) -> String {
    read(text).canonical
}

fn parameters(text: &str) -> Vec<String> {
    read(text).parameters
}

fn constants(text: &str) -> Vec<String> {
    read(text).constants
}

fn imports(text: &str) -> Vec<String> {
    read(text).imports
}

#[test]
#[rustfmt::skip]
fn blanks_line_endings_and_comments_do_not_count() {
    let plain = source!(|ctx: &Context, mut a: Vec<Vec<u8>>| -> Result<u8, Error> { let b = a >> 1..2; Ok(a.0.1 && b) });
    let spread = source! { | ctx : & Context , // the context
        mut a : Vec < Vec < u8 > > | ->
        Result<u8 , Error> /* the /* nested */ result */ {
            let b=a>>1 .. 2;

            Ok( a . 0 . 1 && b )//// all
        } };
    assert_ne!(plain, spread, "the compiler prints the blanks");
    assert_eq!(read(plain), read(spread));
    assert_eq!(
        canonical(plain),
        "| ctx : & Context , mut a : Vec < Vec < u8 > > | - > Result < u8 , Error > \
         { let b = a > > 1 . . 2 ; Ok ( a . 0 . 1 & & b ) }"
    );
    for (one, other) in [
        (source!(a >> b), source!(a>>b)),
        (source!(Vec<Vec<u8>>), source!(Vec<Vec<u8> >)),
        (source!(x.0.1), source!(x . 0 . 1)),
        (source!(x.0.1), source!(x.0 .1)),
        (source!(x.0.1), source!(x.0. 1)),
        (source!(a..b), source!(a .. b)),
        (source!(1..2), source!(1 ..2)),
        (source!(& &a), source!(&&a)),
        (source!(- -1), source!(--1)),
        (source!(|| 1), source!(| | 1)),
        (source!(a<-b), source!(a < -b)),
        (source!(a!{b}), source!(a ! { b })),
        (source!("a""b"'c'), source!("a" "b" 'c')),
    ] {
        assert_eq!(canonical(one), canonical(other));
    }
}

#[test]
#[rustfmt::skip]
fn any_token_counts() {
    let hash = canonical(source!(|a: u64| { a + 1 }));
    for other in [
        source!(|a: u64| { a + 1, }),
        source!(|a: u64,| { a + 1 }),
        source!(|a: u64| { a + 1 },),
        source!(|a: u64| { a + 1; }),
        source!(|a: u64| a + 1),
        source!(|a: u64| { a + 1u64 }),
        source!(|a: u64| { a + 1.0 }),
        source!(|a: u64| { a + '1' }),
        source!(|a: u64| { a + "1" }),
        source!(|a: u64| { a +- 1 }),
        source!(|b: u64| { a + 1 }),
        source!(move |a: u64| { a + 1 }),
        source!(/// more
            |a: u64| { a + 1 }),
    ] {
        assert_ne!(canonical(other), hash, "{other}");
    }
    let different = [
        source!("a b"), source!("a  b"), source!("a" "b"), source!("ab"), source!(r"ab"), source!(b"ab"), source!('a' b),
        source!('a b), source!(a b), source!(ab), source!(r#ab), source!("a // b"), source!("a /* */ b"), source!("\x41"),
    ];
    let texts: HashSet<String> = different.into_iter().map(canonical).collect();
    assert_eq!(texts.len(), different.len());
}

#[test]
#[rustfmt::skip]
fn doc_comments_count_however_they_are_printed() {
    let printed = source!(
        /// Adds "one"# to \ a.
        /** Twice
        over. */
        |a: u64| {
            //! Inner.
            a + 1
        });
    let written = "/// Adds \"one\"# to \\ a.\r\n/** Twice\r\n        over. */|a: u64| { //! Inner.\r\n a + 1 }";
    assert_eq!(read(printed), read(written));
    assert!(canonical(printed).starts_with(r###"# [ doc = r##" Adds "one"# to \ a."## ] "###));
    assert_eq!(parameters(printed), ["a"]);
    assert_ne!(canonical(printed), canonical(&written.replace("Inner", "inner")));
    assert_ne!(canonical(printed), canonical(&written.replace("///", "////")));
}

#[test]
#[rustfmt::skip]
fn parameters_are_named_in_order() {
    assert_eq!(parameters(source!(move |a: A, mut b: B, (x, y): (u8, u8), _: C| a)), ["a", "b", "_", "_"]);
    assert_eq!(parameters(source!(|a, r#type, ref mut c,| a)), ["a", "type", "c"]);
    let patterns = source!(|Point { x, y }: Point, [a, ..]: [u8; 2], &b: &u8, c @ 1..: u8, 変: u8| x);
    assert_eq!(parameters(patterns), ["_", "_", "_", "_", "変"]);
    let patterns = source!(|A(x): A, a::B(x): a::B, a::C: a::C, 1: u8, m!(x, y): u8, (p | q): u8| x);
    assert_eq!(parameters(patterns), ["_"; 6]);
    let attributes = source!(#![x] #[inline] #[doc = "|x|"] /** x */ |#[cfg(a, b)] a: u8, #[x] b: u8| a);
    assert_eq!(parameters(attributes), ["a", "b"]);
    let colons = source!(|a: ::std::string::String, b :: c: u8, d: <A as B<C>>::D, e: u8| a);
    assert_eq!(parameters(colons), ["a", "_", "d", "e"]);
}

#[test]
#[rustfmt::skip]
fn commas_and_bars_inside_a_type_split_nothing() {
    let source = source!(|a: BTreeMap<String, Vec<(u8, u8)>>, b: Box<dyn Fn(u8, &[u8; 3]) -> Result<(), (u8, u8)>>,
        c: fn(A, B) -> HashMap<A, B>, d: [Pair<u8, { 1 | 2 }>; { 3 > f(2, 3) && (1 < 2) } as usize],
        e: (A, B), f: A<-1, 'x'>, g: impl Iterator<Item = (u8, u8)>| a < 1 || b > (2, 3));
    assert_eq!(parameters(source), ["a", "b", "c", "d", "e", "f", "g"]);
}

#[test]
#[rustfmt::skip]
fn what_is_no_closure_has_no_parameters() {
    for none in [
        source!(|| 1), source!(| | 1), source!(move || a), source!(my_function), source!(a::b::<u8, u8>), source!(),
        source!((|a: u8| a)), source!({ |a: u8| a }), source!(a | b | c), source!(fn f(a: u8) {}),
        "|a: u8", "move", "#", "#[",
    ] {
        assert_eq!(parameters(none), [""; 0], "{none}");
    }
}

#[test]
#[rustfmt::skip]
fn the_context_is_no_parameter() {
    for context in [
        source!(|ctx: &Context, a: u8| ctx.import("X")),
        source!(|ctx: & wpc :: Context, a: u8,| ctx.import("X")),
        source!(|mut ctx: &'a ::wpc::Context, a: u8| ctx.import("X")),
        source!(|r#ctx: &'_ Context<'_, u8>, a: u8| ctx.import("X")),
        source!(|#[x] ctx: &$crate::Context, a: u8| ctx.import("X")),
    ] {
        assert_eq!((parameters(context), imports(context)), (vec!["a".to_owned()], vec!["X".to_owned()]), "{context}");
    }
    assert_eq!(parameters(source!(|ctx: &Context| 1)), [""; 0]);
    assert_eq!(parameters(source!(|_: &Context, a: u8| 1)), ["a"]);
    assert_eq!(parameters(source!(|Context { .. }: &Context, a: u8| 1)), ["a"]);
}

#[test]
#[rustfmt::skip]
fn no_other_parameter_is_the_context() {
    for other in [
        source!(|ctx: Context| ctx.import("X")),
        source!(|ctx: ::Context| ctx.import("X")),
        source!(|ctx: &&Context| ctx.import("X")),
        source!(|ctx: &Contexts| ctx.import("X")),
        source!(|ctx: &mut Context| ctx.import("X")),
        source!(|ctx: &dyn a::Context| ctx.import("X")),
        source!(|ctx: &[Context]| ctx.import("X")),
        source!(|ctx: &Box<Context>| ctx.import("X")),
        source!(|ctx: &Context::Inner| ctx.import("X")),
        source!(|ctx| ctx.import("X")),
    ] {
        assert_eq!((parameters(other), imports(other)), (vec!["ctx".to_owned()], vec![]), "{other}");
    }
    let second = source!(|a: u8, ctx: &Context| ctx.import("X"));
    assert_eq!((parameters(second).len(), imports(second).len()), (2, 0));
    assert_eq!(imports(source!(|ctx: &Context| ctx.import("X",))), ["X"]);
    assert_eq!(imports(source!(|_: &Context| _.import("X"))), [""; 0]);
    assert_eq!(imports(source!(|(ctx): &Context| ctx.import("X"))), [""; 0]);
    assert_eq!(imports(source!(ctx.import("X"))), [""; 0]);
}

#[test]
#[rustfmt::skip]
fn literal_names_are_requirements() {
    let source = source!(|c: &Context| -> Result<u8, E> {
        let base = c.import("text")?.call("basename", c.constant::<Vec<(u8, u8)>>("B",)?)?;
        let f = c.constant::<Box<dyn Fn(u8, &'static str) -> [u8; { 2 > 1 && (1 < 2) } as usize]>>("F")?;
        for i in 0..c.constant("END")? { if i < *c . constant :: < u8 > ( "LOW" ) ? || i>>1 > 2 { m!(c.import("math")) } }
        S { x: c.constant("A")?, y: &c.r#constant(r#"quo"te"#), z: c.import("text") }; c.constant("B")
    });
    assert_eq!(constants(source), ["B", "F", "END", "LOW", "A", "quo\"te"]);
    assert_eq!(imports(source), ["text", "math"]);
    assert_eq!(constants(source!(|c: &Context| c.constant("\u{41}\x42\"\
        c"))), ["AB\"c"]);
}

#[test]
#[rustfmt::skip]
fn anything_else_is_no_requirement() {
    let source = source!(|ctx: &Context, other: T| {
        // ctx.constant("X")
        /* ctx.import("X") */
        "ctx.constant(\"X\")"; r#"ctx.import("X")"#; b"ctx"; 'ctx: loop {}
        other.constant("X"); x.ctx.constant("X"); x().ctx.import("X"); self::ctx.import("X"); ctxx.import("X");
        ctx.constant(NAME); ctx.constant(name("X")); ctx.constant("X".trim()); ctx.constant("X", 1); ctx.constant();
        ctx.constant(b"X"); ctx.constant(c"X"); ctx.constant('X'); ctx.import(&"X"); ctx.import(concat!("X"));
        ctx.constant; ctx.constant["X"]; ctx.constant::<u8>; ctx.constants("X"); ctx.call("X"); ctx::import("X");
        ctx.local.import("X"); ctx.import::<("X"); ctx.import("X"suffix)
    });
    assert_eq!((constants(source), imports(source)), (vec![], vec![]));
    let shown = "|ctx: &Context| { /// ctx.import(\"X\")\n let a; // ctx.import(\"X\")\n ctx.call(\"X\") }";
    assert_eq!(imports(shown), [""; 0]);
}

/// Repeatable numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    /// The numbers of a seed that is not 0.
    fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits fit") % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const PIECES: &[&str] = &[
    "a",
    "ctx",
    "r",
    "b",
    "br",
    "c",
    "cr",
    "é",
    "変",
    "1",
    "0.5",
    "e",
    "_",
    "mut",
    "move",
    "Context",
    "\"",
    "\"",
    "'",
    "'",
    "\\",
    "#",
    "##",
    "/",
    "//",
    "///",
    "//!",
    "/*",
    "/**",
    "/*!",
    "*/",
    "*",
    "!",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\u{2028}",
    "\u{200e}",
    "\0",
    "|",
    "|",
    ",",
    ":",
    "::",
    "<",
    ">",
    "->",
    "=>",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "&",
    ".",
    "..",
    "$",
    ";",
    "|ctx: &Context| ",
    "#[",
    "ctx.import(\"",
    "ctx.constant::<",
    ">(\"X\")",
    "\")",
    "\\u{41}",
    "'a",
    "r#",
    "r#\"",
    "\"#",
];

const BLANKS: &[&str] =
    &["", " ", "\n", "\r\n\t", "/**/", "/* \" /* ' */ */", "// ' \"\n", "//// x\r\n", "\u{2029}"];

/// The tokens with other blanks between them, and none where there need be none.
fn respaced(tokens: &[Token<'_>], numbers: &mut Numbers) -> String {
    let mut text = String::new();
    for token in tokens {
        let next = format!("{}{}", numbers.pick(BLANKS), token.text);
        // Words, quotes and what may begin a comment or a prefix must not meet what stands before them.
        let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii_punctuation() || "_'\"#/*".contains(c));
        if joins(text.chars().last()) && joins(next.chars().next()) {
            text.push(' ');
        }
        text.push_str(&next);
    }
    text
}

#[test]
fn any_text_is_read_and_its_canonical_text_reads_the_same() {
    for seed in 1..=20_000 {
        let mut numbers = Numbers::seeded(seed);
        let length = 1 + numbers.below(40);
        let text: String = (0..length).map(|_| numbers.pick(PIECES)).collect();
        let known = read(&text);
        assert_eq!(read(&known.canonical), known, "seed {seed}, text {text:?}");
        let tokens = lexer::tokens(&known.canonical);
        let other = respaced(&tokens, &mut numbers);
        assert_eq!(read(&other), known, "seed {seed}, text {text:?}, respaced {other:?}");
    }
}

#[test]
fn any_characters_are_read() {
    for seed in 1..=5_000 {
        let mut numbers = Numbers::seeded(seed);
        let length = numbers.below(60);
        let text: String =
            (0..length).filter_map(|_| char::from_u32(u32::try_from(numbers.below(0x300)).ok()?)).collect();
        let known = read(&text);
        assert_eq!(read(&known.canonical), known, "seed {seed}, text {text:?}");
    }
}

#[test]
fn long_and_deep_texts_are_read_to_the_end() {
    for piece in PIECES.iter().chain(&[
        "/*",
        "mut ",
        "a::",
        "r#\"",
        "'\\",
        "|a:",
        "ctx.constant::<",
        "ctx.import(\"\\u{",
    ]) {
        let text = format!("|ctx: &Context| {}", piece.repeat(20_000));
        let known = read(&text);
        assert_eq!(read(&known.canonical), known, "{piece:?}");
        assert_eq!(known.parameters, [""; 0]);
    }
}
