//! [`Figure`]: what was measured of one contender in one round. It is a line of the data.

use std::ops::RangeInclusive;

use crate::fields;
use crate::kind::Kind;
use crate::rule::Rule;

/// The names of the fields of a line.
pub(crate) const HEADER: &str = "contender,what,workers,bytes,round,value";

/// The longest name that still fits beside a chart.
pub(crate) const NAME_CHARS_MAX: usize = 48;

/// The numbers that an axis can show.
pub(crate) const NUMBERS: RangeInclusive<f64> = 1e-6..=1e15;

/// A measured number and what it is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure<'a> {
    pub(crate) contender: &'a str,
    /// The chart that it belongs on.
    pub(crate) kind: Kind,
    pub(crate) workers: u32,
    pub(crate) bytes: u32,
    pub(crate) round: u32,
    pub(crate) value: f64,
}

impl<'a> Figure<'a> {
    pub(crate) fn parse(line: &'a str) -> Result<Self, Rule> {
        let fields = fields::split(line)?;
        let [contender, what, workers, bytes, round, value] = fields[..] else {
            return Err(Rule::Fields(fields.len()));
        };
        Ok(Self {
            contender: name(contender)?,
            kind: Kind::of(what).ok_or_else(|| Rule::What(what.to_owned()))?,
            workers: count("workers", workers)?,
            bytes: count("bytes", bytes)?,
            round: count("round", round)?,
            value: number(value)?,
        })
    }
}

fn name(text: &str) -> Result<&str, Rule> {
    let is_good = (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.contains(char::is_control);
    if is_good { Ok(text) } else { Err(Rule::Name(text.to_owned())) }
}

fn count(field: &'static str, text: &str) -> Result<u32, Rule> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| Rule::Count(field, text.to_owned()))
}

fn number(text: &str) -> Result<f64, Rule> {
    let number = text.parse().ok().filter(|number| NUMBERS.contains(number));
    number.ok_or_else(|| Rule::Value(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(line: &str) -> Rule {
        Figure::parse(line).expect_err("it breaks a rule")
    }

    #[test]
    fn a_line_is_read_as_it_is_measured() {
        let line = "\"wpc, by name\",\"p50 us, Vec<u8> to its length\",1,16777216,5,0.361";
        let kind = Kind::LatencyOverPayload;
        let figure =
            Figure { contender: "wpc, by name", kind, workers: 1, bytes: 16_777_216, round: 5, value: 0.361 };
        assert_eq!(Figure::parse(line), Ok(figure));
    }

    #[test]
    fn each_rule_can_be_broken() {
        assert_eq!(rule("\"a\",\"p50 us\",1,8,1"), Rule::Fields(5));
        assert_eq!(rule("a, b,p50 us,1,8,1,2"), Rule::Fields(7));
        assert_eq!(rule("\"a,p50 us,1,8,1,2"), Rule::Quotes("\"a,p50 us,1,8,1,2".to_owned()));
        assert_eq!(rule("\"\",\"p50 us\",1,8,1,2"), Rule::Name(String::new()));
        assert_eq!(rule("\"a\tb\",\"p50 us\",1,8,1,2"), Rule::Name("a\tb".to_owned()));
        assert_eq!(rule("\"a\",\"p99 us\",1,8,1,2"), Rule::What("p99 us".to_owned()));
        assert_eq!(rule("\"a\",\"p50 us\",x,8,1,2"), Rule::Count("workers", "x".to_owned()));
        assert_eq!(rule("\"a\",\"p50 us\",1,8.5,1,2"), Rule::Count("bytes", "8.5".to_owned()));
        assert_eq!(rule("\"a\",\"p50 us\",1,8,,2"), Rule::Count("round", String::new()));
        assert_eq!(rule("\"a\",\"p50 us\",1,8,1,fast"), Rule::Value("fast".to_owned()));
    }

    #[test]
    fn a_name_has_its_longest_and_a_number_its_range() {
        let longest = "n".repeat(NAME_CHARS_MAX);
        assert!("crossbeam-channel, a reply channel per call".len() <= NAME_CHARS_MAX);
        assert_eq!([name(&longest), name("n")], [Ok(longest.as_str()), Ok("n")]);
        assert_eq!(name(&format!("{longest}n")), Err(Rule::Name(format!("{longest}n"))));
        assert_eq!([count("round", "1"), count("round", "4294967295")], [Ok(1), Ok(u32::MAX)]);
        for text in ["0", "-1", "4294967296", ""] {
            assert_eq!(count("round", text), Err(Rule::Count("round", text.to_owned())));
        }
        assert_eq!([number("1e-6"), number("1e15")], [Ok(1e-6), Ok(1e15)]);
        for text in ["0", "-1", "9e-7", "1.1e15", "inf", "NaN", ""] {
            assert_eq!(number(text), Err(Rule::Value(text.to_owned())));
        }
    }
}
