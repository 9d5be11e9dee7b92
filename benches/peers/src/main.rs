//! Measures wpc beside its peers and beside what the machine allows: `gate` says whether the speed goals are met, `table`
//! what everybody's figures are. `--smoke` measures nothing and only shows that everything answers.

mod arguments;
mod contender;
mod drive;
mod figure;
mod goal;
mod goals;
mod limits;
mod machine;
mod ours;
mod payload;
mod peers;
mod round;
mod table;

use std::process::ExitCode;

use arguments::{Command, Gate, Table};
use drive::now;
use goal::{Goal, Row, Settings, Size, short};
use goals::GOALS;
use machine::Neighbours;

/// What the program ends with when it was called wrongly.
const BAD_ARGUMENTS: u8 = 2;

fn main() -> ExitCode {
    let command = match Command::from_arguments(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(BAD_ARGUMENTS);
        }
    };
    let done = match command {
        Command::Gate(gate) => run_gate(&gate),
        Command::Table(table) => run_table(&table).map(|()| ExitCode::SUCCESS),
        Command::Smoke => smoke(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// A goal that cannot be measured is missed; the others are measured all the same.
fn run_gate(gate: &Gate) -> anyhow::Result<ExitCode> {
    if let Some(name) = gate.off {
        ours::switch_off(name)?;
    }
    let settings = Settings { rounds: gate.rounds, size: Size::Full };
    println!("{}, {} rounds", machine::line(), gate.rounds);
    let mut is_met = true;
    for goal in GOALS.iter().filter(|goal| gate.wants(goal.name)) {
        is_met &= judge(goal, &settings);
    }
    Ok(if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a goal's lines, and beside them how it was measured; true if all of it is met.
fn judge(goal: &Goal, settings: &Settings) -> bool {
    let (begin, neighbours) = (now(), Neighbours::watch());
    let measured = (goal.measure)(settings);
    let cores = neighbours.and_then(|neighbours| neighbours.cores()).map_or_else(|| "unknown".into(), short);
    let seconds = (now() - begin).as_secs_f64();
    eprintln!("{:<4}{}: {seconds:.1} s; cores that others kept busy: {cores}", goal.name, goal.what);
    match measured {
        Ok(rows) => {
            for row in &rows {
                println!("{}", row.line(goal.name));
            }
            rows.iter().all(Row::is_met)
        }
        Err(error) => {
            println!("{:<4}could not be measured: {error:#}  MISSED", goal.name);
            false
        }
    }
}

fn run_table(table: &Table) -> anyhow::Result<()> {
    let settings = Settings { rounds: table.rounds, size: Size::Full };
    let machine = machine::line();
    let mut figures = table::measure(&settings)?;
    println!("{machine}, {} rounds\n", table.rounds);
    table::print(&figures);
    if let Some(file) = &table.save {
        figures.extend(payload::measure(&settings)?);
        figure::save(file, &machine, &figures)?;
    }
    Ok(())
}

fn smoke() -> anyhow::Result<ExitCode> {
    let settings = Settings { rounds: 1, size: Size::Smoke };
    for goal in &GOALS {
        let rows = (goal.measure)(&settings)?;
        println!("{}: {} rows", goal.name, rows.len());
    }
    table::measure(&settings)?;
    payload::measure(&settings)?;
    println!("everything answers");
    Ok(ExitCode::SUCCESS)
}
