//! [`Rule`]: what a line of the data must keep, and what is said of one that does not.

use std::fmt;

use crate::figure::{HEADER, NAME_CHARS_MAX, NUMBERS};
use crate::kind::Kind;
use crate::machine::MACHINE_CHARS_MAX;
use crate::series::SERIES_MAX;

/// A line that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) rule: Rule,
}

/// What a line has broken, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Machine(String),
    Header(String),
    Quotes(String),
    Fields(usize),
    Name(String),
    What(String),
    Count(&'static str, String),
    Value(String),
    /// The field, what it is in the chart, and what it is in this line.
    Common(&'static str, u32, u32),
    /// The contender and the round.
    Twice(String, u32),
    TooMany(Kind),
    Empty,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.rule)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(line) => {
                write!(
                    f,
                    "the first line must be `# ` and the machine, in 1 to {MACHINE_CHARS_MAX} printable characters: \
                     this is `{line}`"
                )
            }
            Self::Header(line) => write!(f, "the second line must be `{HEADER}`: this is `{line}`"),
            Self::Quotes(text) => write!(f, "quotes must enclose a whole field: this is `{text}`"),
            Self::Fields(found) => write!(f, "a line must have the 6 fields `{HEADER}`: this has {found}"),
            Self::Name(name) => {
                write!(
                    f,
                    "`contender` must have 1 to {NAME_CHARS_MAX} printable characters: this is `{name}`"
                )
            }
            Self::What(what) => {
                let all = Kind::ALL.map(|kind| format!("`{}`", kind.what())).join(" or ");
                write!(f, "`what` must be {all}: this is `{what}`")
            }
            Self::Count(field, text) => {
                write!(f, "`{field}` must be a whole number from 1 to {}: this is `{text}`", u32::MAX)
            }
            Self::Value(text) => {
                let (least, most) = (NUMBERS.start(), NUMBERS.end());
                write!(f, "`value` must be a number from {least:e} to {most:e}: this is `{text}`")
            }
            Self::Common(field, all, this) => {
                write!(
                    f,
                    "`{field}` must be the same in all of a chart, which began with {all}: this is `{this}`"
                )
            }
            Self::Twice(contender, round) => {
                write!(f, "a round has one value for each figure: `{contender}` has another of round {round}")
            }
            Self::TooMany(kind) => {
                let name = kind.name();
                write!(f, "`{name}` may need {SERIES_MAX} kinds of markers: this line brings one more")
            }
            Self::Empty => f.write_str("a file must have figures: this has only its header"),
        }
    }
}
