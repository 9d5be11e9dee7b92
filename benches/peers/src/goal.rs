//! [`Goal`]: what is to be reached, how that is measured, and the line that says whether it is.

use std::fmt;

use crate::contender::Budget;
use crate::round::Spread;

/// One of the speed goals.
pub(crate) struct Goal {
    /// `G1`, as it is named on the command line.
    pub(crate) name: &'static str,
    /// What work it is about.
    pub(crate) what: &'static str,
    /// Measures, a row for each thing that has a limit. It takes at most a minute with five rounds.
    pub(crate) measure: fn(&Settings) -> anyhow::Result<Vec<Row>>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Rounds in which the contenders take turns.
    pub(crate) rounds: usize,
    pub(crate) size: Size,
}

/// Whether there is a verdict to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Full,
    /// It is only shown that everything answers: the least of everything.
    Smoke,
}

impl Settings {
    /// A goal's own budget, or the least there is.
    pub(crate) fn budget(&self, full: Budget) -> Budget {
        match self.size {
            Size::Full => full,
            Size::Smoke => Budget::SMOKE,
        }
    }

    /// `full`, or `smoke` where nothing is to be measured.
    pub(crate) fn pick<T>(&self, full: T, smoke: T) -> T {
        match self.size {
            Size::Full => full,
            Size::Smoke => smoke,
        }
    }
}

/// One measured figure and its limit.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What was measured: `p50 / crossbeam, 1 worker`.
    pub(crate) what: String,
    /// Over the rounds; its median decides.
    pub(crate) measured: Spread,
    /// What the figures count: `x` for ratios, or `us`, `ms`, `bytes`.
    pub(crate) unit: &'static str,
    pub(crate) limit: Limit,
}

/// What a figure must not pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    /// A row of ratios, one for each round.
    pub(crate) fn ratio(what: impl Into<String>, ratios: &[f64], limit: Limit) -> Self {
        Self { what: what.into(), measured: Spread::of(ratios), unit: "x", limit }
    }

    /// Whether the limit is kept; never where nothing was measured.
    pub(crate) fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.measured.median <= limit,
            Limit::AtLeast(limit) => self.measured.median >= limit,
        }
    }

    /// `G1 <what> <measured> <goal> ok`, or `MISSED` at the end.
    pub(crate) fn line(&self, goal: &str) -> String {
        let Spread { median, min, max } = self.measured;
        let unit = self.unit;
        let measured = format!("{} {unit} ({} .. {})", short(median), short(min), short(max));
        let verdict = if self.is_met() { "ok" } else { "MISSED" };
        format!("{goal:<4}{:<52} {measured:<34} {} {unit}  {verdict}", self.what, self.limit)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "<= {limit}"),
            Self::AtLeast(limit) => write!(f, ">= {limit}"),
        }
    }
}

/// A figure to three places that count.
pub(crate) fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 1.0 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides_and_the_limit_itself_is_met() {
        let row = |ratios: &[f64], limit| Row::ratio("p50", ratios, limit);
        assert!(row(&[0.9, 2.0, 3.0], Limit::AtMost(2.0)).is_met());
        assert!(!row(&[0.9, 2.1, 3.0], Limit::AtMost(2.0)).is_met());
        assert!(row(&[0.9, 2.0, 3.0], Limit::AtLeast(2.0)).is_met());
        assert!(!row(&[0.9, 1.9, 3.0], Limit::AtLeast(2.0)).is_met());
        assert!(!row(&[], Limit::AtMost(2.0)).is_met());
    }

    #[test]
    fn a_line_says_what_was_measured_and_what_was_wanted() {
        let line = Row::ratio("p50", &[1.0, 123.4, 0.5], Limit::AtMost(0.65)).line("G1");
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>().join(" "),
            "G1 p50 1.00 x (0.500 .. 123) <= 0.65 x MISSED"
        );
    }
}
