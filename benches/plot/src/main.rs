//! Draws charts of measurements: one SVG for each chart that a data file has figures of.
//!
//! `cargo run --manifest-path benches/plot/Cargo.toml -- DATA.csv FOLDER` writes `FOLDER/<chart>.svg`. The data is what
//! `benches/peers -- table --save DATA.csv` writes, and is described in [`data`]; what the charts are, in [`kind`].

mod chart;
mod choice;
mod collection;
mod data;
mod dots;
mod fields;
mod figure;
mod kind;
mod lines;
mod machine;
mod rule;
mod scale;
mod series;
mod svg;
mod units;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use data::Data;
use rule::BadLine;

/// Why nothing, or not everything, was drawn.
#[derive(Debug)]
enum PlotError {
    Usage,
    Read(PathBuf, std::io::Error),
    Data(PathBuf, BadLine),
    Write(PathBuf, std::io::Error),
}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage => f.write_str("usage: plot DATA.csv FOLDER"),
            Self::Read(path, error) => write!(f, "`{}` cannot be read: {error}", path.display()),
            Self::Data(path, bad) => write!(f, "{}:{bad}", path.display()),
            Self::Write(path, error) => write!(f, "`{}` cannot be written: {error}", path.display()),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let result = match &arguments[..] {
        [data, folder] => draw(data, folder),
        _ => Err(PlotError::Usage),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Nothing is written unless all of the data is right.
fn draw(path: &Path, folder: &Path) -> Result<(), PlotError> {
    let text = std::fs::read_to_string(path).map_err(|error| PlotError::Read(path.to_owned(), error))?;
    let Data { machine, charts } = data::parse(&text).map_err(|bad| PlotError::Data(path.to_owned(), bad))?;
    std::fs::create_dir_all(folder).map_err(|error| PlotError::Write(folder.to_owned(), error))?;
    for chart in &charts {
        let file = folder.join(format!("{}.svg", chart.kind.name()));
        std::fs::write(&file, chart.render(&machine))
            .map_err(|error| PlotError::Write(file.clone(), error))?;
        println!("{}", file.display());
    }
    Ok(())
}
