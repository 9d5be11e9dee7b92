//! [`Scale`]: where a number lies on an axis, and which numbers are written beside it.

/// An axis is logarithmic where the greatest number is at least so many times the least.
const LOGARITHMIC_FROM: f64 = 8.0;

/// The share of the axis that is left free before the first place and after the last one.
const MARGIN: f64 = 0.05;

/// More numbers beside an axis are not read.
const TICKS_MAX: usize = 9;

/// An axis: its ends, and how the numbers lie between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    margin: f64,
    is_logarithmic: bool,
}

impl Scale {
    /// For values, which are more than zero: its ends are round numbers. A linear one begins with zero.
    pub(crate) fn of_values(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, most) = ends(values);
        if most / least >= LOGARITHMIC_FROM {
            let (low, high) = (round_down(least), round_up(most));
            Self { low, high, margin: 0.0, is_logarithmic: true }
        } else {
            let step = round_up(most / 5.0);
            let high = (most / step).ceil() * step;
            Self { low: 0.0, high, margin: 0.0, is_logarithmic: false }
        }
    }

    /// For the places of points, which are more than zero: it ends with the first and the last one.
    pub(crate) fn of_places(places: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = ends(places);
        Self { low, high, margin: MARGIN, is_logarithmic: high / low >= LOGARITHMIC_FROM }
    }

    /// Where the number lies, from 0 at the lower end to 1 at the upper one.
    pub(crate) fn share(&self, number: f64) -> f64 {
        let share = if self.high <= self.low {
            0.5
        } else if self.is_logarithmic {
            (number / self.low).ln() / (self.high / self.low).ln()
        } else {
            (number - self.low) / (self.high - self.low)
        };
        self.margin + share * (1.0 - 2.0 * self.margin)
    }

    /// What the axis is of, and how to read it.
    pub(crate) fn label(&self, name: &str) -> String {
        if self.is_logarithmic { format!("{name} (logarithmic)") } else { name.to_owned() }
    }

    /// The round numbers beside the axis of values, rising.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        if !self.is_logarithmic {
            let step = round_up(self.high / 5.0);
            return successive(0.0, self.high, |tick| tick + step);
        }
        let all = successive(self.low, self.high, |tick| round_up(tick * 1.5));
        if all.len() <= TICKS_MAX {
            return all;
        }
        let decades: Vec<f64> = all.into_iter().filter(|tick| is_decade(*tick)).collect();
        let every = decades.len().div_ceil(TICKS_MAX);
        decades.into_iter().step_by(every).collect()
    }
}

fn ends(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (numbers.clone().fold(f64::INFINITY, f64::min), numbers.fold(0.0, f64::max))
}

/// From the first to the last one, which may be missed by what rounding leaves.
fn successive(first: f64, last: f64, next: impl Fn(f64) -> f64) -> Vec<f64> {
    std::iter::successors(Some(first), |tick| Some(next(*tick)))
        .take_while(|tick| *tick <= last * 1.000_001)
        .collect()
}

/// The least of 1, 2, 5, 10, 20 and so on that is not less than the number.
fn round_up(number: f64) -> f64 {
    let decade = decade_of(number);
    let steps = [1.0, 2.0, 5.0].map(|step| step * decade);
    steps.into_iter().find(|step| *step >= number * 0.999_999).unwrap_or(10.0 * decade)
}

/// The greatest of them that is not more than the number.
fn round_down(number: f64) -> f64 {
    let decade = decade_of(number);
    let steps = [5.0, 2.0].map(|step| step * decade);
    steps.into_iter().find(|step| *step <= number * 1.000_001).unwrap_or(decade)
}

/// The power of ten at or below the number; what rounding has made a little too small counts as the next.
fn decade_of(number: f64) -> f64 {
    10_f64.powf((number * 1.000_000_1).log10().floor())
}

fn is_decade(number: f64) -> bool {
    (number / decade_of(number) - 1.0).abs() < 0.001
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[f64]) -> Scale {
        Scale::of_values(values.iter().copied())
    }

    #[track_caller]
    fn assert_near(found: &[f64], expected: &[f64]) {
        let is_near = |(one, other): (&f64, &f64)| (one - other).abs() <= 1e-9 * other.abs().max(1e-9);
        assert!(
            found.len() == expected.len() && found.iter().zip(expected).all(is_near),
            "{found:?} and not {expected:?}"
        );
    }

    #[test]
    fn a_small_range_is_linear_from_zero() {
        let scale = values(&[3.0, 8.7, 4.0]);
        assert_near(&scale.ticks(), &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_near(&[scale.share(0.0), scale.share(5.0), scale.share(10.0)], &[0.0, 0.5, 1.0]);
        assert_near(&values(&[0.3]).ticks(), &[0.0, 0.1, 0.2, 0.3]);
    }

    #[test]
    fn a_large_range_is_logarithmic_between_round_numbers() {
        let scale = values(&[0.3, 90.0]);
        assert_near(&scale.ticks(), &[0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_near(&[scale.share(0.2), scale.share(100.0)], &[0.0, 1.0]);
        assert_near(&[values(&[1.0, 100.0]).share(10.0)], &[0.5]);
    }

    #[test]
    fn the_range_that_makes_it_logarithmic_is_eightfold() {
        assert_eq!(values(&[1.0, 7.9]).label("time"), "time");
        assert_eq!(values(&[1.0, 8.0]).label("time"), "time (logarithmic)");
    }

    #[test]
    fn many_decades_have_fewer_ticks() {
        assert_near(&values(&[1.0, 1e6]).ticks(), &[1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
        let widest = values(&[1e-6, 1e15]).ticks();
        assert!(widest.len() <= TICKS_MAX && widest.len() > 3, "{widest:?}");
    }

    #[test]
    fn places_lie_between_the_margins() {
        let scale = Scale::of_places([1.0, 2.0, 4.0, 8.0].into_iter());
        let third = (1.0 - 2.0 * MARGIN) / 3.0;
        assert_near(
            &[1.0, 2.0, 4.0, 8.0].map(|x| scale.share(x)),
            &[MARGIN, MARGIN + third, MARGIN + 2.0 * third, 1.0 - MARGIN],
        );
        assert_near(&[Scale::of_places([4.0].into_iter()).share(4.0)], &[0.5]);
    }

    #[test]
    fn round_numbers_stay_as_they_are() {
        for power in -6..=15 {
            for step in [1.0, 2.0, 5.0] {
                let number = step * 10_f64.powi(power);
                assert_near(&[round_up(number), round_down(number)], &[number, number]);
            }
        }
    }
}
