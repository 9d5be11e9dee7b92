//! The layer rule: a module of the library names only modules of strictly lower layers, and itself.

use std::ops::Range;

use crate::scan::{self, Path};
use crate::tree::{Finding, Source};

/// Checks every file of the library but its root, `lib.rs`, and the programs, which are crates of their own.
/// `layers` lists the modules of layer 0, 1 and so on.
pub(crate) fn check(sources: &[Source], layers: &[&[&str]]) -> Vec<Finding> {
    let modules = sources.iter().filter_map(|source| Some((source, place(&source.path)?)));
    modules.flat_map(|(source, place)| check_file(source, &place, layers)).collect()
}

/// The module path of a file: `["call", "job"]` for `src/call/job.rs`; `None` for roots and files elsewhere.
fn place(path: &str) -> Option<Vec<&str>> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    if inside == "lib" || inside == "main" || inside.starts_with("bin/") {
        return None;
    }
    Some(inside.strip_suffix("/mod").unwrap_or(inside).split('/').collect())
}

fn check_file(source: &Source, place: &[&str], layers: &[&[&str]]) -> Vec<Finding> {
    let own = place[0];
    let Some(layer) = layer_of(own, layers) else {
        return vec![source.finding(0, format!("the module `{own}` has no place in the layer table"))];
    };
    let inline: Vec<Range<usize>> =
        scan::modules(&source.shipped).into_iter().filter_map(|module| module.body).collect();
    let mut findings = Vec::new();
    for path in scan::paths(&source.shipped) {
        let depth = place.len() + inline.iter().filter(|body| body.contains(&path.at)).count();
        let wrong = match path.segments[0].as_str() {
            "crate" => wrong_crate_path(source, &path, (own, layer), layers),
            "super" | "self" => wrong_super_path(source, &path, own, depth),
            _ => None,
        };
        findings.extend(wrong.map(|what| source.finding(path.at, what)));
    }
    findings
}

fn layer_of(module: &str, layers: &[&[&str]]) -> Option<usize> {
    layers.iter().position(|names| names.contains(&module))
}

fn wrong_crate_path(
    source: &Source,
    path: &Path,
    (own, layer): (&str, usize),
    layers: &[&[&str]],
) -> Option<String> {
    let target = match path.segments.get(1).map(String::as_str) {
        // `$crate` is what a macro says in its user's crate: it names the public face, not a layer.
        _ if source.shipped[..path.at].ends_with('$') => return None,
        // `pub(crate)`, and a macro, which stands at the crate's root wherever it is defined.
        None if !path.imported => return None,
        Some(_) if path.segments.get(2).is_some_and(|mark| mark == "!") => return None,
        None | Some("self" | "*") => {
            return Some("the crate's root is imported as a whole: name the module".into());
        }
        Some("super") => return Some("`crate::super` leads nowhere".into()),
        Some(target) => target,
    };
    match layer_of(target, layers) {
        _ if target == own => None,
        None => {
            Some(format!("`crate::{target}` is no module of the layer table: name the module that owns it"))
        }
        Some(lower) if lower < layer => None,
        Some(other) => Some(format!(
            "`{own}` (layer {layer}) names `{target}` (layer {other}), which is not strictly lower"
        )),
    }
}

/// A chain of `super` may walk inside its module's folder, not out of it.
fn wrong_super_path(source: &Source, path: &Path, own: &str, depth: usize) -> Option<String> {
    let visibility = source.shipped[..path.at].trim_end();
    if !path.imported && (visibility.ends_with("pub(") || visibility.ends_with("pub(in")) {
        return None;
    }
    let chain = path.segments.iter().skip_while(|name| *name == "self");
    let steps = chain.take_while(|name| *name == "super").count();
    (steps >= depth)
        .then(|| format!("`{}` leaves `{own}`: write `crate::` and the module", path.segments.join("::")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &[&[&str]] = &[&["id", "clock"], &["event"], &["call"], &["worker"]];

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&[Source::new(path, text)], LAYERS).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lower_layers_and_the_own_module_are_allowed() {
        let text = "//! Prose about crate::worker.\nuse crate::{clock::Clock, event::{self, Event}};\n\
                    pub(crate) fn f(x: crate::id::Id) -> crate::call::Job { \"crate::worker\"; super::g() }\n\
                    pub(super) fn h() { $crate::function!(1); crate::trace!(2); }\n\
                    #[cfg(test)] mod tests { use crate::worker::Slot; use super::super::super::x; }\n\
                    mod inner { use super::super::job; }\n";
        assert_eq!(found("src/call/job.rs", text), [""; 0]);
        assert_eq!(found("src/lib.rs", "use crate::nowhere::X;"), [""; 0]);
        assert_eq!(found("src/bin/wpc.rs", "use crate::nowhere::X;"), [""; 0]);
        assert_eq!(found("tests/it/main.rs", "use crate::support::X;"), [""; 0]);
    }

    #[test]
    fn a_higher_layer_is_found_in_an_import_in_a_group_and_inline() {
        let higher = "`event` (layer 1) names `worker` (layer 3), which is not strictly lower";
        for (text, line) in [
            ("use crate::worker::Slot;", 1),
            ("use crate::{\n    id::Id,\n    worker::{Slot, Run},\n};", 3),
            ("\nfn f() -> Option<crate::worker::Slot> {}", 2),
            ("pub(in crate::worker) fn f() {}", 1),
        ] {
            let findings = found("src/event.rs", text);
            assert!(!findings.is_empty(), "nothing found in {text}");
            assert!(
                findings.iter().all(|it| *it == format!("src/event.rs:{line}: {higher}")),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn a_sibling_of_the_same_layer_is_found() {
        assert_eq!(
            found("src/id.rs", "use crate::clock::Clock;"),
            ["src/id.rs:1: `id` (layer 0) names `clock` (layer 0), which is not strictly lower"]
        );
    }

    #[test]
    fn a_module_outside_the_table_is_found() {
        assert_eq!(
            found("src/util/mod.rs", ""),
            ["src/util/mod.rs:1: the module `util` has no place in the layer table"]
        );
        assert_eq!(
            found("src/call/mod.rs", "use crate::Wpc;"),
            ["src/call/mod.rs:1: `crate::Wpc` is no module of the layer table: name the module that owns it"]
        );
    }

    #[test]
    fn the_root_imported_as_a_whole_is_found() {
        for text in ["use crate::*;", "use crate as root;", "use crate::{self as root};"] {
            assert_eq!(found("src/call/mod.rs", text).len(), 1, "in {text}");
        }
    }

    #[test]
    fn super_that_leaves_the_module_is_found_at_every_depth() {
        for (path, text) in [
            ("src/event.rs", "use super::worker::Slot;"),
            ("src/event.rs", "fn f() { super::g() }"),
            ("src/event.rs", "use self::super::g;"),
            ("src/call/mod.rs", "use super::g;"),
            ("src/call/job.rs", "use super::{a, super::worker};"),
            ("src/call/job.rs", "mod inner { fn f() { super::super::super::g() } }"),
        ] {
            assert_eq!(found(path, text).len(), 1, "in {path}: {text}");
        }
    }
}
