//! Rounds in several parts, each of which gives every contender its turn: what makes the machine slower for a while, or
//! puts a contender's threads in an unlucky place, then falls on few of the parts, and the median over them does not
//! follow it.

use crate::round::{Spread, ratios};

/// For each round the median, over its parts, of what ours is to theirs of the same part.
pub(in crate::goals) fn ratios_of_rounds(parts: usize, ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ratios(ours, theirs).chunks(parts).map(median).collect()
}

/// For each round what our least time of its parts is to their least: for what costs the same every time but for what
/// disturbs it.
pub(in crate::goals) fn least_ratios_of_rounds(parts: usize, ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    let least = |times: &[f64]| times.chunks(parts).map(|part| Spread::of(part).min).collect::<Vec<_>>();
    ratios(&least(ours), &least(theirs))
}

/// Which of two contenders is the faster one, by the median of its times.
///
/// It is the same one throughout: the lesser of two times in each part would be faster than either contender is, by as
/// much as the machine scatters them.
pub(in crate::goals) fn faster_by_time(one: &[f64], other: &[f64]) -> Faster {
    if median(one) <= median(other) { Faster::One } else { Faster::Other }
}

/// Which of two contenders is the faster one, by the median of its rates.
pub(in crate::goals) fn faster_by_rate(one: &[f64], other: &[f64]) -> Faster {
    if median(one) >= median(other) { Faster::One } else { Faster::Other }
}

/// One of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::goals) enum Faster {
    One,
    Other,
}

impl Faster {
    pub(in crate::goals) fn of<T>(self, one: T, other: T) -> T {
        match self {
            Self::One => one,
            Self::Other => other,
        }
    }
}

fn median(figures: &[f64]) -> f64 {
    Spread::of(figures).median
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_the_median_ratio_of_its_parts() {
        let found = ratios_of_rounds(3, &[1.0, 9.0, 2.0, 4.0, 4.0, 4.0], &[1.0, 1.0, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(format!("{found:?}"), "[2.0, 1.0]");
    }

    #[test]
    fn a_round_has_the_ratio_of_the_least_of_its_parts() {
        let found = least_ratios_of_rounds(2, &[4.0, 9.0, 2.0, 1.0], &[8.0, 2.0, 1.0, 4.0]);
        assert_eq!(format!("{found:?}"), "[2.0, 1.0]");
    }

    #[test]
    fn the_faster_one_has_the_lower_times_or_the_higher_rates() {
        let (low, high) = ([1.0, 2.0, 9.0], [3.0, 3.0, 3.0]);
        assert_eq!([faster_by_time(&low, &high), faster_by_time(&high, &low)], [Faster::One, Faster::Other]);
        assert_eq!([faster_by_rate(&low, &high), faster_by_rate(&high, &low)], [Faster::Other, Faster::One]);
        assert_eq!(Faster::Other.of(1, 2), 2);
    }
}
