//! Paths as texts.

/// What the command `basename` says of a path.
pub(crate) fn basename(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        // Slashes alone are the root.
        Some("") if !path.is_empty() => "/",
        last => last.unwrap_or(trimmed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command() {
        for (path, name) in [
            ("", ""),
            ("/", "/"),
            ("//", "/"),
            ("a", "a"),
            ("a/", "a"),
            ("/a", "a"),
            ("a/b.txt", "b.txt"),
            ("/a/b//", "b"),
            ("a/.", "."),
            (" /ä ", "ä "),
        ] {
            assert_eq!(basename(path), name, "of {path:?}");
        }
    }
}
