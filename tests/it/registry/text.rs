//! Which differences of the source are differences of the hash.

use wpc::{Function, Hash, function};

use crate::support::{Watchdog, pool};

fn hash(function: Function) -> Hash {
    let wpc = pool();
    let defined = wpc.define_function("f", function).expect("the name is right");
    assert_eq!(wpc.functions()[0].function_hash_sha1, defined.hash);
    defined.hash
}

mod w4_text_that_differs_in_line_ends_and_outer_blanks_has_an_equal_hash_and_any_other_text_another {
    use super::*;

    /// Of one function with this text as its source; the pure hash is the same.
    fn of(text: &str) -> Hash {
        let told = hash(Function::new(|n: u64| n).source(text));
        assert_eq!(told, Hash::of_source(text));
        told
    }

    const TEXT: &str = "fn f(n: u64) -> u64 {\n    n + 1\n}";

    #[test]
    fn line_ends_and_outer_blanks() {
        let _watchdog = Watchdog::start();
        let crlf = TEXT.replace('\n', "\r\n");
        let cr = TEXT.replace('\n', "\r");
        let mixed = TEXT.replacen('\n', "\r\n", 1);
        let around = [format!("{TEXT}\n"), format!("\n \t{TEXT} \r\n\r\n"), format!("\r{crlf}\r")];
        for text in [crlf, cr, mixed].into_iter().chain(around) {
            assert_eq!(of(&text), of(TEXT), "{text:?}");
        }
    }

    #[test]
    fn anything_else() {
        let _watchdog = Watchdog::start();
        let others = [
            TEXT.replace("    ", "   "),
            TEXT.replace("    ", "\t"),
            TEXT.replace("n + 1", "n+1"),
            TEXT.replace("n + 1", "n + 1 "),
            TEXT.replace('\n', "\n\n"),
            TEXT.replace('\n', " "),
            TEXT.replace('1', "2"),
            TEXT.replace("n + 1", "n + 1 // one"),
            TEXT.replace('f', "F"),
            String::new(),
        ];
        let hashes: std::collections::BTreeSet<_> = others.iter().map(|text| of(text)).collect();
        assert_eq!(hashes.len(), others.len(), "each is another one");
        assert!(!hashes.contains(&of(TEXT)));
    }

    #[test]
    #[rustfmt::skip] // the blanks are what it is about
    fn the_macro_s_comments_and_blanks() {
        let _watchdog = Watchdog::start();
        let plain = hash(function!(|n: u64| { let m = n + 1; m * 2 }));
        let spread = hash(function!(  |n  :u64|
            // adds one
            {   let m=n+1; /* and
                doubles */

                m*2   }   ));
        assert_eq!(spread, plain);
    }

    #[test]
    #[rustfmt::skip] // the trailing comma is what it is about
    fn the_macro_s_tokens() {
        let _watchdog = Watchdog::start();
        let all = [
            hash(function!(|n: u64| { let m = n + 1; m * 2 })),
            hash(function!(|n: u64| { let m = n + 2; m * 2 })),
            hash(function!(|n: u64| { let m = n - 1; m * 2 })),
            hash(function!(|n: u64| { let k = n + 1; k * 2 })),
            hash(function!(|n: u32| { let m = n + 1; m * 2 })),
            hash(function!(|n: u64| { let m = (n) + 1; m * 2 })),
            hash(function!(|n: u64| { let m = n + 1_u64; m * 2 })),
            hash(function!(|n: u64,| { let m = n + 1; m * 2 })),
            hash(function!(move |n: u64| { let m = n + 1; m * 2 })),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_ne!(
            hash(function!(|| "a  b".to_owned())), hash(function!(|| "a b".to_owned())),
            "blanks in a string are no blanks between tokens"
        );
        assert_ne!(
            hash(function!(|| "// a".to_owned())), hash(function!(|| "// b".to_owned())),
            "nor is a comment there a comment"
        );
    }
}
