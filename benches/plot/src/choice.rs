//! Which contenders are shown where there are more than can be told apart: ours, and then the fastest.

use crate::series::{SERIES_MAX, Series};

/// Whether the contender is one of ours.
pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with("wpc")
}

/// Ours in their order, then the others by their highest value, falling, until there are [`SERIES_MAX`].
pub(crate) fn shown(series: Vec<Series>) -> Vec<Series> {
    let (mut shown, mut others): (Vec<_>, Vec<_>) =
        series.into_iter().partition(|series| is_ours(&series.name));
    others.sort_by(|one, other| other.highest().total_cmp(&one.highest()));
    shown.extend(others);
    shown.truncate(SERIES_MAX);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Point;

    /// A series for each name, with these values.
    fn shown_of(all: &[(&str, &[f64])]) -> Vec<String> {
        let series = |(name, values): &(&str, &[f64])| {
            let points = values.iter().map(|y| Point { x: 1.0, y: *y }).collect();
            Series { name: (*name).to_owned(), points }
        };
        shown(all.iter().map(series).collect()).into_iter().map(|series| series.name).collect()
    }

    #[test]
    fn ours_come_first_and_the_others_as_fast_as_they_are_at_their_best() {
        let all: [(&str, &[f64]); 4] =
            [("a", &[5.0, 5.0]), ("wpc, by name", &[1.0]), ("b", &[1.0, 9.0]), ("wpc, by handle", &[2.0])];
        assert_eq!(shown_of(&all), ["wpc, by name", "wpc, by handle", "b", "a"]);
    }

    #[test]
    fn there_are_as_many_as_can_be_told_apart() {
        let all: [(&str, &[f64]); 10] = [
            ("j", &[1.0]),
            ("i", &[2.0]),
            ("h", &[3.0]),
            ("g", &[4.0]),
            ("f", &[5.0]),
            ("e", &[6.0]),
            ("d", &[7.0]),
            ("c", &[8.0]),
            ("b", &[9.0]),
            ("wpc", &[0.5]),
        ];
        assert_eq!(shown_of(&all), ["wpc", "b", "c", "d", "e", "f", "g", "h"]);
        assert_eq!(shown_of(&all[2..]).len(), SERIES_MAX);
        assert_eq!(shown_of(&all[3..]).len(), SERIES_MAX - 1);
    }

    #[test]
    fn only_a_name_that_begins_so_is_ours() {
        assert_eq!(["wpc", "wpc, by name", "not wpc", "WPC"].map(is_ours), [true, true, false, false]);
    }
}
