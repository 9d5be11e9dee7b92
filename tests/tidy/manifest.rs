//! The rules about dependencies: each says in its manifest what it is for, and all come from crates.io.

use crate::tree::Finding;

/// How a lock file names crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A comment of fewer words explains nothing.
const COMMENT_WORDS_MIN: usize = 3;

/// Each dependency of a manifest has a sentence on the line above or at its end.
pub(crate) fn explained(path: &str, manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut section, mut above, mut depth) = (Section::Other, "", 0_i32);
    for (at, line) in manifest.lines().enumerate() {
        let (code, comment) = split_comment(line);
        let starts_entry = depth == 0 && !code.is_empty();
        if starts_entry {
            let header = code.starts_with('[');
            if header {
                section = Section::of(code);
            }
            let name = match &section {
                Section::Table if !header => code.split(['=', '.']).next(),
                Section::One(name) if header => Some(name.as_str()),
                _ => None,
            };
            if let Some(name) = name.filter(|_| !is_sentence(above) && !is_sentence(comment)) {
                let what = format!(
                    "`{}` has no sentence above it that says what it is for",
                    name.trim().trim_matches('"')
                );
                findings.push(Finding { path: path.to_owned(), line: at + 1, what });
            }
        }
        above = if code.is_empty() { comment } else { "" };
        if !code.starts_with('[') || depth > 0 {
            depth += nesting(code);
        }
    }
    findings
}

/// Every package of a lock file comes from crates.io or lies in the repository.
pub(crate) fn sources(path: &str, lock: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in lock.lines().enumerate() {
        let Some(source) = line.trim().strip_prefix("source").map(|rest| rest.trim_start_matches([' ', '=']))
        else {
            continue;
        };
        if source.trim_matches('"') != CRATES_IO {
            let what = format!("a package comes from {source}, not from crates.io");
            findings.push(Finding { path: path.to_owned(), line: at + 1, what });
        }
    }
    findings
}

/// What the lines below a header are.
enum Section {
    /// Dependencies, one an entry: `[dependencies]`, `[target.'cfg(..)'.dev-dependencies]`.
    Table,
    /// The settings of one dependency: `[dependencies.name]`.
    One(String),
    Other,
}

impl Section {
    fn of(header: &str) -> Self {
        let inside = header.trim_matches(['[', ']', ' ']);
        // The dots inside a quoted `cfg(..)` are of no account: the words that matter stand behind it.
        let parts: Vec<&str> =
            inside.rsplit(['\'', '"']).next().unwrap_or(inside).split('.').map(str::trim).collect();
        let is_table =
            |part: &str| matches!(part, "dependencies" | "dev-dependencies" | "build-dependencies");
        match parts[..] {
            [.., table] if is_table(table) => Self::Table,
            [.., table, name] if is_table(table) => Self::One(name.to_owned()),
            _ => Self::Other,
        }
    }
}

/// The parts of a line before and behind the `#` of a comment; one inside a string begins none.
fn split_comment(line: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return (line[..at].trim(), line[at..].trim_start_matches('#').trim()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    (line.trim(), "")
}

fn is_sentence(comment: &str) -> bool {
    comment.split_whitespace().count() >= COMMENT_WORDS_MIN
}

/// How many more brackets a line opens than it closes: an entry goes on while some are open.
fn nesting(code: &str) -> i32 {
    code.chars().map(|c| i32::from(matches!(c, '[' | '{')) - i32::from(matches!(c, ']' | '}'))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn dependencies_with_a_sentence_above_or_behind_are_allowed() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\n# Says what it is.\na = \"1\"\n\
                        b = { version = \"1\", features = [ # It is for bees.\n  \"x\",\n  \"#y\",\n] }\n\
                        # The third of all.\nc.workspace = true\n[dev-dependencies.d]   # Only tests need it.\nversion = \"1\"\n\
                        [features]\nx = []\n[lints]\nworkspace = true\n";
        assert_eq!(lines(&explained("Cargo.toml", manifest)), [0; 0]);
    }

    #[test]
    fn a_dependency_without_a_sentence_is_found() {
        let manifest = "[dependencies]\n# Says what it is.\na = \"1\"\nb = \"1#2 3 4 5\"\n# Stands apart from it.\n\nc = \"1\"\n# TODO\nd = \"1\"\n\
                        [dev-dependencies]\ne = { version = \"1\" }\n[target.'cfg(a.b)'.dev-dependencies]\nf = \"1\"\n\
                        [build-dependencies.g]\nversion = \"1\"\n[workspace.dependencies]\nh = \"1\"\n";
        assert_eq!(lines(&explained("Cargo.toml", manifest)), [4, 7, 9, 11, 13, 14, 17]);
    }

    #[test]
    fn a_source_other_than_crates_io_is_found() {
        let lock = format!(
            "[[package]]\nname = \"a\"\nsource = \"{CRATES_IO}\"\n[[package]]\nname = \"own\"\nversion = \"1\"\n\
             [[package]]\nsource = \"git+https://example.org/b\"\n[[package]]\nsource = \"sparse+https://example.org/\"\n"
        );
        assert_eq!(lines(&sources("Cargo.lock", &lock)), [8, 10]);
    }
}
