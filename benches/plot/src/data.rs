//! [`Data`]: what `benches/peers -- table --save FILE` has measured, read from that file.
//!
//! The first line is `#` and the machine; the second is the header, `contender,what,workers,bytes,round,value`. Each line
//! after it is a [`Figure`] of one round, with `contender` and `what` in double quotes, since they have commas; empty lines
//! and lines that begin with `#` say nothing. `what` tells the chart. Series are drawn in the order in which they come,
//! unless not all of them are shown.

use crate::chart::Chart;
use crate::collection::Collection;
use crate::figure::{Figure, HEADER};
use crate::machine;
use crate::rule::{BadLine, Rule};

/// The charts that a file has figures of.
#[derive(Debug)]
pub(crate) struct Data {
    /// What all of it was measured on.
    pub(crate) machine: String,
    pub(crate) charts: Vec<Chart>,
}

/// Reads all of a file.
pub(crate) fn parse(text: &str) -> Result<Data, BadLine> {
    let mut lines = (1..).zip(text.lines().map(str::trim));
    let mut next = || lines.next().map_or("", |(_, text)| text);
    let machine = machine::parse(next()).map_err(|rule| BadLine { line: 1, rule })?.to_owned();
    header(next()).map_err(|rule| BadLine { line: 2, rule })?;
    let mut all: Vec<Collection> = Vec::new();
    for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
        add(&mut all, text).map_err(|rule| BadLine { line, rule })?;
    }
    if all.is_empty() {
        return Err(BadLine { line: 2, rule: Rule::Empty });
    }
    Ok(Data { machine, charts: all.into_iter().map(Collection::into_chart).collect() })
}

fn header(line: &str) -> Result<(), Rule> {
    if line == HEADER { Ok(()) } else { Err(Rule::Header(line.to_owned())) }
}

/// Adds the figure of a line to those of its chart.
fn add(all: &mut Vec<Collection>, line: &str) -> Result<(), Rule> {
    let figure = Figure::parse(line)?;
    let at = all.iter().position(|collection| collection.kind == figure.kind).unwrap_or_else(|| {
        all.push(Collection::new(&figure));
        all.len() - 1
    });
    all[at].add(&figure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;
    use crate::series::{Point, SERIES_MAX};

    fn with_head(lines: &str) -> String {
        format!("# a machine\n{HEADER}\n{lines}")
    }

    fn rule(text: &str) -> (usize, Rule) {
        let bad = parse(text).expect_err("it breaks a rule");
        (bad.line, bad.rule)
    }

    #[test]
    fn the_sample_has_all_charts() {
        let data = parse(include_str!("../sample.csv")).expect("it is right");
        let chart = |kind: Kind| data.charts.iter().find(|chart| chart.kind == kind).expect("it is there");
        let count = |kind: Kind| (chart(kind).series.len(), chart(kind).measured);
        assert_eq!(Kind::ALL.map(count), [(SERIES_MAX, 16), (3, 3), (19, 19)]);
        assert!(data.machine.contains("made up"), "{}", data.machine);
        let first = &chart(Kind::ThroughputOverWorkers).series[0];
        assert_eq!((first.name.as_str(), first.points.len()), ("wpc, by handle", 3));
    }

    #[test]
    fn a_file_is_read_as_it_is_measured() {
        let text = with_head(
            "\"b, by name\",\"p50 us\",2,8,1,3\n\n# why\n\"b, by name\",\"p50 us\",2,8,2,2.5\n \
             \"a\",\"p50 us\",1,8,1,7\n\"b, by name\",\"p50 us\",1,8,1,9\n\"a\",\"calls/s, 64 in flight\",1,8,1,5\n",
        );
        let Data { machine, charts } = parse(&text).expect("it is right");
        assert_eq!(machine, "a machine");
        assert_eq!(
            charts.iter().map(|chart| chart.kind).collect::<Vec<_>>(),
            [Kind::BlockingP50, Kind::ThroughputOverWorkers]
        );
        let [b, a] = &charts[0].series[..] else { panic!("{charts:?}") };
        assert_eq!((b.name.as_str(), a.name.as_str()), ("b, by name", "a"));
        assert_eq!(b.points, [Point { x: 1.0, y: 9.0 }, Point { x: 2.0, y: 2.75 }]);
    }

    #[test]
    fn each_rule_can_be_broken() {
        assert_eq!(rule(""), (1, Rule::Machine(String::new())));
        assert_eq!(rule(&format!("{HEADER}\n")), (1, Rule::Machine(HEADER.to_owned())));
        assert_eq!(rule("# a machine\n"), (2, Rule::Header(String::new())));
        let old = "chart,series,x,y";
        assert_eq!(rule(&format!("# a machine\n{old}\n")), (2, Rule::Header(old.to_owned())));
        assert_eq!(rule(&with_head("# nothing\n\n")), (2, Rule::Empty));
        assert_eq!(rule(&with_head("\n\"a\",\"p50 us\",1\n")), (4, Rule::Fields(3)));
        let line = "\"a\",\"p50 us\",1,8,1,2\n";
        assert_eq!(rule(&with_head(&format!("{line}\n{line}"))), (5, Rule::Twice("a".to_owned(), 1)));
        let other = "\"a\",\"p50 us\",2,64,1,2\n";
        assert_eq!(rule(&with_head(&format!("{line}{other}"))), (4, Rule::Common("bytes", 8, 64)));
    }

    #[test]
    fn a_bad_line_says_where_and_what() {
        let bad = parse(&with_head("\"a\",\"p99 us\",1,8,1,2\n")).expect_err("no such figure");
        let all = "`calls/s, 64 in flight` or `p50 us, Vec<u8> to its length` or `p50 us`";
        assert_eq!(bad.to_string(), format!("3: `what` must be {all}: this is `p99 us`"));
    }
}
