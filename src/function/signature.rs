//! How a function's parameters and result read: short type names, unless two different types share one.

/// `(path: String, u64) -> String`, from the parameters' names (as far as they are known) and the full type names.
pub(crate) fn render(names: &[String], types: &[&'static str], result: &'static str) -> String {
    let parameters: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(at, full)| match names.get(at).filter(|_| names.len() == types.len()) {
            Some(name) => format!("{name}: {}", short(full)),
            None => short(full),
        })
        .collect();
    format!("({}) -> {}", parameters.join(", "), short(result))
}

/// Two type names for one sentence: short where that still tells them apart.
pub(crate) fn type_names(one: &str, other: &str) -> (String, String) {
    let names = (short(one), short(other));
    if names.0 == names.1 && one != other { (one.to_owned(), other.to_owned()) } else { names }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_left_out_at_every_depth() {
        assert_eq!(
            short("alloc::vec::Vec<(alloc::string::String, core::option::Option<u8>)>"),
            "Vec<(String, Option<u8>)>"
        );
        assert_eq!(short("[u8; 4]"), "[u8; 4]");
        assert_eq!(short("&str"), "&str");
        assert_eq!(short("demo::main::{{closure}}::Point"), "Point");
    }

    #[test]
    fn names_that_would_be_equal_stay_whole() {
        assert_eq!(type_names("a::Point", "b::Point"), ("a::Point".to_owned(), "b::Point".to_owned()));
        assert_eq!(type_names("a::Point", "b::Line"), ("Point".to_owned(), "Line".to_owned()));
        assert_eq!(type_names("a::Point", "a::Point"), ("Point".to_owned(), "Point".to_owned()));
    }

    #[test]
    fn parameters_are_named_where_their_names_are_known() {
        let types = ["alloc::string::String", "u64"];
        assert_eq!(
            render(&["path".into(), "limit".into()], &types, "bool"),
            "(path: String, limit: u64) -> bool"
        );
        assert_eq!(render(&[], &types, "()"), "(String, u64) -> ()");
    }
}
