//! The fields of a line: between commas, and where a field has commas of its own, in double quotes.

use crate::rule::Rule;

/// The fields of the line, without their quotes.
pub(crate) fn split(line: &str) -> Result<Vec<&str>, Rule> {
    let mut fields = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let (field, behind) = first(text.trim_start()).ok_or_else(|| Rule::Quotes(text.trim().to_owned()))?;
        fields.push(field.trim());
        rest = behind;
    }
    Ok(fields)
}

/// The first field and what is behind its comma; `None` where quotes do not enclose all of it.
fn first(text: &str) -> Option<(&str, Option<&str>)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (field, behind) =
            text.split_once(',').map_or((text, None), |(field, behind)| (field, Some(behind)));
        return (!field.contains('"')).then_some((field, behind));
    };
    let (field, behind) = quoted.split_once('"')?;
    match behind.trim_start() {
        "" => Some((field, None)),
        behind => behind.strip_prefix(',').map(|behind| (field, Some(behind))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_quotes_keeps_its_commas() {
        for (line, fields) in [
            ("\"a, b\",\"p50 us\",1", vec!["a, b", "p50 us", "1"]),
            ("a,b", vec!["a", "b"]),
            (" \" a \" , b ,\"c\" ", vec!["a", "b", "c"]),
            ("\"\",", vec!["", ""]),
            ("", vec![""]),
        ] {
            assert_eq!(split(line), Ok(fields), "{line}");
        }
    }

    #[test]
    fn quotes_enclose_a_whole_field() {
        for (line, text) in [
            ("1,\"a, b", "\"a, b"),
            ("\"a\"b,c", "\"a\"b,c"),
            ("1, a \"b\",c", "a \"b\",c"),
            ("\"a \"\"b\"\"\",c", "\"a \"\"b\"\"\",c"),
            ("\"", "\""),
        ] {
            assert_eq!(split(line), Err(Rule::Quotes(text.to_owned())), "{line}");
        }
    }
}
