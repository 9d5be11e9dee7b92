//! A chart with a row for each series: values from left to right, and a marker for each place.

use crate::chart::Frame;
use crate::scale::Scale;
use crate::series::{Series, places};
use crate::svg::{Anchor, At, GRID, LABEL, QUIET, RANGE, Svg, TICK, width_of};

const TOP: f64 = 106.0;
const ROW: f64 = 30.0;
const PLOT_WIDTH: f64 = 560.0;
const BELOW: f64 = 86.0;
const RIGHT: f64 = 44.0;
const KEY_Y: f64 = 80.0;

/// The markers of a row lie one below the other within this height, so that equal ones are seen too.
const SPREAD: f64 = 12.0;

/// Where the rows lie.
struct Plot {
    left: f64,
    bottom: f64,
    values: Scale,
}

impl Plot {
    fn x_of(&self, value: f64) -> f64 {
        self.left + PLOT_WIDTH * self.values.share(value)
    }
}

/// The chart of these series.
pub(crate) fn render(frame: &Frame, series: &[Series]) -> String {
    let values = series.iter().flat_map(|series| &series.points).map(|point| point.y);
    let names = series.iter().map(|series| width_of(&series.name, LABEL)).fold(0.0, f64::max);
    let rows: f64 = series.iter().map(|_| ROW).sum();
    let plot = Plot { left: 24.0 + names + 14.0, bottom: TOP + rows, values: Scale::of_values(values) };
    let mut svg = Svg::new(plot.left + PLOT_WIDTH + RIGHT, plot.bottom + BELOW, frame);
    value_axis(&mut svg, &plot, frame);
    let places = places(series);
    let mut y = TOP + ROW / 2.0;
    for series in series {
        row(&mut svg, &plot, series, y, &places);
        y += ROW;
    }
    legend(&mut svg, &plot, frame, &places);
    svg.finish()
}

fn value_axis(svg: &mut Svg, plot: &Plot, frame: &Frame) {
    for tick in plot.values.ticks() {
        let x = plot.x_of(tick);
        svg.line(At(x, TOP), At(x, plot.bottom), GRID, 1.0);
        svg.text(At(x, plot.bottom + 20.0), &frame.y.unit.text(tick), Anchor::Middle, TICK);
    }
    svg.line(At(plot.left, plot.bottom), At(plot.left + PLOT_WIDTH, plot.bottom), QUIET, 1.0);
    svg.text(
        At(plot.left + PLOT_WIDTH / 2.0, plot.bottom + 46.0),
        &plot.values.label(frame.y.name),
        Anchor::Middle,
        LABEL,
    );
}

/// A series, whose markers are joined so that its spread is seen.
fn row(svg: &mut Svg, plot: &Plot, series: &Series, y: f64, places: &[f64]) {
    svg.line(At(plot.left, y), At(plot.left + PLOT_WIDTH, y), GRID, 1.0);
    svg.text(At(plot.left - 14.0, y + 4.0), &series.name, Anchor::End, LABEL);
    let number_of = |x: f64| places.iter().position(|place| place.total_cmp(&x).is_eq()).unwrap_or_default();
    let marker = |x: f64, value: f64| {
        let number = number_of(x);
        (number, At(plot.x_of(value), y + SPREAD * (share(number, places.len()) - 0.5)))
    };
    let markers: Vec<(usize, At)> = series.points.iter().map(|point| marker(point.x, point.y)).collect();
    svg.path(&markers.iter().map(|(_, at)| *at).collect::<Vec<_>>(), RANGE, 2.0);
    for (number, at) in markers {
        svg.marker(at, number);
    }
}

/// Where a number lies among so many, from 0 to 1.
fn share(number: usize, count: usize) -> f64 {
    let as_real = |number: usize| u32::try_from(number).map_or(0.0, f64::from);
    if count < 2 { 0.5 } else { as_real(number) / as_real(count - 1) }
}

fn legend(svg: &mut Svg, plot: &Plot, frame: &Frame, places: &[f64]) {
    let mut x = plot.left;
    svg.text(At(x - 14.0, KEY_Y + 4.0), frame.x.name, Anchor::End, LABEL);
    for (number, place) in places.iter().enumerate() {
        let text = frame.x.unit.text(*place);
        svg.marker(At(x + 6.0, KEY_Y), number);
        svg.text(At(x + 18.0, KEY_Y + 4.0), &text, Anchor::Start, LABEL);
        x += 18.0 + width_of(&text, LABEL) + 20.0;
    }
}
