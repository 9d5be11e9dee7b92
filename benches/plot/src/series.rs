//! [`Series`]: the points of one contender on a chart.

/// More series than that cannot be told apart by shape and colour; and so it is with the places of a chart with rows.
pub(crate) const SERIES_MAX: usize = 8;

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

impl Series {
    /// The greatest `y`, or zero where there is no point.
    pub(crate) fn highest(&self) -> f64 {
        self.points.iter().map(|point| point.y).fold(0.0, f64::max)
    }
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

    #[test]
    fn places_are_those_of_all_and_each_is_there_once() {
        let series = |points: &[(f64, f64)]| {
            let points = points.iter().map(|&(x, y)| Point { x, y }).collect();
            Series { name: "a".to_owned(), points }
        };
        let all = [series(&[(2.0, 7.0), (8.0, 3.0)]), series(&[(1.0, 1.0), (2.0, 1.0)]), series(&[])];
        assert_eq!(places(&all), [1.0, 2.0, 8.0]);
        assert_eq!(all.map(|series| series.highest().to_string()), ["7", "1", "0"]);
    }
}
