//! The rules about one file at a time: its length, its opening, and the words that only a few files may say.

use crate::scan;
use crate::tree::{Finding, Source};

/// A dependency that one file stands in front of.
pub(crate) struct Fronted {
    pub(crate) name: &'static str,
    /// The file, or the folder, ending in `/`, that the one file is in.
    pub(crate) place: &'static str,
}

/// No file is longer than this many lines.
pub(crate) fn length(sources: &[Source], lines_max: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > lines_max {
            let what = format!("{lines} lines, {lines_max} at most: find the second noun and give it a file");
            findings.push(Finding { path: source.path.clone(), line: lines, what });
        }
    }
    findings
}

/// Each file opens with what it is for.
pub(crate) fn opening(sources: &[Source]) -> Vec<Finding> {
    let silent = |source: &&Source| !source.text.starts_with("//!");
    sources
        .iter()
        .filter(silent)
        .map(|source| source.finding(0, "opens without `//!`: say what it is for"))
        .collect()
}

/// `unsafe` stands in the listed files only, and the list holds no other.
pub(crate) fn unsafe_code(sources: &[Source], allowed: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let places = scan::words(&source.code, "unsafe");
        if !allowed.contains(&source.path.as_str()) {
            findings.extend(
                places.into_iter().map(|at| source.finding(at, "`unsafe` in a file that is not listed")),
            );
        } else if places.is_empty() {
            findings.push(source.finding(0, "listed for `unsafe` and has none: take it off the list"));
        }
    }
    for path in allowed {
        if !sources.iter().any(|source| source.path == *path) {
            let what = "listed for `unsafe` and is not there: take it off the list".to_owned();
            findings.push(Finding { path: (*path).to_owned(), line: 1, what });
        }
    }
    findings
}

/// Each fronted dependency is named in one file of the library.
pub(crate) fn fronted(sources: &[Source], dependencies: &[Fronted]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Fronted { name, place } in dependencies {
        let mut front: Option<&str> = None;
        for source in sources.iter().filter(|source| source.is_library()) {
            let Some(&at) = crate_mentions(&source.code, name).first() else {
                continue;
            };
            let fits = source.path == *place || (place.ends_with('/') && source.path.starts_with(place));
            let wrong = match front {
                _ if !fits => Some(format!("`{name}` is named outside `{place}`")),
                Some(other) => Some(format!("`{name}` is already named in {other}")),
                None => None,
            };
            if wrong.is_none() {
                front = Some(&source.path);
            }
            findings.extend(wrong.map(|what| source.finding(at, what)));
        }
    }
    findings
}

/// Nothing in the library or in a test sleeps, but for the file that plays the user's work.
pub(crate) fn sleeping(sources: &[Source], allowed: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_package() && source.path != allowed) {
        let imports = scan::paths(&source.code).into_iter();
        let imports = imports.filter(|path| path.imported && path.segments.len() > 1);
        let imports = imports.filter(|path| path.segments.last().is_some_and(|last| last == "sleep"));
        let calls = scan::words(&source.code, "sleep").into_iter();
        let calls = calls.filter(|&at| source.code[..at].trim_end().ends_with("::"));
        let mut places: Vec<usize> = imports.map(|path| path.at).chain(calls).collect();
        places.sort_unstable_by_key(|&at| scan::line_of(&source.code, at));
        places.dedup_by_key(|at| scan::line_of(&source.code, *at));
        let what = "sleeps: wait for an event with a deadline, or move the manual clock";
        findings.extend(places.into_iter().map(|at| source.finding(at, what)));
    }
    findings
}

/// No `unwrap` in the library outside test modules.
pub(crate) fn unwrapping(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_library()) {
        for at in scan::words(&source.shipped, "unwrap") {
            let before = source.shipped[..at].trim_end();
            if before.ends_with('.') || before.ends_with("::") {
                findings.push(source.finding(at, "`unwrap`: return an error, or `expect` with why it holds"));
            }
        }
    }
    findings
}

/// A lint is silenced in the library by `#[expect(.., reason = "..")]`, which complains when it is no longer needed.
/// A macro's own text may say `#[allow(..)]`, since what it expands to differs: the line says `// tidy: macro`.
pub(crate) fn silenced_lints(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_library()) {
        let macros = scan::macro_bodies(&source.code);
        for attribute in scan::attributes(&source.code) {
            let body = &source.code[attribute.body.clone()];
            let says = |lint_level: &str| {
                let called = |at: &usize| body[at + lint_level.len()..].trim_start().starts_with('(');
                scan::words(body, lint_level).iter().any(called)
            };
            let at = attribute.span.start;
            let excused = macros.iter().any(|body| body.contains(&at)) && is_marked(source, at);
            if says("allow") && !excused {
                findings.push(source.finding(at, "`allow`: write `#[expect(.., reason = \"..\")]`"));
            }
            if says("expect") && scan::words(body, "reason").is_empty() {
                findings.push(source.finding(at, "`expect` without a `reason`"));
            }
        }
    }
    findings
}

/// Where a crate is named at the head of a path: `name::` or `use name`.
fn crate_mentions(code: &str, name: &str) -> Vec<usize> {
    let is_head = |at: &usize| {
        let before = code[..*at].trim_end();
        let inside_path = before
            .strip_suffix("::")
            .is_some_and(|left| left.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        let imported = scan::words(before, "use").last() == before.len().checked_sub(3).as_ref()
            || before.ends_with("extern crate");
        !inside_path && (imported || code[at + name.len()..].trim_start().starts_with("::"))
    };
    scan::words(code, name).into_iter().filter(is_head).collect()
}

fn is_marked(source: &Source, at: usize) -> bool {
    source
        .text
        .lines()
        .nth(scan::line_of(&source.text, at) - 1)
        .is_some_and(|line| line.contains("// tidy: macro"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }

    #[test]
    fn a_file_is_as_long_as_the_limit_and_no_longer() {
        let sources = [("src/at.rs", 700), ("tests/above.rs", 701)]
            .map(|(path, lines)| Source::new(path, &"\n".repeat(lines)));
        assert_eq!(shown(&length(&sources, 700)), ["tests/above.rs:701"]);
    }

    #[test]
    fn a_file_that_opens_with_code_or_a_plain_comment_is_found() {
        let sources = [
            ("src/a.rs", "//! For a.\n"),
            ("src/b.rs", "// For b.\n"),
            ("tests/c.rs", "use x;\n"),
            ("examples/d.rs", ""),
        ]
        .map(|(path, text)| Source::new(path, text));
        assert_eq!(shown(&opening(&sources)), ["src/b.rs:1", "tests/c.rs:1", "examples/d.rs:1"]);
    }

    #[test]
    fn unsafe_outside_the_list_and_stale_entries_of_it_are_found() {
        let sources = [
            Source::new("src/raw.rs", "unsafe { f() }"),
            Source::new("src/calm.rs", "#![deny(unsafe_code)] // unsafe\nfn f() { \"unsafe\"; }"),
            Source::new("plugins/p/src/lib.rs", "\n#[unsafe(no_mangle)]\nunsafe impl Send for X {}"),
        ];
        let found = unsafe_code(&sources, &["src/raw.rs", "src/calm.rs", "src/gone.rs"]);
        assert_eq!(
            shown(&found),
            ["src/calm.rs:1", "plugins/p/src/lib.rs:2", "plugins/p/src/lib.rs:3", "src/gone.rs:1"]
        );
    }

    #[test]
    fn a_fronted_dependency_outside_its_file_or_in_two_files_is_found() {
        let dependencies = [
            Fronted { name: "sha1", place: "src/hash.rs" },
            Fronted { name: "libloading", place: "src/plugin/" },
        ];
        let sources = [
            Source::new("src/hash.rs", "use sha1::Digest;\nfn f() { sha1::Sha1::new() }"),
            Source::new(
                "src/event.rs",
                "// sha1::Sha1\nfn sha1() { \"sha1::\"; crate::sha1::f(); x.sha1; hash::sha1() }",
            ),
            Source::new("src/id.rs", "\n use sha1 as digest;"),
            Source::new("src/call.rs", "fn f() -> ::sha1::Sha1 {}"),
            Source::new("src/plugin/library.rs", "use libloading::Library;"),
            Source::new("src/plugin/raw.rs", "use {libloading::Symbol};"),
            Source::new("tests/it.rs", "use sha1::Sha1;"),
        ];
        assert_eq!(
            shown(&fronted(&sources, &dependencies)),
            ["src/id.rs:2", "src/call.rs:1", "src/plugin/raw.rs:1"]
        );
    }

    #[test]
    fn a_sleep_is_found_however_it_is_imported() {
        let sources = [
            Source::new("tests/a.rs", "fn f() { std::thread::sleep(D) }"),
            Source::new("tests/b.rs", "use std::thread::{self, sleep};\nfn f() { sleep(D) }"),
            Source::new("src/c.rs", "fn f() {}\n#[cfg(test)] mod tests { use std::thread::sleep as rest; }"),
            Source::new("tests/it/support/work.rs", "use std::thread::sleep;"),
            Source::new(
                "tests/calm.rs",
                "// thread::sleep\nfn sleep() { \"thread::sleep\"; worker.sleep(); sleep_until_woken() }",
            ),
        ];
        assert_eq!(
            shown(&sleeping(&sources, "tests/it/support/work.rs")),
            ["tests/a.rs:1", "tests/b.rs:1", "src/c.rs:2"]
        );
    }

    #[test]
    fn an_unwrap_that_ships_is_found() {
        let sources = [
            Source::new("src/a.rs", "fn f() {\n x.unwrap();\n y\n .unwrap ();\n map(Option::unwrap) }"),
            Source::new(
                "src/b.rs",
                "// x.unwrap()\nfn unwrap() { x.unwrap_or(1); }\n#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }",
            ),
            Source::new("tests/c.rs", "fn f() { x.unwrap() }"),
        ];
        assert_eq!(shown(&unwrapping(&sources)), ["src/a.rs:2", "src/a.rs:4", "src/a.rs:5"]);
    }

    #[test]
    fn a_silenced_lint_needs_expect_and_a_reason() {
        let sources = [
            Source::new(
                "src/a.rs",
                "#![allow(dead_code)]\n#[allow(x)]\nfn f() {}\n#[cfg_attr(a, allow (x))]\nfn g() {}\n#[expect(x)]\nfn h() {}",
            ),
            Source::new(
                "src/b.rs",
                "// #[allow(x)]\n#[expect(x, reason = \"y\")]\nfn allow() { expect(1); }",
            ),
            Source::new(
                "src/c.rs",
                "macro_rules! m { () => {\n#[allow(x)] // tidy: macro\n fn f() {}\n#[allow(x)]\nfn g() {} } }\n#[allow(x)] // tidy: macro\nfn h() {}",
            ),
            Source::new("tests/d.rs", "#![allow(dead_code)]"),
        ];
        assert_eq!(
            shown(&silenced_lints(&sources)),
            ["src/a.rs:1", "src/a.rs:2", "src/a.rs:4", "src/a.rs:6", "src/c.rs:4", "src/c.rs:6"]
        );
    }
}
