//! [`Chart`]: what is drawn, and what stands on it besides.

use crate::kind::{Axis, Kind};
use crate::series::Series;
use crate::{dots, lines};

/// A chart of some contenders.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) kind: Kind,
    pub(crate) series: Vec<Series>,
    /// How many contenders there are figures of: more than there are series, if not all are shown.
    pub(crate) measured: usize,
}

/// What stands on a chart besides its data.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: &'static str,
    pub(crate) subtitle: String,
    pub(crate) foot: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

impl Chart {
    /// The chart as SVG. Of blocking calls each series has a row; elsewhere, a line.
    pub(crate) fn render(&self, machine: &str) -> String {
        let frame = self.frame(machine);
        match self.kind {
            Kind::ThroughputOverWorkers | Kind::LatencyOverPayload => lines::render(&frame, &self.series),
            Kind::BlockingP50 => dots::render(&frame, &self.series),
        }
    }

    fn frame(&self, machine: &str) -> Frame {
        let kind = self.kind;
        let foot = format!("measured on: {machine}");
        Frame { title: kind.title(), subtitle: self.subtitle(), foot, x: kind.x(), y: kind.y() }
    }

    fn subtitle(&self) -> String {
        let Self { kind, series, measured } = self;
        let (subtitle, shown) = (kind.subtitle(), series.len());
        match kind {
            Kind::ThroughputOverWorkers => {
                format!("{subtitle}; {shown} of {measured} contenders: wpc and the fastest others")
            }
            Kind::LatencyOverPayload | Kind::BlockingP50 => subtitle.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Data};
    use crate::series::places;

    fn sample() -> Data {
        data::parse(include_str!("../sample.csv")).expect("it is right")
    }

    #[test]
    fn each_chart_of_the_sample_names_its_series_and_shows_its_points() {
        let Data { machine, charts } = sample();
        for chart in charts {
            let (svg, name) = (chart.render(&machine), chart.kind.name());
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            for series in &chart.series {
                assert!(
                    svg.contains(&format!(">{}</text>", series.name)),
                    "{} is not in {name}",
                    series.name
                );
            }
            let points: usize = chart.series.iter().map(|series| series.points.len()).sum();
            let legend = match chart.kind {
                Kind::ThroughputOverWorkers | Kind::LatencyOverPayload => chart.series.len(),
                Kind::BlockingP50 => places(&chart.series).len(),
            };
            let markers = svg.matches("<circle").count() + svg.matches("<polygon").count();
            assert_eq!(markers, points + legend, "each point and each entry of the legend has one");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn each_chart_says_what_it_was_measured_on() {
        for chart in sample().charts {
            assert!(chart.render("cores: <2>").contains(">measured on: cores: &lt;2&gt;</text>"));
        }
    }

    #[test]
    fn the_chart_that_leaves_contenders_out_says_how_many_it_shows() {
        for chart in sample().charts {
            let svg = chart.render("any");
            let says = svg.contains("; 8 of 16 contenders: wpc and the fastest others</text>");
            assert_eq!(says, chart.kind == Kind::ThroughputOverWorkers, "{svg}");
        }
    }

    #[test]
    fn a_single_point_can_be_drawn() {
        for kind in Kind::ALL {
            let text = format!("# any\n{}\n\"one\",\"{}\",4,5,1,6\n", crate::figure::HEADER, kind.what());
            let data = data::parse(&text).expect("it is right");
            let svg = data.charts[0].render(&data.machine);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
