//! The scheduler: the pure choice of a slot for a call.
//!
//! Fewest in flight among the workers that serve; among equals the first at or after the cursor, so that ties rotate in
//! a fixed order. Only if no worker serves may the call wait at a slot whose worker is coming or overdue.

#[cfg(test)]
mod properties;

/// What a slot offers. `T` is what the choice needs to be carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Offer<T> {
    /// Its worker serves, with so much in flight.
    Ready(u32, T),
    /// Its worker is coming, or inside a call that is over; so much waits there.
    Waiting(u32, T),
    /// Nothing can be put there: it is closed, or its worker lacks what the call needs.
    Closed,
}

/// Where a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice<T> {
    /// To this slot.
    Slot(usize, T),
    /// Every slot that could take it is full.
    Saturated,
    /// There is no slot that could.
    Nobody,
}

/// Chooses among `count` slots; each may have less than `limit` in flight to get one more. `cursor` is where the last
/// choice left off.
pub(crate) fn choose<T>(
    count: usize,
    cursor: usize,
    limit: u32,
    offer: impl Fn(usize) -> Offer<T>,
) -> Choice<T> {
    let mut ready: Option<(u32, usize, T)> = None;
    let mut waiting: Option<(u32, usize, T)> = None;
    for step in 0..count {
        let slot = (cursor + step) % count;
        let (best, load, what) = match offer(slot) {
            Offer::Ready(load, what) => (&mut ready, load, what),
            Offer::Waiting(load, what) => (&mut waiting, load, what),
            Offer::Closed => continue,
        };
        if best.as_ref().is_none_or(|(least, ..)| load < *least) {
            *best = Some((load, slot, what));
        }
    }
    match ready.or(waiting) {
        None => Choice::Nobody,
        Some((load, ..)) if load >= limit => Choice::Saturated,
        Some((_, slot, what)) => Choice::Slot(slot, what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pick(offers: &[Offer<()>], cursor: usize, limit: u32) -> Choice<()> {
        choose(offers.len(), cursor, limit, |slot| offers[slot])
    }

    #[test]
    fn the_least_loaded_is_chosen_and_ties_rotate() {
        let even = [Offer::Ready(1, ()); 3];
        for cursor in 0..7 {
            assert_eq!(pick(&even, cursor, 9), Choice::Slot(cursor % 3, ()));
        }
        let uneven = [Offer::Ready(2, ()), Offer::Ready(0, ()), Offer::Ready(1, ())];
        for cursor in 0..3 {
            assert_eq!(pick(&uneven, cursor, 9), Choice::Slot(1, ()));
        }
    }

    #[test]
    fn a_slot_takes_a_call_below_its_limit_and_none_at_or_above_it() {
        assert_eq!(pick(&[Offer::Ready(4, ())], 0, 5), Choice::Slot(0, ()));
        assert_eq!(pick(&[Offer::Ready(5, ())], 0, 5), Choice::Saturated);
        assert_eq!(pick(&[Offer::Ready(6, ())], 0, 5), Choice::Saturated);
        assert_eq!(pick(&[Offer::Ready(5, ()), Offer::Ready(4, ())], 0, 5), Choice::Slot(1, ()));
    }

    #[test]
    fn a_call_waits_for_a_worker_that_comes_only_if_none_serves() {
        let (ready, waiting) = (Offer::Ready(3, ()), Offer::Waiting(0, ()));
        assert_eq!(pick(&[waiting, ready], 0, 9), Choice::Slot(1, ()));
        assert_eq!(pick(&[waiting, ready], 0, 3), Choice::Saturated);
        assert_eq!(pick(&[Offer::Closed, waiting], 0, 9), Choice::Slot(1, ()));
        assert_eq!(pick(&[Offer::Closed, Offer::Closed], 1, 9), Choice::Nobody);
        assert_eq!(pick(&[], 3, 9), Choice::Nobody);
    }

    fn offers() -> impl Strategy<Value = Vec<Offer<()>>> {
        let offer = prop_oneof![
            4 => (0_u32..6).prop_map(|load| Offer::Ready(load, ())),
            1 => (0_u32..6).prop_map(|load| Offer::Waiting(load, ())),
            1 => Just(Offer::Closed),
        ];
        proptest::collection::vec(offer, 0..9)
    }

    fn ready_load(offer: Offer<()>) -> Option<u32> {
        if let Offer::Ready(load, ()) = offer { Some(load) } else { None }
    }

    proptest! {
        #[test]
        fn no_choice_leaves_a_better_one(offers in offers(), cursor in 0_usize..20, limit in 1_u32..7) {
            let least = offers.iter().copied().filter_map(ready_load).min();
            match pick(&offers, cursor, limit) {
                Choice::Slot(slot, ()) => match offers[slot] {
                    Offer::Ready(load, ()) => {
                        prop_assert_eq!(Some(load), least);
                        prop_assert!(load < limit);
                        let skipped = (0..offers.len()).map(|step| (cursor + step) % offers.len());
                        for passed in skipped.take_while(|passed| *passed != slot) {
                            prop_assert_ne!(ready_load(offers[passed]), Some(load), "an equal one came before");
                        }
                    }
                    Offer::Waiting(load, ()) => {
                        prop_assert_eq!(least, None);
                        prop_assert!(load < limit);
                    }
                    Offer::Closed => prop_assert!(false, "a closed slot was chosen"),
                },
                Choice::Saturated => prop_assert!(least.is_none_or(|least| least >= limit)),
                Choice::Nobody => prop_assert!(offers.iter().all(|offer| matches!(offer, Offer::Closed))),
            }
        }

        #[test]
        fn held_calls_spread_by_at_most_one(workers in 1_usize..8, calls in 0_usize..60, start in 0_usize..8) {
            let mut loads = vec![0_u32; workers];
            let mut cursor = start;
            for _ in 0..calls {
                let Choice::Slot(slot, ()) = choose(workers, cursor, 1_000, |slot| Offer::Ready(loads[slot], ())) else {
                    return Err(TestCaseError::fail("there is room"));
                };
                loads[slot] += 1;
                cursor = slot + 1;
            }
            let (least, most) = (loads.iter().min().copied(), loads.iter().max().copied());
            prop_assert!(most.unwrap_or(0) - least.unwrap_or(0) <= 1);
        }
    }
}
