//! Rounds: contenders that take turns, and what is made of their figures: medians, percentiles, ratios.

/// One contender's turn of a round.
pub(crate) type Turn<'a, T> = Box<dyn FnMut() -> anyhow::Result<T> + 'a>;

/// Gives every turn its place in every round; the order rotates, so that each is first, last and in between.
///
/// What comes back is a list for each turn, in the order of `turns`, with an element for each round.
pub(crate) fn alternate<T>(rounds: usize, turns: &mut [Turn<'_, T>]) -> anyhow::Result<Vec<Vec<T>>> {
    let mut figures: Vec<Vec<T>> = turns.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        for place in 0..turns.len() {
            let turn = (place + round) % turns.len();
            figures[turn].push(turns[turn]()?);
        }
    }
    Ok(figures)
}

/// Ours divided by the peer's of the same round, for each round.
pub(crate) fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

/// A figure over the rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Not a number throughout where there was no round.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        let median = f64::midpoint(at(last / 2), at(sorted.len() / 2));
        Self { median, min: at(0), max: at(last) }
    }
}

/// The times of the calls of one turn, sorted.
#[derive(Clone, Debug)]
pub(crate) struct Times(Vec<u64>);

impl Times {
    /// Of times in nanoseconds, in any order.
    pub(crate) fn new(mut nanos: Vec<u64>) -> Self {
        nanos.sort_unstable();
        Self(nanos)
    }

    /// The times of several callers as those of one.
    pub(crate) fn join(all: Vec<Self>) -> Self {
        Self::new(all.into_iter().flat_map(|times| times.0).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// In microseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.percentile(50.0)
    }

    /// In microseconds; 0 where nothing was measured.
    #[expect(clippy::cast_precision_loss, reason = "a turn takes less than 2^52 ns")]
    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<u64>() as f64 / self.0.len().max(1) as f64 / 1e3
    }

    /// The time that `percent` of the calls do not exceed, in microseconds; 0 where nothing was measured.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index below the length, from a percentage from 0 to 100; a call takes less than 2^52 ns"
    )]
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        // A rank that is whole is not to be the next one by a rounding error.
        let rank = (percent / 100.0 * self.0.len() as f64 - 1e-6).ceil() as usize;
        let index = rank.saturating_sub(1).min(self.0.len().saturating_sub(1));
        self.0.get(index).map_or(0.0, |nanos| *nanos as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_rotates_and_each_keeps_its_own_figures() {
        let order = std::cell::RefCell::new(Vec::new());
        let turn = |who: usize| {
            let order = &order;
            Box::new(move || {
                order.borrow_mut().push(who);
                Ok(who)
            }) as Turn<'_, usize>
        };
        let figures = alternate(3, &mut [turn(0), turn(1), turn(2)]).unwrap();
        assert_eq!(figures, [[0; 3], [1; 3], [2; 3]]);
        assert_eq!(*order.borrow(), [0, 1, 2, 1, 2, 0, 2, 0, 1]);
    }

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times = Times::new((1..=1_000).rev().map(|us| us * 1_000).collect());
        let found = [50.0, 99.9, 100.0].map(|percent| times.percentile(percent).to_string());
        assert_eq!(found, ["500", "999", "1000"]);
        assert_eq!(times.mean().to_string(), "500.5");
        assert_eq!(Times::new(vec![]).percentile(99.9).to_string(), "0");
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted() {
        let spread = Spread::of(&[3.0, 1.0, 2.0]);
        assert_eq!([spread.median, spread.min, spread.max].map(|n| n.to_string()), ["2", "1", "3"]);
        assert_eq!(Spread::of(&[1.0, 2.0]).median.to_string(), "1.5");
        assert!(Spread::of(&[]).median.is_nan());
    }
}
