//! The data: a text with a point on each line.
//!
//! The first line is the header, `chart,series,x,y`. Each line after it has these four fields, without quotes; empty lines
//! and lines that begin with `#` say nothing. `x` is a number of workers, or of bytes; `y` is in calls a second, or in
//! microseconds, as the chart has it. Series are drawn in the order in which they come.

use std::fmt;

use crate::chart::Kind;

const HEADER: &str = "chart,series,x,y";

/// More series than that cannot be told apart by shape and colour; and so it is with the places of a chart with rows.
pub(crate) const SERIES_MAX: usize = 8;

/// The longest name that still fits beside a chart.
const NAME_CHARS_MAX: usize = 32;

/// The numbers that an axis can show.
const NUMBERS: std::ops::RangeInclusive<f64> = 1e-6..=1e15;

/// A point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The points of one contender, by rising `x`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<Point>,
}

/// A line that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) rule: Rule,
}

/// What a line has broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Header,
    Fields(usize),
    Chart(String),
    Name(String),
    Number(&'static str, String),
    Twice(String, String),
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
            Self::Header => write!(f, "the first line must be `{HEADER}`"),
            Self::Fields(found) => write!(f, "a line must have the 4 fields `{HEADER}`: this has {found}"),
            Self::Chart(name) => {
                let names = Kind::ALL.map(Kind::name).join(", ");
                write!(f, "`chart` must be one of {names}: this is `{name}`")
            }
            Self::Name(name) => {
                write!(f, "`series` must have 1 to {NAME_CHARS_MAX} printable characters: this is `{name}`")
            }
            Self::Number(field, text) => {
                let (least, most) = (NUMBERS.start(), NUMBERS.end());
                write!(f, "`{field}` must be a number from {least:e} to {most:e}: this is `{text}`")
            }
            Self::Twice(series, x) => {
                write!(f, "a series has one point for each `x`: `{series}` has another at {x}")
            }
            Self::TooMany(kind) => {
                write!(
                    f,
                    "`{}` may have {SERIES_MAX} kinds of markers: this line brings one more",
                    kind.name()
                )
            }
            Self::Empty => f.write_str("a file must have points: this has only its header"),
        }
    }
}

/// Reads the charts that the text has points of.
pub(crate) fn parse(text: &str) -> Result<Vec<(Kind, Vec<Series>)>, BadLine> {
    let mut charts: Vec<(Kind, Vec<Series>)> = Vec::new();
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    if lines.next().is_none_or(|(_, header)| header != HEADER) {
        return Err(BadLine { line: 1, rule: Rule::Header });
    }
    for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
        add(&mut charts, text).map_err(|rule| BadLine { line, rule })?;
    }
    if charts.is_empty() {
        return Err(BadLine { line: 1, rule: Rule::Empty });
    }
    for series in charts.iter_mut().flat_map(|(_, series)| series) {
        series.points.sort_by(|one, other| one.x.total_cmp(&other.x));
    }
    Ok(charts)
}

/// Adds the point of a line to its series.
fn add(charts: &mut Vec<(Kind, Vec<Series>)>, line: &str) -> Result<(), Rule> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [chart, name, x, y] = fields[..] else { return Err(Rule::Fields(fields.len())) };
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == chart);
    let kind = kind.ok_or_else(|| Rule::Chart(chart.to_owned()))?;
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(Rule::Name(name.to_owned()));
    }
    let point = Point { x: number("x", x)?, y: number("y", y)? };
    let at = position_or_push(charts, |(found, _)| *found == kind, || (kind, Vec::new()));
    let all = &mut charts[at].1;
    let empty = || Series { name: name.to_owned(), points: Vec::new() };
    let at = position_or_push(all, |series| series.name == name, empty);
    let points = &mut all[at].points;
    if points.iter().any(|other| other.x.total_cmp(&point.x).is_eq()) {
        return Err(Rule::Twice(name.to_owned(), x.to_owned()));
    }
    points.push(point);
    if kind.markers(all) > SERIES_MAX { Err(Rule::TooMany(kind)) } else { Ok(()) }
}

/// Where the item is, which is made and put last if there is none.
fn position_or_push<T>(items: &mut Vec<T>, is_it: impl FnMut(&T) -> bool, make: impl FnOnce() -> T) -> usize {
    items.iter().position(is_it).unwrap_or_else(|| {
        items.push(make());
        items.len() - 1
    })
}

fn number(field: &'static str, text: &str) -> Result<f64, Rule> {
    let number = text.parse().ok().filter(|number| NUMBERS.contains(number));
    number.ok_or_else(|| Rule::Number(field, text.to_owned()))
}

/// The different places of all points, rising.
pub(crate) fn places(series: &[Series]) -> Vec<f64> {
    let mut places: Vec<f64> = series.iter().flat_map(|series| &series.points).map(|point| point.x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup_by(|one, other| one.total_cmp(other).is_eq());
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(lines: &str) -> (usize, Rule) {
        let bad = parse(&format!("{HEADER}\n{lines}")).expect_err("it breaks a rule");
        (bad.line, bad.rule)
    }

    #[test]
    fn the_sample_has_all_charts() {
        let charts = parse(include_str!("../sample.csv")).expect("it is right");
        assert_eq!(charts.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), Kind::ALL);
        let (_, throughput) = &charts[0];
        assert_eq!((throughput.len(), throughput[0].name.as_str()), (8, "wpc"));
        assert_eq!(throughput[0].points[1], Point { x: 2.0, y: 8_100_000.0 });
    }

    #[test]
    fn points_are_sorted_and_series_are_not() {
        let text =
            "chart,series,x,y\nblocking_p50,b,2,1\n\n# why\nblocking_p50,a,1,3\n blocking_p50 , b , 1 , 2 \n";
        let (kind, series) = parse(text).expect("it is right").remove(0);
        assert_eq!((kind, series[0].name.as_str(), series[1].name.as_str()), (Kind::BlockingP50, "b", "a"));
        assert_eq!(series[0].points, [Point { x: 1.0, y: 2.0 }, Point { x: 2.0, y: 1.0 }]);
        assert_eq!(places(&series), [1.0, 2.0]);
    }

    #[test]
    fn each_rule_can_be_broken() {
        assert_eq!(parse("").expect_err("no header"), BadLine { line: 1, rule: Rule::Header });
        assert_eq!(parse("chart,series\n").expect_err("another one").rule, Rule::Header);
        assert_eq!(rule("# nothing\n\n"), (1, Rule::Empty));
        assert_eq!(rule("blocking_p50,a,1\n"), (2, Rule::Fields(3)));
        assert_eq!(rule("\nblocking_p50,a,1,2,3\n"), (3, Rule::Fields(5)));
        assert_eq!(rule("p50,a,1,2\n"), (2, Rule::Chart("p50".to_owned())));
        assert_eq!(rule("blocking_p50,,1,2\n"), (2, Rule::Name(String::new())));
        assert_eq!(rule("blocking_p50,a,1,fast\n"), (2, Rule::Number("y", "fast".to_owned())));
        assert_eq!(
            rule("blocking_p50,a,1,2\nblocking_p50,a,1.0,3\n"),
            (3, Rule::Twice("a".to_owned(), "1.0".to_owned()))
        );
    }

    #[test]
    fn a_name_has_its_longest_and_a_number_its_range() {
        let line = |length: usize, x: &str| format!("{HEADER}\nblocking_p50,{},{x},1\n", "n".repeat(length));
        assert!(parse(&line(NAME_CHARS_MAX, "1e-6")).is_ok() && parse(&line(1, "1e15")).is_ok());
        assert!(parse(&line(NAME_CHARS_MAX + 1, "1")).is_err());
        for x in ["0", "-1", "9e-7", "1.1e15", "inf", "NaN", ""] {
            assert_eq!(parse(&line(1, x)).expect_err(x).rule, Rule::Number("x", x.to_owned()));
        }
    }

    #[test]
    fn there_are_as_many_series_as_markers_and_no_more() {
        let line = |n: usize| format!("throughput_over_workers,series {n},1,2\n");
        let lines = |count: usize| (0..count).map(line).collect::<Vec<_>>().concat();
        assert!(parse(&format!("{HEADER}\n{}", lines(SERIES_MAX))).is_ok());
        assert_eq!(
            rule(&lines(SERIES_MAX + 1)),
            (SERIES_MAX + 2, Rule::TooMany(Kind::ThroughputOverWorkers))
        );
    }

    #[test]
    fn a_bad_line_says_where_and_what() {
        let bad = parse(&format!("{HEADER}\np50,a,1,2\n")).expect_err("no such chart");
        let names = "throughput_over_workers, latency_over_payload, blocking_p50";
        assert_eq!(bad.to_string(), format!("2: `chart` must be one of {names}: this is `p50`"));
    }
}
