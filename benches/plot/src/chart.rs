//! [`Kind`]: the charts that there are, each with its title, its axes and its way to be drawn.

use crate::data::{Series, places};
use crate::units::Unit;
use crate::{dots, lines};

/// A chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ThroughputOverWorkers,
    LatencyOverPayload,
    BlockingP50,
}

/// What stands on a chart besides its data.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: &'static str,
    pub(crate) subtitle: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

/// An axis: what it is of, and in what unit the data has it.
#[derive(Debug)]
pub(crate) struct Axis {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] =
        [Self::ThroughputOverWorkers, Self::LatencyOverPayload, Self::BlockingP50];

    /// As the data names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ThroughputOverWorkers => "throughput_over_workers",
            Self::LatencyOverPayload => "latency_over_payload",
            Self::BlockingP50 => "blocking_p50",
        }
    }

    /// How many kinds of markers it needs for these series.
    pub(crate) fn markers(self, series: &[Series]) -> usize {
        match self {
            Self::ThroughputOverWorkers | Self::LatencyOverPayload => series.len(),
            Self::BlockingP50 => places(series).len(),
        }
    }

    /// The chart as SVG. Of blocking calls each series has a row; elsewhere, a line.
    pub(crate) fn render(self, series: &[Series]) -> String {
        match self {
            Self::ThroughputOverWorkers | Self::LatencyOverPayload => lines::render(&self.frame(), series),
            Self::BlockingP50 => dots::render(&self.frame(), series),
        }
    }

    fn frame(self) -> Frame {
        let workers = Axis { name: "workers", unit: Unit::Workers };
        match self {
            Self::ThroughputOverWorkers => Frame {
                title: "Throughput of null calls",
                subtitle: "64 calls in flight; higher is better",
                x: workers,
                y: Axis { name: "calls a second", unit: Unit::PerSecond },
            },
            Self::LatencyOverPayload => Frame {
                title: "Latency over the size of the argument",
                subtitle: "blocking calls, median; lower is better",
                x: Axis { name: "size of the argument", unit: Unit::Bytes },
                y: Axis { name: "time of a call", unit: Unit::Microseconds },
            },
            Self::BlockingP50 => Frame {
                title: "Blocking null calls",
                subtitle: "one after the other, median; further left is better",
                x: workers,
                y: Axis { name: "time of a call", unit: Unit::Microseconds },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::data;

    #[test]
    fn each_chart_of_the_sample_names_its_series_and_shows_its_points() {
        let charts = data::parse(include_str!("../sample.csv")).expect("it is right");
        for (kind, series) in charts {
            let svg = kind.render(&series);
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            for series in &series {
                let name = series.name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                assert!(svg.contains(&format!(">{name}</text>")), "{name} is not in {}", kind.name());
            }
            let points: usize = series.iter().map(|series| series.points.len()).sum();
            let markers = svg.matches("<circle").count() + svg.matches("<polygon").count();
            assert_eq!(
                markers,
                points + kind.markers(&series),
                "each point and each entry of the legend has one"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn a_single_point_can_be_drawn() {
        for kind in super::Kind::ALL {
            let text = format!("chart,series,x,y\n{},one,4,5\n", kind.name());
            let (_, series) = data::parse(&text).expect("it is right").remove(0);
            let svg = kind.render(&series);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
