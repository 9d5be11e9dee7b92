//! The names of types, as people write them.

/// The type's name without the modules: `alloc::vec::Vec<alloc::string::String>` becomes `Vec<String>`.
pub(crate) fn short(full: &str) -> String {
    let mut name = String::with_capacity(full.len());
    let mut segment = String::new();
    // A type that is local to a closure has that in its path.
    let full = full.replace("{{closure}}::", "");
    let mut rest = full.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ':' && rest.peek() == Some(&':') {
            rest.next();
            segment.clear();
        } else if c.is_alphanumeric() || c == '_' {
            segment.push(c);
        } else {
            name.push_str(&segment);
            segment.clear();
            name.push(c);
        }
    }
    name + &segment
}

/// What an error of the type is called: its short name without parameters, and `Error` where the type says nothing.
pub(crate) fn of_error(full: &str) -> String {
    let short = short(full);
    match short.split(['<', ' ']).next() {
        Some(name) if !matches!(name, "" | "String" | "&str" | "Box" | "Cow" | "&") => name.to_owned(),
        _ => "Error".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_left_out_at_every_depth() {
        assert_eq!(
            short("alloc::vec::Vec<(alloc::string::String, core::option::Option<u8>)>"),
            "Vec<(String, Option<u8>)>"
        );
        assert_eq!(short("demo::main::{{closure}}::Point"), "Point");
        assert_eq!(short("[u8; 4]"), "[u8; 4]");
    }

    #[test]
    fn a_type_that_says_nothing_is_called_error() {
        assert_eq!(of_error("std::io::error::Error"), "Error");
        assert_eq!(of_error("core::num::error::ParseIntError"), "ParseIntError");
        assert_eq!(of_error("demo::Wrapped<demo::Inner>"), "Wrapped");
        for text in ["alloc::string::String", "&str", "alloc::boxed::Box<dyn core::error::Error>"] {
            assert_eq!(of_error(text), "Error");
        }
    }
}
