//! The goals, a file each.

mod g1;
mod g10;
mod g11;
mod g2;
mod g3;
mod g4;
mod g5;
mod g6;
mod g7;
mod g8;
mod g9;
mod support;

use crate::goal::Goal;

/// All of them, in the order in which they are measured.
pub(crate) const GOALS: [Goal; 11] = [
    g1::GOAL,
    g2::GOAL,
    g3::GOAL,
    g4::GOAL,
    g5::GOAL,
    g6::GOAL,
    g7::GOAL,
    g8::GOAL,
    g9::GOAL,
    g10::GOAL,
    g11::GOAL,
];
