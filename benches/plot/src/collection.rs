//! [`Collection`]: the figures of one chart, as their lines come.

use std::collections::{BTreeMap, BTreeSet};

use crate::chart::Chart;
use crate::choice::{self, is_ours};
use crate::figure::Figure;
use crate::kind::Kind;
use crate::rule::Rule;
use crate::series::{Point, SERIES_MAX, Series};

/// The figures of a chart.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) kind: Kind,
    /// What all figures have in common: see [`Kind::split`].
    common: u32,
    /// In the order in which they came.
    contenders: Vec<Contender>,
}

#[derive(Debug)]
struct Contender {
    name: String,
    /// By place on the axis, and by round.
    values: BTreeMap<u32, BTreeMap<u32, f64>>,
}

impl Collection {
    /// An empty one, which is to begin with this figure.
    pub(crate) fn new(figure: &Figure<'_>) -> Self {
        let (_, common) = figure.kind.split(figure.workers, figure.bytes);
        Self { kind: figure.kind, common, contenders: Vec::new() }
    }

    pub(crate) fn add(&mut self, figure: &Figure<'_>) -> Result<(), Rule> {
        let (place, common) = self.kind.split(figure.workers, figure.bytes);
        if common != self.common {
            return Err(Rule::Common(self.kind.common(), self.common, common));
        }
        let rounds = self.contender(figure.contender).values.entry(place).or_default();
        if rounds.insert(figure.round, figure.value).is_some() {
            return Err(Rule::Twice(figure.contender.to_owned(), figure.round));
        }
        if self.markers() > SERIES_MAX { Err(Rule::TooMany(self.kind)) } else { Ok(()) }
    }

    /// The contender of this name, which is put last if it is not there yet.
    fn contender(&mut self, name: &str) -> &mut Contender {
        let at = self.contenders.iter().position(|contender| contender.name == name);
        let at = at.unwrap_or_else(|| {
            self.contenders.push(Contender { name: name.to_owned(), values: BTreeMap::new() });
            self.contenders.len() - 1
        });
        &mut self.contenders[at]
    }

    /// How many kinds of markers the chart needs at least.
    fn markers(&self) -> usize {
        match self.kind {
            Kind::ThroughputOverWorkers => self.contenders.iter().filter(|one| is_ours(&one.name)).count(),
            Kind::LatencyOverPayload => self.contenders.len(),
            Kind::BlockingP50 => {
                let places = self.contenders.iter().flat_map(|contender| contender.values.keys());
                places.collect::<BTreeSet<_>>().len()
            }
        }
    }

    /// The chart of the medians.
    pub(crate) fn into_chart(self) -> Chart {
        let measured = self.contenders.len();
        let all = self.contenders.into_iter().map(Contender::into_series).collect();
        let series = match self.kind {
            Kind::ThroughputOverWorkers => choice::shown(all),
            Kind::LatencyOverPayload | Kind::BlockingP50 => all,
        };
        Chart { kind: self.kind, series, measured }
    }
}

impl Contender {
    fn into_series(self) -> Series {
        let point = |(x, rounds): (&u32, &BTreeMap<u32, f64>)| Point {
            x: f64::from(*x),
            y: median(rounds.values().copied().collect()),
        };
        Series { name: self.name, points: self.values.iter().map(point).collect() }
    }
}

/// The middle one of some values, or what is between the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throughput(contender: &str, workers: u32) -> Figure<'_> {
        Figure { contender, kind: Kind::ThroughputOverWorkers, workers, bytes: 8, round: 1, value: 5.0 }
    }

    /// What is said of the last of these figures; the others are right.
    fn last<'a>(figures: impl IntoIterator<Item = Figure<'a>>) -> Result<(), Rule> {
        let mut figures = figures.into_iter().peekable();
        let mut all = Collection::new(figures.peek().expect("there is one"));
        let mut last = Ok(());
        for figure in figures {
            last.expect("only the last one may be wrong");
            last = all.add(&figure);
        }
        last
    }

    #[test]
    fn a_point_is_the_median_of_its_own_rounds() {
        let figure = |workers, round, value| Figure { round, value, ..throughput("a", workers) };
        let figures =
            [figure(2, 1, 30.0), figure(1, 1, 9.0), figure(1, 2, 1.0), figure(2, 2, 10.0), figure(1, 3, 2.0)];
        let mut all = Collection::new(&figures[0]);
        for figure in figures {
            all.add(&figure).expect("it is right");
        }
        let chart = all.into_chart();
        assert_eq!(chart.series[0].points, [Point { x: 1.0, y: 2.0 }, Point { x: 2.0, y: 20.0 }]);
    }

    #[test]
    fn a_round_has_one_value() {
        let first = throughput("a", 1);
        for other in [throughput("b", 1), throughput("a", 2), Figure { round: 2, ..first }] {
            assert_eq!(last([first, other]), Ok(()), "{other:?}");
        }
        let again = Figure { value: 6.0, ..first };
        assert_eq!(last([first, again]), Err(Rule::Twice("a".to_owned(), 1)));
    }

    #[test]
    fn what_is_on_no_axis_is_the_same_in_all_of_a_chart() {
        let first = throughput("a", 1);
        assert_eq!(last([first, Figure { bytes: 64, ..first }]), Err(Rule::Common("bytes", 8, 64)));
        let first = Figure { kind: Kind::LatencyOverPayload, ..first };
        assert_eq!(last([first, Figure { bytes: 64, ..first }]), Ok(()));
        let other = Figure { bytes: 64, workers: 2, ..first };
        assert_eq!(last([first, other]), Err(Rule::Common("workers", 1, 2)));
    }

    #[test]
    fn there_are_as_many_kinds_of_markers_as_can_be_told_apart() {
        let names = |start: &str, count: usize| (0..count).map(|n| format!("{start}{n}")).collect::<Vec<_>>();
        let with = |kind: Kind, names: &[String]| {
            last(names.iter().map(|name| Figure { kind, ..throughput(name, 1) }))
        };
        for (kind, start) in [(Kind::ThroughputOverWorkers, "wpc"), (Kind::LatencyOverPayload, "a")] {
            assert_eq!(with(kind, &names(start, SERIES_MAX)), Ok(()));
            assert_eq!(with(kind, &names(start, SERIES_MAX + 1)), Err(Rule::TooMany(kind)));
        }
        let kind = Kind::BlockingP50;
        let places = |most| last((1..=most).map(|workers| Figure { kind, ..throughput("a", workers) }));
        assert_eq!([places(8), places(9)], [Ok(()), Err(Rule::TooMany(kind))]);
    }

    #[test]
    fn only_the_chart_of_throughput_leaves_contenders_out() {
        let names: Vec<String> = (0..19).map(|n| format!("contender {n}")).collect();
        for (kind, shown) in [(Kind::ThroughputOverWorkers, SERIES_MAX), (Kind::BlockingP50, 19)] {
            let figures: Vec<_> = names.iter().map(|name| Figure { kind, ..throughput(name, 1) }).collect();
            let mut all = Collection::new(&figures[0]);
            for figure in &figures {
                all.add(figure).expect("it is right");
            }
            let chart = all.into_chart();
            assert_eq!((chart.series.len(), chart.measured), (shown, 19));
        }
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted() {
        let medians =
            [vec![3.0, 1.0, 2.0], vec![2.0, 1.0], vec![7.0]].map(|values| median(values).to_string());
        assert_eq!(medians, ["2", "1.5", "7"]);
    }
}
