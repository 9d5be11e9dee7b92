//! The rules of the house, checked on the text of the repository: one test for each. `CONTRIBUTING.md` lists them; each
//! module here holds the checks of one subject, and tests that show that each of them can fail.

mod behaviours;
mod blank;
mod gates;
mod layers;
mod manifest;
mod scan;
mod shape;
mod tree;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use shape::Fronted;
use tree::{Finding, Source};

/// The modules of each layer, lowest first. `ARCHITECTURE.md` says what each is for and must not know.
const LAYERS: &[&[&str]] = &[
    &["plant"],
    &["id", "hash", "sync", "fence", "fuzz", "value"],
    &["clock"],
    &["codec", "event", "error"],
    &["function", "supervise", "ipc", "process"],
    &["plugin", "call"],
    &["registry"],
    &["worker"],
    &["pool"],
    &["wpc"],
    &["simulation", "models", "schedules", "fuzzing"],
    &["bin"],
];

/// The files that may say `unsafe`. Each opens with numbered rules, and each of its `// SAFETY:` comments cites one.
const UNSAFE_FILES: &[&str] = &[
    "benches/peers/src/goals/support/heap.rs",
    "plugins/misbehaving/src/export.rs",
    "plugins/misbehaving/src/patch.rs",
    "plugins/wpc-plugin/src/abi.rs",
    "plugins/wpc-plugin/src/export.rs",
    "plugins/wpc-plugin/src/raw.rs",
    "plugins/wpc-plugin/tests/it/host.rs",
    "plugins/wpc-plugin/tests/it/symbol.rs",
    "src/call/exchange.rs",
    "src/fuzz/allocation.rs",
    "src/plugin/descriptor.rs",
    "src/plugin/descriptor/tests.rs",
    "src/plugin/image.rs",
    "src/plugin/plugin.rs",
    "src/plugin/plugin/tests.rs",
    "src/plugin/sink.rs",
    "src/plugin/symbol.rs",
    "src/sync/pooled.rs",
    "src/sync/stack.rs",
    "src/value.rs",
    "tests/allocations/counting.rs",
    "tests/it/dependencies/system.rs",
];

/// The dependencies that stand behind one file, so that what they promise is promised in one place.
const FRONTED: &[Fronted] = &[
    Fronted { name: "bincode", place: "src/codec.rs" },
    Fronted { name: "rmp_serde", place: "src/codec.rs" },
    Fronted { name: "sha1", place: "src/hash.rs" },
    Fronted { name: "libloading", place: "src/plugin/" },
];

/// The only file that may sleep: as the work of a user's function, never to wait for something.
const SLEEPING_FILE: &str = "tests/it/support/work.rs";

const BEHAVIOURS: &str = "tests/behaviours.txt";

const FILE_LINES_MAX: usize = 700;

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| tree::read(root()));

#[test]
fn the_repository_is_there_to_be_checked() {
    for path in ["src/lib.rs", "tests/tidy/main.rs"] {
        assert!(
            SOURCES.iter().any(|source| source.path == path),
            "{path} is not among the files that the rules read"
        );
    }
}

#[test]
fn a_module_names_only_strictly_lower_layers() {
    assert_clean(&layers::check(&SOURCES, LAYERS));
}

#[test]
fn no_file_is_longer_than_its_limit() {
    assert_clean(&shape::length(&SOURCES, FILE_LINES_MAX));
}

#[test]
fn unsafe_stands_only_in_the_listed_files() {
    assert_clean(&shape::unsafe_code(&SOURCES, UNSAFE_FILES));
}

#[test]
fn a_fronted_dependency_is_named_in_one_file() {
    assert_clean(&shape::fronted(&SOURCES, FRONTED));
}

#[test]
fn a_feature_gates_whole_parts() {
    assert_clean(&gates::check(&SOURCES));
}

#[test]
fn each_file_opens_with_what_it_is_for() {
    assert_clean(&shape::opening(&SOURCES));
}

#[test]
fn each_behaviour_that_is_built_has_one_test() {
    assert_clean(&behaviours::check(BEHAVIOURS, &tree::read_text(&root().join(BEHAVIOURS)), &SOURCES));
}

#[test]
fn each_file_with_tests_is_compiled() {
    assert_clean(&behaviours::declared(&SOURCES));
}

#[test]
fn nothing_sleeps_but_a_users_work() {
    assert_clean(&shape::sleeping(&SOURCES, SLEEPING_FILE));
}

#[test]
fn no_unwrap_ships() {
    assert_clean(&shape::unwrapping(&SOURCES));
}

#[test]
fn a_silenced_lint_is_expected_and_says_why() {
    assert_clean(&shape::silenced_lints(&SOURCES));
}

#[test]
fn each_dependency_says_what_it_is_for() {
    for (path, manifest) in tree::manifests(root()) {
        assert_clean(&manifest::explained(&path, &manifest));
    }
}

#[test]
fn every_dependency_comes_from_crates_io() {
    assert_clean(&manifest::sources("Cargo.lock", &tree::read_text(&root().join("Cargo.lock"))));
}

/// The repository under test. Cargo says it when it runs the test: what it said when it built it may be another copy,
/// where two share a target directory.
fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
    });
    &ROOT
}

#[track_caller]
fn assert_clean(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(findings.is_empty(), "the rule that this test is named for is broken here:{}", lines.concat());
}
