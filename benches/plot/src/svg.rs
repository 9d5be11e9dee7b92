//! [`Svg`]: a drawing under way, in pixels from the top left.

use crate::chart::Frame;

pub(crate) const INK: &str = "#1f2328";
pub(crate) const QUIET: &str = "#59636e";
pub(crate) const GRID: &str = "#e1e4e8";
pub(crate) const RANGE: &str = "#b6bdc6";
const BACKGROUND: &str = "#ffffff";

/// Colours that can be told apart also by those who see few of them.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#444444", "#8c3b3b"];

/// Half the size of a marker.
const MARKER: f64 = 4.5;

/// The width of a character at size 1, on the average and rather too much.
const CHARACTER: f64 = 0.58;

/// How a text stands to the place that it is put at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Font {
    pub(crate) size: f64,
    pub(crate) colour: &'static str,
    pub(crate) weight: u16,
}

pub(crate) const TITLE: Font = Font { size: 18.0, colour: INK, weight: 600 };
pub(crate) const SUBTITLE: Font = Font { size: 13.0, colour: QUIET, weight: 400 };
pub(crate) const LABEL: Font = Font { size: 12.0, colour: INK, weight: 400 };
pub(crate) const TICK: Font = Font { size: 12.0, colour: QUIET, weight: 400 };
pub(crate) const FOOT: Font = Font { size: 10.0, colour: QUIET, weight: 400 };

/// Between a text and the side of the drawing.
const SIDE: f64 = 24.0;

/// A drawing.
#[derive(Debug)]
pub(crate) struct Svg {
    elements: Vec<String>,
}

/// A place on the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct At(pub(crate) f64, pub(crate) f64);

impl Svg {
    /// An empty drawing of this size, with the title and the foot of the chart; it is wider where they need it.
    pub(crate) fn new(width: f64, height: f64, frame: &Frame) -> Self {
        let texts = [(frame.title, TITLE), (&frame.subtitle, SUBTITLE), (&frame.foot, FOOT)];
        let width =
            texts.map(|(text, font)| 2.0 * SIDE + width_of(text, font)).into_iter().fold(width, f64::max);
        let head = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" font-family=\"sans-serif\" role=\"img\">\n<title>{}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{BACKGROUND}\"/>\n",
            escaped(frame.title)
        );
        let mut svg = Self { elements: vec![head] };
        svg.text(At(SIDE, 34.0), frame.title, Anchor::Start, TITLE);
        svg.text(At(SIDE, 54.0), &frame.subtitle, Anchor::Start, SUBTITLE);
        svg.text(At(SIDE, height - 14.0), &frame.foot, Anchor::Start, FOOT);
        svg
    }

    pub(crate) fn finish(mut self) -> String {
        self.elements.push("</svg>\n".to_owned());
        self.elements.concat()
    }

    pub(crate) fn line(&mut self, from: At, to: At, colour: &str, width: f64) {
        self.path(&[from, to], colour, width);
    }

    /// A line through these places.
    pub(crate) fn path(&mut self, places: &[At], colour: &str, width: f64) {
        let points: Vec<String> = places.iter().map(|At(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.elements.push(format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n",
            points.join(" ")
        ));
    }

    pub(crate) fn text(&mut self, At(x, y): At, text: &str, anchor: Anchor, font: Font) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let Font { size, colour, weight } = font;
        self.elements.push(format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" font-weight=\"{weight}\" \
             fill=\"{colour}\">{}</text>\n",
            escaped(text)
        ));
    }

    /// The marker of the series or place with this number: each has a shape and a colour of its own.
    pub(crate) fn marker(&mut self, at: At, number: usize) {
        let colour = colour(number);
        let style = format!("fill=\"{colour}\" stroke=\"{BACKGROUND}\" stroke-width=\"1\"");
        if number.is_multiple_of(COLOURS.len()) {
            let At(x, y) = at;
            self.elements.push(format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{MARKER}\" {style}/>\n"));
            return;
        }
        let points: Vec<String> = corners(number)
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", at.0 + MARKER * x, at.1 + MARKER * y))
            .collect();
        self.elements.push(format!("<polygon points=\"{}\" {style}/>\n", points.join(" ")));
    }
}

pub(crate) fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// How wide the text is about.
pub(crate) fn width_of(text: &str, font: Font) -> f64 {
    text.chars().map(|_| font.size * CHARACTER).sum()
}

/// The corners of a marker that is no circle, around its middle.
fn corners(number: usize) -> &'static [(f64, f64)] {
    match number % COLOURS.len() {
        1 => &[(-0.95, -0.95), (0.95, -0.95), (0.95, 0.95), (-0.95, 0.95)],
        2 => &[(0.0, -1.25), (1.2, 0.95), (-1.2, 0.95)],
        3 => &[(0.0, -1.4), (1.4, 0.0), (0.0, 1.4), (-1.4, 0.0)],
        4 => &[(0.0, 1.25), (1.2, -0.95), (-1.2, -0.95)],
        // A plus, a cross and a bar.
        5 => &[
            (-0.4, -1.3),
            (0.4, -1.3),
            (0.4, -0.4),
            (1.3, -0.4),
            (1.3, 0.4),
            (0.4, 0.4),
            (0.4, 1.3),
            (-0.4, 1.3),
            (-0.4, 0.4),
            (-1.3, 0.4),
            (-1.3, -0.4),
            (-0.4, -0.4),
        ],
        6 => &[
            (0.0, -0.55),
            (0.75, -1.3),
            (1.3, -0.75),
            (0.55, 0.0),
            (1.3, 0.75),
            (0.75, 1.3),
            (0.0, 0.55),
            (-0.75, 1.3),
            (-1.3, 0.75),
            (-0.55, 0.0),
            (-1.3, -0.75),
            (-0.75, -1.3),
        ],
        _ => &[(-1.4, -0.55), (1.4, -0.55), (1.4, 0.55), (-1.4, 0.55)],
    }
}

/// The text as it stands in an element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    #[test]
    fn what_means_something_in_a_drawing_is_escaped() {
        assert_eq!(escaped("a < b & c > d"), "a &lt; b &amp; c &gt; d");
    }

    #[test]
    fn a_drawing_is_as_wide_as_its_texts_need() {
        let frame = |foot: &str| {
            let (subtitle, foot) = ("below it".to_owned(), foot.to_owned());
            Frame { title: "a chart", subtitle, foot, x: Kind::BlockingP50.x(), y: Kind::BlockingP50.y() }
        };
        let svg = |foot: &str| Svg::new(300.0, 100.0, &frame(foot)).finish();
        assert!(svg("a machine").contains("width=\"300\" height=\"100\""));
        let foot = "m".repeat(100);
        assert!(svg(&foot).contains("width=\"628\" height=\"100\""), "{}", svg(&foot));
        assert!(svg(&foot).contains(&format!("x=\"{SIDE:.1}\" y=\"86.0\"")), "the foot is within");
    }

    #[test]
    fn each_marker_has_a_shape_and_a_colour_of_its_own() {
        for one in 0..crate::series::SERIES_MAX {
            for other in 0..one {
                assert_ne!(colour(one), colour(other));
                assert!(other == 0 || corners(one) != corners(other), "{one} looks as {other} does");
            }
        }
    }
}
