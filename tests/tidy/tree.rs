//! The files that the rules look at, and what a rule says about a line of one.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::{blank, scan};

/// A Rust file.
pub(crate) struct Source {
    /// From the repository's root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and literals blanked.
    pub(crate) code: String,
    /// The code without the modules that only tests are compiled with: empty for a file that is such a module.
    pub(crate) shipped: String,
}

/// Something that a rule does not allow.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

const FOLDERS: [&str; 6] = ["src", "tests", "examples", "benches", "plugins", "fuzz"];

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank::blank(text);
        let tests: Vec<_> = scan::test_modules(&code).into_iter().filter_map(|module| module.body).collect();
        let shipped = blank::without(&code, &tests);
        Self { path: path.to_owned(), text: text.to_owned(), code, shipped }
    }

    pub(crate) fn finding(&self, at: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line: scan::line_of(&self.text, at), what: what.into() }
    }

    /// Whether the file is part of the library itself.
    pub(crate) fn is_library(&self) -> bool {
        self.path.starts_with("src/")
    }

    /// Whether the file belongs to this package: its library or its tests.
    pub(crate) fn is_package(&self) -> bool {
        self.is_library() || self.path.starts_with("tests/")
    }

    /// The paths that the file of `mod name;` may have when this file says it.
    pub(crate) fn files_of(&self, name: &str) -> [String; 2] {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let stem = file.trim_end_matches(".rs");
        let crate_root = matches!(folder, "tests" | "examples" | "benches");
        let folder = match stem {
            "mod" | "lib" | "main" => folder.to_owned(),
            _ if crate_root => folder.to_owned(),
            _ => format!("{folder}/{stem}"),
        };
        [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")]
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Reads the repository's Rust files, by path.
pub(crate) fn read(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in FOLDERS {
        walk(&root.join(folder), folder, "rs", &mut |path, text| {
            sources.push(Source::new(path, text));
        });
    }
    leave_out_test_files(&mut sources);
    sources
}

/// Reads the manifests: the root's and the plugins'.
pub(crate) fn manifests(root: &Path) -> Vec<(String, String)> {
    let own = ["Cargo.toml", "fuzz/Cargo.toml"].map(|path| (path.to_owned(), read_text(&root.join(path))));
    let mut found = Vec::from(own);
    walk(&root.join("plugins"), "plugins", "toml", &mut |path, text| {
        if path.ends_with("/Cargo.toml") {
            found.push((path.to_owned(), text.to_owned()));
        }
    });
    found
}

pub(crate) fn read_text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Empties the shipped code of files that are test modules, `#[cfg(test)] mod name;`, and of all below them.
fn leave_out_test_files(sources: &mut [Source]) {
    let mut test_files = Vec::new();
    for source in sources.iter() {
        for module in scan::test_modules(&source.code) {
            if module.body.is_none() {
                test_files.extend(source.files_of(&module.name));
            }
        }
    }
    for source in sources.iter_mut() {
        let below = |file: &String| {
            let folder = file.trim_end_matches("mod.rs").trim_end_matches(".rs").trim_end_matches('/');
            source.path == *file || source.path.starts_with(&format!("{folder}/"))
        };
        if test_files.iter().any(below) {
            source.shipped.clear();
        }
    }
}

/// Visits the files with this extension below a folder, in order; a folder that is not there holds none.
fn walk(folder: &Path, name: &str, extension: &str, visit: &mut impl FnMut(&str, &str)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> =
        entries.map(|entry| entry.expect("a folder that opens can be listed")).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, file) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let child = format!("{name}/{file}");
        if path.is_dir() {
            if file != "target" && !file.starts_with('.') {
                walk(&path, &child, extension, visit);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            visit(&child, &read_text(&path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_code_has_no_test_modules_inline_or_in_a_file() {
        let mut sources = [
            Source::new(
                "src/a.rs",
                "fn f() {}\n#[cfg(test)]\nmod tests { fn g() {} }\n#[cfg(test)]\nmod more;\n",
            ),
            Source::new("src/a/more.rs", "fn h() {}"),
            Source::new("src/a/more/deep.rs", "fn i() {}"),
            Source::new("src/a/moreover.rs", "fn j() {}"),
        ];
        leave_out_test_files(&mut sources);
        assert!(sources[0].shipped.contains("fn f") && !sources[0].shipped.contains("fn g"));
        assert_eq!([1, 2, 3].map(|at: usize| sources[at].shipped.as_str()), ["", "", "fn j() {}"]);
    }

    #[test]
    fn a_module_file_lies_beside_roots_and_below_others() {
        assert_eq!(Source::new("src/lib.rs", "").files_of("a")[0], "src/a.rs");
        assert_eq!(Source::new("src/a.rs", "").files_of("b")[1], "src/a/b/mod.rs");
        assert_eq!(Source::new("src/a/mod.rs", "").files_of("b")[0], "src/a/b.rs");
        assert_eq!(Source::new("tests/plain.rs", "").files_of("b")[0], "tests/b.rs");
        assert_eq!(Source::new("tests/it/main.rs", "").files_of("b")[0], "tests/it/b.rs");
    }

    #[test]
    fn a_finding_says_where() {
        let source = Source::new("src/a.rs", "one\ntwo\n");
        assert_eq!(source.finding(5, "is wrong").to_string(), "src/a.rs:2: is wrong");
    }
}
