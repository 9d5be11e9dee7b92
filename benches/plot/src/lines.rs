//! A chart with a line for each series: places from left to right, values from the bottom to the top.

use crate::chart::Frame;
use crate::kind::Axis;
use crate::scale::Scale;
use crate::series::{Series, places};
use crate::svg::{Anchor, At, GRID, LABEL, QUIET, Svg, TICK, colour, width_of};

const LEFT: f64 = 84.0;
const TOP: f64 = 98.0;
const PLOT_WIDTH: f64 = 560.0;
const PLOT_HEIGHT: f64 = 340.0;
const BELOW: f64 = 86.0;

/// Between the plot and the legend, and the line and marker of each entry of that.
const GAP: f64 = 26.0;
const KEY_WIDTH: f64 = 30.0;
const KEY_HEIGHT: f64 = 24.0;

/// Between the numbers below the plot.
const TICK_GAP: f64 = 12.0;

/// The first series is whom the chart is about.
const FIRST_WIDTH: f64 = 3.0;
const OTHER_WIDTH: f64 = 1.75;

/// Where the points lie.
struct Plot {
    x: Scale,
    y: Scale,
}

impl Plot {
    fn at(&self, x: f64, y: f64) -> At {
        At(self.x_of(x), self.y_of(y))
    }

    fn x_of(&self, x: f64) -> f64 {
        LEFT + PLOT_WIDTH * self.x.share(x)
    }

    fn y_of(&self, y: f64) -> f64 {
        TOP + PLOT_HEIGHT * (1.0 - self.y.share(y))
    }
}

/// The chart of these series.
pub(crate) fn render(frame: &Frame, series: &[Series]) -> String {
    let values = series.iter().flat_map(|series| &series.points).map(|point| point.y);
    let places = places(series);
    let plot = Plot { x: Scale::of_places(places.iter().copied()), y: Scale::of_values(values) };
    let names = series.iter().map(|series| width_of(&series.name, LABEL)).fold(0.0, f64::max);
    let width = LEFT + PLOT_WIDTH + GAP + KEY_WIDTH + names + 16.0;
    let mut svg = Svg::new(width, TOP + PLOT_HEIGHT + BELOW, frame);
    value_axis(&mut svg, &plot, &frame.y);
    place_axis(&mut svg, &plot, &frame.x, &places);
    // The first is drawn last, over the others.
    for (number, series) in series.iter().enumerate().rev() {
        let line: Vec<At> = series.points.iter().map(|point| plot.at(point.x, point.y)).collect();
        svg.path(&line, colour(number), width_of_line(number));
        for at in line {
            svg.marker(at, number);
        }
    }
    legend(&mut svg, series);
    svg.finish()
}

fn width_of_line(number: usize) -> f64 {
    if number == 0 { FIRST_WIDTH } else { OTHER_WIDTH }
}

fn value_axis(svg: &mut Svg, plot: &Plot, axis: &Axis) {
    for tick in plot.y.ticks() {
        let y = plot.y_of(tick);
        svg.line(At(LEFT, y), At(LEFT + PLOT_WIDTH, y), GRID, 1.0);
        svg.text(At(LEFT - 10.0, y + 4.0), &axis.unit.text(tick), Anchor::End, TICK);
    }
    svg.text(At(24.0, TOP - 18.0), &plot.y.label(axis.name), Anchor::Start, LABEL);
}

/// Each place has a mark, and a number where there is room for it.
fn place_axis(svg: &mut Svg, plot: &Plot, axis: &Axis, places: &[f64]) {
    let bottom = TOP + PLOT_HEIGHT;
    svg.line(At(LEFT, bottom), At(LEFT + PLOT_WIDTH, bottom), QUIET, 1.0);
    let mut taken = f64::NEG_INFINITY;
    for place in places {
        let (x, text) = (plot.x_of(*place), axis.unit.text(*place));
        svg.line(At(x, bottom), At(x, bottom + 5.0), QUIET, 1.0);
        let half = width_of(&text, TICK) / 2.0;
        if x - half >= taken + TICK_GAP {
            svg.text(At(x, bottom + 21.0), &text, Anchor::Middle, TICK);
            taken = x + half;
        }
    }
    svg.text(At(LEFT + PLOT_WIDTH / 2.0, bottom + 46.0), &plot.x.label(axis.name), Anchor::Middle, LABEL);
}

/// In the order in which the lines end on the right, from the top.
fn legend(svg: &mut Svg, series: &[Series]) {
    let last = |number: usize| series[number].points.last().map_or(0.0, |point| point.y);
    let mut order: Vec<usize> = (0..series.len()).collect();
    order.sort_by(|one, other| last(*other).total_cmp(&last(*one)));
    let (mut y, left) = (TOP + 8.0, LEFT + PLOT_WIDTH + GAP);
    for number in order {
        svg.line(At(left, y), At(left + KEY_WIDTH - 6.0, y), colour(number), width_of_line(number));
        svg.marker(At(left + (KEY_WIDTH - 6.0) / 2.0, y), number);
        svg.text(At(left + KEY_WIDTH + 2.0, y + 4.0), &series[number].name, Anchor::Start, LABEL);
        y += KEY_HEIGHT;
    }
}
