//! Just enough of Rust's structure (words, attributes, braces, modules, paths) to ask where something stands. It is no
//! parser: it reads blanked text, and relies on that being formatted by rustfmt and accepted by the compiler.

use std::ops::Range;

use crate::blank;

/// An attribute, `#[..]` or `#![..]`.
pub(crate) struct Attribute {
    /// From the `#` to behind the closing bracket.
    pub(crate) span: Range<usize>,
    /// What stands between the brackets.
    pub(crate) body: Range<usize>,
    /// Whether it is an inner attribute, `#![..]`.
    pub(crate) inner: bool,
}

/// A `mod` item.
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) at: usize,
    /// The text between the braces, or `None` for `mod name;`.
    pub(crate) body: Option<Range<usize>>,
}

/// A path such as `crate::call::Job`: out of a `use` tree, flattened, or from the middle of the code.
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) at: usize,
    pub(crate) imported: bool,
}

/// The line, counted from 1, that holds this offset.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// Where this word stands in the code, as a whole word.
pub(crate) fn words(code: &str, word: &str) -> Vec<usize> {
    let whole = |at: &usize| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    };
    code.match_indices(word).map(|(at, _)| at).filter(whole).collect()
}

/// The name that begins at or, after blanks, behind this offset; empty when something else stands there.
pub(crate) fn name_at(code: &str, at: usize) -> &str {
    let rest = code[at..].trim_start();
    &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())]
}

/// The offset behind the bracket that closes the one at `open`; the end of the code when nothing closes it.
pub(crate) fn behind_closing(code: &str, open: usize) -> usize {
    let bytes = code.as_bytes();
    let opening = bytes[open];
    let closing = match opening {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    };
    let mut depth = 0_usize;
    for (at, &byte) in bytes.iter().enumerate().skip(open) {
        if byte == opening {
            depth += 1;
        } else if byte == closing {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    bytes.len()
}

/// The attributes, in order.
pub(crate) fn attributes(code: &str) -> Vec<Attribute> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].find('#').map(|at| from + at) {
        let inner = code[at + 1..].starts_with('!');
        let open = at + 1 + usize::from(inner);
        if !code[open..].starts_with('[') {
            from = at + 1;
            continue;
        }
        let end = behind_closing(code, open);
        found.push(Attribute { span: at..end, body: open + 1..end.max(open + 2) - 1, inner });
        from = end;
    }
    found
}

/// The offset of the item that the attributes ending at `at` belong to: behind blanks and further attributes.
pub(crate) fn item_behind(code: &str, mut at: usize) -> usize {
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if !code[at..].starts_with("#[") {
            return at;
        }
        at = behind_closing(code, at + 1);
    }
}

/// The `mod` items, inline and out of line.
pub(crate) fn modules(code: &str) -> Vec<Module> {
    let module = |at: usize| {
        let name = name_at(code, at + 3);
        let behind = at + 3 + code[at + 3..].find(name)? + name.len();
        let open = behind + (code[behind..].len() - code[behind..].trim_start().len());
        match code[open..].chars().next() {
            _ if name.is_empty() => None,
            Some('{') => Some(Module {
                name: name.to_owned(),
                at,
                body: Some(open + 1..behind_closing(code, open).saturating_sub(1).max(open + 1)),
            }),
            Some(';') => Some(Module { name: name.to_owned(), at, body: None }),
            _ => None,
        }
    };
    words(code, "mod").into_iter().filter_map(module).collect()
}

/// The modules that only tests are compiled with: under `#[cfg(test)]` or `#[cfg(all(test, ..))]`.
pub(crate) fn test_modules(code: &str) -> Vec<Module> {
    let gated: Vec<usize> = attributes(code)
        .iter()
        .filter(|attribute| is_test_gate(&code[attribute.body.clone()]))
        .map(|attribute| behind_visibility(code, item_behind(code, attribute.span.end)))
        .collect();
    modules(code).into_iter().filter(|module| gated.contains(&module.at)).collect()
}

/// The offset behind `pub`, `pub(crate)` and the like, when one of them stands at `at`.
pub(crate) fn behind_visibility(code: &str, at: usize) -> usize {
    if name_at(code, at) != "pub" {
        return at;
    }
    let mut behind = at + 3;
    if code[behind..].starts_with('(') {
        behind = behind_closing(code, behind);
    }
    behind + (code[behind..].len() - code[behind..].trim_start().len())
}

/// The paths that begin with `crate`, `super` or `self`, and all that `use` imports.
pub(crate) fn paths(code: &str) -> Vec<Path> {
    let mut found = Vec::new();
    let mut imports = Vec::new();
    for at in words(code, "use") {
        let tree = at + 3;
        if code[tree..].trim_start().starts_with('<') {
            continue; // `impl Trait + use<'a>`
        }
        let end = code[tree..].find(';').map_or(code.len(), |end| tree + end);
        flatten(code, tree..end, &[], &mut found);
        imports.push(at..end);
    }
    let rest = blank::without(code, &imports);
    for root in ["crate", "super", "self"] {
        for at in words(&rest, root) {
            if !rest[..at].trim_end().ends_with("::") {
                found.push(Path { segments: segments_at(&rest, at), at, imported: false });
            }
        }
    }
    found
}

/// The bodies of `macro_rules!` definitions.
pub(crate) fn macro_bodies(code: &str) -> Vec<Range<usize>> {
    let body = |at: usize| {
        let open = at + code[at..].find(['{', '('])?;
        Some(open..behind_closing(code, open))
    };
    words(code, "macro_rules").into_iter().filter_map(body).collect()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_test_gate(attribute: &str) -> bool {
    let dense: String = attribute.split_whitespace().collect();
    dense == "cfg(test)" || dense.starts_with("cfg(all(test,")
}

/// The segments of the path that begins at `at`.
fn segments_at(code: &str, mut at: usize) -> Vec<String> {
    let mut segments = Vec::new();
    loop {
        let name = name_at(code, at);
        if name.is_empty() {
            return segments;
        }
        segments.push(name.to_owned());
        at += code[at..].find(name).expect("the name was read here") + name.len();
        let rest = code[at..].trim_start();
        if !rest.starts_with("::") {
            if rest.starts_with('!') && !rest.starts_with("!=") {
                segments.push("!".to_owned());
            }
            return segments;
        }
        at = code.len() - rest.len() + 2;
    }
}

/// Adds every path of a `use` tree.
fn flatten(code: &str, tree: Range<usize>, prefix: &[String], out: &mut Vec<Path>) {
    for branch in branches(code, tree) {
        let text = &code[branch.clone()];
        let at = branch.start + (text.len() - text.trim_start().len());
        let head = text.split('{').next().unwrap_or(text);
        let mut segments = prefix.to_vec();
        let unnamed = head.split(" as ").next().unwrap_or(head);
        segments
            .extend(unnamed.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()));
        if head.len() == text.len() {
            if !segments.is_empty() && !text.trim().is_empty() {
                out.push(Path { segments, at, imported: true });
            }
            continue;
        }
        let open = branch.start + head.len();
        flatten(code, open + 1..behind_closing(code, open) - 1, &segments, out);
    }
}

/// The parts of a `use` tree between the commas of its outermost level.
fn branches(code: &str, tree: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, tree.start);
    for (at, byte) in code.bytes().enumerate().take(tree.end).skip(tree.start) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(start..tree.end);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Vec<String> {
        paths(code).iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn words_are_whole_words() {
        assert_eq!(words("unsafe_code unsafe(unsafe) not_unsafe", "unsafe"), [12, 19]);
    }

    #[test]
    fn use_trees_are_flattened_and_paths_in_the_code_are_found() {
        let code = "use crate::{a::{b, c as d}, e::*};\nfn f() -> impl T + use<'a> { super :: super::g(crate::h::I) }";
        assert_eq!(
            names(code),
            ["crate::a::b", "crate::a::c", "crate::e::*", "crate::h::I", "super::super::g"]
        );
        assert_eq!(names("use crate as root; pub(crate) use super::x;"), ["crate", "super::x", "crate"]);
        assert_eq!(names("crate::trace!(x); a != crate::b::C != d"), ["crate::trace::!", "crate::b::C"]);
    }

    #[test]
    fn test_modules_are_told_from_others() {
        let code = "#[cfg(test)]\n#[path = \"x\"]\npub(crate) mod a;\n#[cfg(all(test, unix))] mod b { mod c {} }\nmod d {}\n#[cfg(not(test))] mod e;";
        let found: Vec<String> = test_modules(code).into_iter().map(|module| module.name).collect();
        assert_eq!(found, ["a", "b"]);
    }

    #[test]
    fn attributes_are_found_with_their_brackets_matched() {
        let code = "#![a]\n#[b([c], d)]\n$(#[$meta])* x # y";
        let found: Vec<(&str, bool)> =
            attributes(code).iter().map(|it| (&code[it.body.clone()], it.inner)).collect();
        assert_eq!(found, [("a", true), ("b([c], d)", false), ("$meta", false)]);
    }
}
