//! The rules about tests: each behaviour that is listed as built is held by one test or one module of tests, and every
//! file with tests is compiled.

use std::collections::BTreeMap;

use crate::scan;
use crate::tree::{Finding, Source};

/// The letters that behaviours begin with: calls, dependencies, processes.
const KINDS: [char; 3] = ['W', 'D', 'P'];

/// A test or a module whose name begins with a behaviour's id, such as `w7_a_deadline_ends_a_held_call`.
struct Holder {
    id: String,
    name: String,
    path: String,
    line: usize,
    tests: usize,
    ignored: bool,
}

/// A function under `#[test]`.
struct Test {
    name: String,
    at: usize,
    ignored: bool,
}

/// Compares the list, one id a line, with the tests of the library and of `tests/`.
pub(crate) fn check(list_path: &str, list: &str, sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = read_list(list_path, list, &mut findings);
    let mut holders: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
    for holder in
        sources.iter().filter(|source| source.is_package()).flat_map(|source| holders_in(source, sources))
    {
        holders.entry(holder.id.clone()).or_default().push(holder);
    }
    for (id, line) in &listed {
        let found = holders.get(id).map_or(&[][..], Vec::as_slice);
        if let Some(what) = wrong_holders(id, found) {
            findings.push(Finding { path: list_path.to_owned(), line: *line, what });
        }
    }
    for holder in holders.values().flatten().filter(|holder| !listed.contains_key(&holder.id)) {
        let what = format!("`{}` holds {}, which {list_path} does not list", holder.name, holder.id);
        findings.push(Finding { path: holder.path.clone(), line: holder.line, what });
    }
    findings
}

/// Each file that holds tests is declared by the file above it: one that is not is never compiled.
pub(crate) fn declared(sources: &[Source]) -> Vec<Finding> {
    let mut files: Vec<String> = Vec::new();
    for source in sources {
        for module in scan::modules(&source.code) {
            files.extend(source.files_of(&module.name));
        }
    }
    let is_lost = |source: &&Source| {
        source.is_package()
            && !is_crate_root(&source.path)
            && !files.contains(&source.path)
            && !tests_in(&source.code).is_empty()
    };
    let what = "holds tests and no file declares it: it is never compiled";
    sources.iter().filter(is_lost).map(|source| source.finding(0, what)).collect()
}

fn read_list(path: &str, list: &str, findings: &mut Vec<Finding>) -> BTreeMap<String, usize> {
    let mut listed = BTreeMap::new();
    for (at, text) in list.lines().enumerate() {
        let id = text.split('#').next().unwrap_or(text).trim();
        let wrong = match id {
            "" => continue,
            _ if !is_id(id) => Some(format!("`{id}` is no id of a behaviour, such as W1")),
            _ => listed
                .insert(id.to_owned(), at + 1)
                .map(|first| format!("{id} is already listed in line {first}")),
        };
        findings.extend(wrong.map(|what| Finding { path: path.to_owned(), line: at + 1, what }));
    }
    listed
}

fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix(KINDS).unwrap_or_default();
    !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The id that a name such as `w7_a_sentence` begins with.
fn id_in(name: &str) -> Option<String> {
    let (id, sentence) = name.split_once('_')?;
    let upper = id.to_ascii_uppercase();
    (id != upper && is_id(&upper) && !sentence.is_empty()).then_some(upper)
}

fn wrong_holders(id: &str, found: &[Holder]) -> Option<String> {
    match found {
        [] => Some(format!("{id} is listed and no test is named `{}_..`", id.to_ascii_lowercase())),
        [only] if only.tests == 0 => Some(format!("the module `{}` that holds {id} has no test", only.name)),
        [only] if only.ignored => {
            Some(format!("`{}`, which holds {id}, is ignored in part or whole", only.name))
        }
        [_] => None,
        several => {
            let places: Vec<String> =
                several.iter().map(|it| format!("{}:{} `{}`", it.path, it.line, it.name)).collect();
            Some(format!("{id} is held more than once: {}", places.join(", ")))
        }
    }
}

fn holders_in(source: &Source, sources: &[Source]) -> Vec<Holder> {
    let tests = tests_in(&source.code);
    let holder = |name: &str, at: usize, tests: &[&Test]| {
        Some(Holder {
            id: id_in(name)?,
            name: name.to_owned(),
            path: source.path.clone(),
            line: scan::line_of(&source.code, at),
            tests: tests.len(),
            ignored: tests.iter().any(|test| test.ignored),
        })
    };
    let mut found: Vec<Holder> =
        tests.iter().filter_map(|test| holder(&test.name, test.at, &[test])).collect();
    for module in scan::modules(&source.code).iter().filter(|module| id_in(&module.name).is_some()) {
        if let Some(body) = &module.body {
            let inside: Vec<&Test> = tests.iter().filter(|test| body.contains(&test.at)).collect();
            found.extend(holder(&module.name, module.at, &inside));
        } else {
            let elsewhere = tests_in_file(source, &module.name, sources);
            found.extend(holder(&module.name, module.at, &elsewhere.iter().collect::<Vec<_>>()));
        }
    }
    found
}

/// The tests in the file that `mod name;` stands for, and below it.
fn tests_in_file(source: &Source, name: &str, sources: &[Source]) -> Vec<Test> {
    let [file, folder_file] = source.files_of(name);
    let folder = folder_file.trim_end_matches("mod.rs");
    let inside = sources.iter().filter(|other| other.path == file || other.path.starts_with(folder));
    inside.flat_map(|other| tests_in(&other.code)).collect()
}

/// The functions with an attribute whose path ends in `test`.
fn tests_in(code: &str) -> Vec<Test> {
    let mut found: Vec<Test> = Vec::new();
    let mut run: Option<(usize, bool, bool)> = None;
    for attribute in scan::attributes(code).iter().filter(|attribute| !attribute.inner) {
        let body = &code[attribute.body.clone()];
        let path = body.split(['(', '=']).next().unwrap_or(body).trim();
        let is_test = path == "test" || path.ends_with("::test");
        let is_ignore = !scan::words(body, "ignore").is_empty();
        let item = scan::item_behind(code, attribute.span.end);
        let (tested, ignored) = match run {
            Some((same, tested, ignored)) if same == item => (tested || is_test, ignored || is_ignore),
            _ => (is_test, is_ignore),
        };
        run = Some((item, tested, ignored));
        let last_of_run = !code[attribute.span.end..].trim_start().starts_with("#[");
        if let Some(name) = function_name(code, item).filter(|_| tested && last_of_run) {
            found.push(Test { name, at: item, ignored });
        }
    }
    found
}

fn function_name(code: &str, item: usize) -> Option<String> {
    let bare = scan::behind_visibility(code, item);
    let mut at = bare;
    while matches!(scan::name_at(code, at), "async" | "const" | "unsafe" | "extern") {
        at += scan::name_at(code, at).len();
        at += code[at..].len() - code[at..].trim_start().len();
    }
    (scan::name_at(code, at) == "fn").then(|| scan::name_at(code, at + 2).to_owned())
}

fn is_crate_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["src", file] => matches!(file, "lib.rs" | "main.rs"),
        ["src", "bin", ..] | ["tests", _] | ["tests", _, "main.rs"] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &str, files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        check("list", list, &sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_listed_behaviour_is_held_by_a_test_or_a_module_of_tests() {
        let main = "mod w3_drops;\n#[test]\nfn w1_runs() {}\nmod d2_loads {\n#[test]\n#[should_panic]\nasync fn one() {}\n}\n\
                    fn w9_is_no_test() {}\nfn w() {}\n#[test] fn w_1() {} #[test] fn x1_y() {}\n#[test] fn w5_() {}";
        let files = [
            ("tests/it/main.rs", main),
            ("tests/it/w3_drops.rs", "#[tokio::test(flavor = \"x\")]\nasync fn one() {}"),
            ("src/call.rs", "#[cfg(test)]\nmod tests { #[test]\n fn p12_frames() {} }"),
            ("examples/e.rs", "#[test]\nfn w4_elsewhere() {}"),
        ];
        assert_eq!(found("# prose\nW1\nW3 # why\n\nD2\nP12\n", &files), [""; 0]);
    }

    #[test]
    fn a_behaviour_without_a_test_is_found() {
        assert_eq!(found("\nW1\n", &[]), ["list:2: W1 is listed and no test is named `w1_..`"]);
        let empty = [("tests/it.rs", "mod w1_runs { fn one() {} }\n// #[test] fn w2_x() {}")];
        assert_eq!(
            found("W1\nW2", &empty),
            [
                "list:1: the module `w1_runs` that holds W1 has no test",
                "list:2: W2 is listed and no test is named `w2_..`"
            ]
        );
    }

    #[test]
    fn a_behaviour_held_twice_or_listed_twice_is_found() {
        let files =
            [("tests/a.rs", "#[test]\nfn w1_a() {}"), ("src/b.rs", "mod w1_b {\n#[test] fn one() {} }")];
        assert_eq!(
            found("W1\nW1\n", &files),
            [
                "list:2: W1 is already listed in line 1",
                "list:2: W1 is held more than once: tests/a.rs:2 `w1_a`, src/b.rs:1 `w1_b`"
            ]
        );
    }

    #[test]
    fn a_test_of_a_behaviour_that_is_not_listed_is_found() {
        let files = [("tests/a.rs", "\n#[test]\nfn w12_a() {}\nmod d1_b;")];
        assert_eq!(
            found("W1x\nQ3\nW01", &files),
            [
                "list:1: `W1x` is no id of a behaviour, such as W1",
                "list:2: `Q3` is no id of a behaviour, such as W1",
                "list:3: `W01` is no id of a behaviour, such as W1",
                "tests/a.rs:4: `d1_b` holds D1, which list does not list",
                "tests/a.rs:3: `w12_a` holds W12, which list does not list",
            ]
        );
    }

    #[test]
    fn an_ignored_test_is_found_alone_in_a_module_and_in_a_file() {
        for text in [
            "#[test]\n#[ignore = \"slow\"]\nfn w1_a() {}",
            "#[cfg_attr(miri, ignore)]\n#[test]\nfn w1_a() {}",
            "mod w1_a { #[test] fn one() {}\n#[test]\n#[ignore]\nfn two() {} }",
        ] {
            assert_eq!(
                found("W1", &[("tests/a.rs", text)]),
                ["list:1: `w1_a`, which holds W1, is ignored in part or whole"],
                "in {text}"
            );
        }
        let files = [
            ("tests/it/main.rs", "mod w1_a;"),
            ("tests/it/w1_a/mod.rs", ""),
            ("tests/it/w1_a/b.rs", "#[test] #[ignore] fn c() {}"),
        ];
        assert_eq!(found("W1", &files).len(), 1);
    }

    #[test]
    fn a_file_with_tests_that_nothing_declares_is_found() {
        let sources = [
            ("tests/it/main.rs", "mod a;\nmod c { mod x {} }"),
            ("tests/it/a.rs", "mod deep;\n#[test] fn t() {}"),
            ("tests/it/a/deep.rs", "#[test] fn t() {}"),
            ("tests/it/lost.rs", "#[test] fn t() {}"),
            ("tests/it/fixture.rs", "fn t() {}"),
            ("tests/alone.rs", "#[test] fn t() {}"),
            ("src/lost.rs", "#[cfg(test)] mod tests { #[test] fn t() {} }"),
        ]
        .map(|(path, text)| Source::new(path, text));
        let found: Vec<String> = declared(&sources).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["tests/it/lost.rs", "src/lost.rs"]);
    }
}
