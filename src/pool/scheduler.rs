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
    /// Its worker serves once it is woken, which costs as much as so much more.
    Asleep(u32, u32, T),
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

/// The best of those met so far.
enum Best<T> {
    Nothing,
    /// All were full.
    Full,
    /// This one, which ranks so low.
    Found(u32, T),
}

impl<T> Best<T> {
    fn meet(&mut self, is_full: bool, rank: u32, what: T) {
        match self {
            Self::Found(least, _) if *least <= rank || is_full => {}
            _ if is_full => *self = Self::Full,
            _ => *self = Self::Found(rank, what),
        }
    }
}

/// Whether the one worker that is awake, at the cursor, is what [`choose`] would choose while all others sleep: it has no more than
/// `most` in flight, and a wake is worth so many.
#[inline]
pub(crate) fn stays(most: u32, wake_worth: u32, limit: u32) -> bool {
    most <= wake_worth && most < limit
}

/// Chooses among `count` slots; each may have less than `limit` in flight to get one more. `cursor`, which is less
/// than `count`, is where the look begins.
#[inline]
pub(crate) fn choose<T>(
    count: usize,
    cursor: usize,
    limit: u32,
    offer: impl Fn(usize) -> Offer<T>,
) -> Choice<T> {
    let (mut ready, mut waiting) = (Best::Nothing, Best::Nothing);
    for step in 0..count {
        // Without a division: there is none on the way of a call.
        let slot = if cursor + step < count { cursor + step } else { cursor + step - count };
        let (best, load, extra, what) = match offer(slot) {
            Offer::Ready(load, what) => (&mut ready, load, 0, what),
            Offer::Asleep(load, extra, what) => (&mut ready, load, extra, what),
            Offer::Waiting(load, what) => (&mut waiting, load, 0, what),
            Offer::Closed => continue,
        };
        best.meet(load >= limit, load.saturating_add(extra), (slot, what));
    }
    match (ready, waiting) {
        (Best::Found(_, (slot, what)), _) | (Best::Nothing, Best::Found(_, (slot, what))) => {
            Choice::Slot(slot, what)
        }
        (Best::Nothing, Best::Nothing) => Choice::Nobody,
        (Best::Full, _) | (Best::Nothing, Best::Full) => Choice::Saturated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pick(offers: &[Offer<()>], cursor: usize, limit: u32) -> Choice<()> {
        choose(offers.len(), cursor % offers.len().max(1), limit, |slot| offers[slot])
    }

    #[test]
    fn a_call_stays_while_a_wake_is_worth_as_much_and_there_is_room() {
        assert!(stays(0, 0, 1) && stays(1, 1, 2) && stays(1, 5, 2));
        assert!(!stays(2, 1, 9), "it is not worth it");
        assert!(!stays(1, 5, 1) && !stays(2, 5, 1), "there is no room");
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

    #[test]
    fn a_worker_that_sleeps_is_woken_only_where_waiting_behind_the_others_would_cost_more() {
        let (awake, asleep) = (|load| Offer::Ready(load, ()), |load| Offer::Asleep(load, 5, ()));
        assert_eq!(pick(&[asleep(0), awake(4)], 0, 9), Choice::Slot(1, ()));
        assert_eq!(pick(&[asleep(0), awake(5)], 1, 9), Choice::Slot(1, ()), "it is the first of two equals");
        assert_eq!(pick(&[asleep(0), awake(6)], 0, 9), Choice::Slot(0, ()));
        assert_eq!(pick(&[asleep(0), awake(3)], 0, 3), Choice::Slot(0, ()), "the other one is full");
        assert_eq!(pick(&[asleep(3), awake(3)], 0, 3), Choice::Saturated);
        assert_eq!(pick(&[asleep(1), asleep(0)], 0, 9), Choice::Slot(1, ()));
    }

    fn offers() -> impl Strategy<Value = Vec<Offer<()>>> {
        let offer = prop_oneof![
            4 => (0_u32..6).prop_map(|load| Offer::Ready(load, ())),
            2 => (0_u32..6, 0_u32..6).prop_map(|(load, extra)| Offer::Asleep(load, extra, ())),
            1 => (0_u32..6).prop_map(|load| Offer::Waiting(load, ())),
            1 => Just(Offer::Closed),
        ];
        proptest::collection::vec(offer, 0..9)
    }

    /// What a slot whose worker serves has in flight, and how it ranks.
    fn serving(offer: Offer<()>) -> Option<(u32, u32)> {
        match offer {
            Offer::Ready(load, ()) => Some((load, load)),
            Offer::Asleep(load, extra, ()) => Some((load, load + extra)),
            Offer::Waiting(..) | Offer::Closed => None,
        }
    }

    fn waiting(offer: Offer<()>) -> Option<(u32, u32)> {
        if let Offer::Waiting(load, ()) = offer { Some((load, load)) } else { None }
    }

    proptest! {
        #[test]
        fn no_choice_leaves_a_better_one(offers in offers(), cursor in 0_usize..20, limit in 1_u32..7) {
            let has_serving = offers.iter().any(|offer| serving(*offer).is_some());
            let able = |offer: Offer<()>| if has_serving { serving(offer) } else { waiting(offer) };
            let free = |offer: Offer<()>| able(offer).filter(|(load, _)| *load < limit).map(|(_, rank)| rank);
            let least = offers.iter().copied().filter_map(free).min();
            match pick(&offers, cursor, limit) {
                Choice::Slot(slot, ()) => {
                    prop_assert!(least.is_some() && free(offers[slot]) == least);
                    let order = (0..offers.len()).map(|step| (cursor + step) % offers.len());
                    for passed in order.take_while(|passed| *passed != slot) {
                        prop_assert_ne!(free(offers[passed]), least, "an equal one came before");
                    }
                }
                Choice::Saturated => {
                    prop_assert_eq!(least, None);
                    prop_assert!(offers.iter().any(|offer| able(*offer).is_some()));
                }
                Choice::Nobody => prop_assert!(offers.iter().all(|offer| matches!(offer, Offer::Closed))),
            }
        }

        #[test]
        fn who_stays_is_who_would_be_chosen(
            (workers, cursor) in (1_usize..6).prop_flat_map(|workers| (Just(workers), 0..workers)),
            (load, more) in (0_u32..8, 0_u32..4),
            asleep in proptest::collection::vec(0_u32..4, 6),
            (wake_worth, limit) in (0_u32..8, 1_u32..9),
        ) {
            let offers: Vec<_> = (0..workers)
                .map(|at| if at == cursor { Offer::Ready(load, ()) } else { Offer::Asleep(asleep[at], wake_worth, ()) })
                .collect();
            if stays(load + more, wake_worth, limit) {
                prop_assert_eq!(pick(&offers, cursor, limit), Choice::Slot(cursor, ()));
            }
        }

        #[test]
        fn held_calls_spread_by_at_most_one(workers in 1_usize..8, calls in 0_usize..60, start in 0_usize..8) {
            let mut loads = vec![0_u32; workers];
            let mut cursor = start % workers;
            for _ in 0..calls {
                let Choice::Slot(slot, ()) = choose(workers, cursor, 1_000, |slot| Offer::Ready(loads[slot], ())) else {
                    return Err(TestCaseError::fail("there is room"));
                };
                loads[slot] += 1;
                cursor = (slot + 1) % workers;
            }
            let (least, most) = (loads.iter().min().copied(), loads.iter().max().copied());
            prop_assert!(most.unwrap_or(0) - least.unwrap_or(0) <= 1);
        }
    }
}
