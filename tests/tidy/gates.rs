//! The rule about cargo features: they choose whole parts, and never lace through a function or a type.

use crate::scan::{self, Attribute};
use crate::tree::{Finding, Source};

/// In the library a feature gates a `mod`, a re-export, a function or the one arm that names a gated type: nothing else.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_library()) {
        for attribute in scan::attributes(&source.code) {
            if names_feature(&source.code[attribute.body.clone()]) && !gates_a_part(&source.code, &attribute)
            {
                let what =
                    "a feature gates something other than a `mod`, a `pub use`, a function or a match arm";
                findings.push(source.finding(attribute.span.start, what));
            }
        }
        for at in scan::words(&source.code, "cfg") {
            let rest = &source.code[at + 3..];
            if rest.starts_with("!(") && names_feature(&rest[..scan::behind_closing(rest, 1)]) {
                findings.push(
                    source.finding(at, "`cfg!` of a feature inside a function: gate the function or the arm"),
                );
            }
        }
    }
    findings
}

fn names_feature(predicate: &str) -> bool {
    let compared = |at: usize| predicate[at + "feature".len()..].trim_start().starts_with('=');
    scan::words(predicate, "feature").into_iter().any(compared)
}

fn gates_a_part(code: &str, attribute: &Attribute) -> bool {
    let item = scan::item_behind(code, attribute.span.end);
    let bare = scan::behind_visibility(code, item);
    !attribute.inner
        && match scan::name_at(code, bare) {
            "mod" => true,
            "use" => bare > item,
            _ => begins_function(&code[bare..]) || begins_arm(&code[item..]),
        }
}

fn begins_function(item: &str) -> bool {
    let mut words = item.split_whitespace().filter(|word| !word.starts_with('"'));
    words.find(|word| !matches!(*word, "const" | "async" | "unsafe" | "extern")) == Some("fn")
}

/// Whether a pattern and `=>` come before anything that ends an arm, a field, a variant or a statement.
fn begins_arm(item: &str) -> bool {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '=' if depth == 0 && item[at..].starts_with("=>") => return true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' | ',' | ';' if depth == 0 => return false,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check(&[Source::new("src/a.rs", text)]).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn whole_parts_may_be_gated() {
        for item in [
            "mod process;",
            "pub mod process;",
            "pub(crate) mod process { }",
            "#[path = \"x\"]\npub mod process;",
            "pub use process::Process;",
            "pub(crate) use process::Process;",
            "fn f() {}",
            "pub fn f() {}",
            "pub(crate) async fn f() {}",
            "Kind::Process(child) => child.stop(),",
            "Kind::Process { child, .. } | Kind::Group(_) if child.lives() => {}",
        ] {
            let text = format!("#[cfg(feature = \"process\")]\n#[doc(hidden)]\n{item}");
            assert_eq!(lines(&text), [0; 0], "gating {item}");
        }
    }

    #[test]
    fn anything_else_that_is_gated_is_found() {
        for item in [
            "use process::Process;",
            "struct Process;",
            "impl Process { fn f() {} }",
            "let x = match y { A => 1 };",
            "field: u32,\nother: u32, } fn f() { match x { A => 1 } }",
            "Process(Child),\nThread }",
            "match x { A => 1 }",
            "return;",
            "const X: u8 = 1;",
        ] {
            for gate in ["cfg(feature = \"process\")", "cfg(all(unix, not(feature = \"process\")))"] {
                assert_eq!(lines(&format!("\n#[{gate}]\n{item}")), [2], "gating {item}");
            }
        }
        assert_eq!(lines("#![cfg(feature = \"process\")]\nmod a;"), [1]);
        assert_eq!(lines("#[cfg_attr(feature = \"process\", derive(Debug))]\nstruct A;"), [1]);
        assert_eq!(lines("fn f() {\n if cfg!(feature = \"process\") {} }"), [2]);
    }

    #[test]
    fn other_gates_and_prose_are_no_concern_of_it() {
        assert_eq!(
            lines("#![cfg_attr(docsrs, feature(doc_cfg))]\n// #[cfg(feature = \"x\")]\nstruct A;"),
            [0; 0]
        );
        assert_eq!(
            lines("#[cfg(wpc_loom)]\nuse loom::sync;\nfn f() { cfg!(test); let feature = 1; }"),
            [0; 0]
        );
    }
}
