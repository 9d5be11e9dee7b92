//! The scheduler over real loads, through arbitrary admissions, ends and closings, beside a model of it.

use proptest::prelude::*;

use super::{Choice, Offer, choose};
use crate::call::{Load, Seen};
use crate::id::{Run, WorkerId};

/// One thing that happens to a pool.
#[derive(Clone, Debug)]
enum Op {
    /// A call comes; it may require what some workers lack.
    Call { requires: bool },
    /// A call comes, and between the look and the admission another one does.
    Race,
    /// One of the calls in flight ends.
    End(proptest::sample::Index),
    /// What a slot is from now on.
    Turn(proptest::sample::Index, Standing),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Serving,
    /// Serving, without what some calls require.
    Lacking,
    Coming,
    Closed,
}

fn op() -> impl Strategy<Value = Op> {
    let standing = prop_oneof![
        4 => Just(Standing::Serving),
        2 => Just(Standing::Lacking),
        2 => Just(Standing::Coming),
        1 => Just(Standing::Closed),
    ];
    prop_oneof![
        8 => any::<bool>().prop_map(|requires| Op::Call { requires }),
        1 => Just(Op::Race),
        4 => any::<proptest::sample::Index>().prop_map(Op::End),
        1 => (any::<proptest::sample::Index>(), standing).prop_map(|(at, to)| Op::Turn(at, to)),
    ]
}

/// What the slots are, and what each should have in flight.
struct Model {
    standings: Vec<Standing>,
    in_flight: Vec<u32>,
    cursor: usize,
    limit: u32,
}

impl Model {
    /// Where a call goes: the first of the least loaded that serve, from the cursor on; only where none serves, of those
    /// that come.
    fn choice(&self, requires: bool) -> Choice<()> {
        let count = self.standings.len();
        let from_cursor = || (0..count).map(|step| (self.cursor + step) % count);
        let stand = |at: &usize, standings: &[Standing]| standings.contains(&self.standings[*at]);
        let serving: &[Standing] =
            if requires { &[Standing::Serving] } else { &[Standing::Serving, Standing::Lacking] };
        let mut able: Vec<usize> = from_cursor().filter(|at| stand(at, serving)).collect();
        if able.is_empty() {
            able = from_cursor().filter(|at| stand(at, &[Standing::Coming])).collect();
        }
        let least = able.iter().map(|at| self.in_flight[*at]).min();
        match able.into_iter().find(|at| Some(self.in_flight[*at]) == least) {
            None => Choice::Nobody,
            Some(at) if self.in_flight[at] >= self.limit => Choice::Saturated,
            Some(at) => Choice::Slot(at, ()),
        }
    }

    fn offer(&self, loads: &[Load], at: usize, requires: bool) -> Offer<Seen> {
        let seen = loads[at].see();
        match self.standings[at] {
            Standing::Lacking if requires => Offer::Closed,
            Standing::Serving | Standing::Lacking => Offer::Ready(seen.load, seen),
            Standing::Coming => Offer::Waiting(seen.load, seen),
            Standing::Closed => Offer::Closed,
        }
    }
}

/// Without what was seen of the slot.
fn bare(choice: &Choice<Seen>) -> Choice<()> {
    match choice {
        Choice::Slot(at, _) => Choice::Slot(*at, ()),
        Choice::Saturated => Choice::Saturated,
        Choice::Nobody => Choice::Nobody,
    }
}

proptest! {
    #[test]
    fn each_call_goes_where_it_must_and_the_loads_are_what_is_in_flight(
        workers in 1_usize..7,
        limit in 1_u32..6,
        ops in proptest::collection::vec(op(), 0..120),
    ) {
        let slot = |at| WorkerId(u32::try_from(at).expect("there are few"));
        let loads: Vec<Load> = (0..workers).map(|at| Load::new(slot(at), Run(0))).collect();
        let (standings, in_flight) = (vec![Standing::Serving; workers], vec![0; workers]);
        let mut model = Model { standings, in_flight, cursor: 0, limit };
        let mut tickets = Vec::new();
        for op in ops {
            match op {
                Op::Call { requires } => {
                    let choice = choose(workers, model.cursor, limit, |at| model.offer(&loads, at, requires));
                    prop_assert_eq!(bare(&choice), model.choice(requires));
                    if let Choice::Slot(at, seen) = choice {
                        prop_assert!(model.standings[at] != Standing::Closed);
                        tickets.push((at, loads[at].admit(seen).expect("nothing has changed")));
                        model.in_flight[at] += 1;
                        model.cursor = (at + 1) % workers;
                    }
                }
                Op::Race => {
                    let choice = choose(workers, model.cursor, limit, |at| model.offer(&loads, at, false));
                    if let Choice::Slot(at, seen) = choice {
                        tickets.push((at, loads[at].admit(seen).expect("nothing has changed")));
                        model.in_flight[at] += 1;
                        prop_assert!(loads[at].admit(seen).is_none(), "what was seen is not so any more");
                    }
                }
                Op::End(index) if !tickets.is_empty() => {
                    let (at, ticket) = tickets.swap_remove(index.index(tickets.len()));
                    drop(ticket);
                    model.in_flight[at] -= 1;
                }
                Op::End(_) => {}
                Op::Turn(index, to) => model.standings[index.index(workers)] = to,
            }
            for (load, in_flight) in loads.iter().zip(&model.in_flight) {
                prop_assert_eq!((load.tickets(), load.see().load), (*in_flight, *in_flight));
                prop_assert!(*in_flight <= limit, "I6");
            }
        }
        drop(tickets);
        prop_assert!(loads.iter().all(|load| load.tickets() == 0), "I3");
    }
}
