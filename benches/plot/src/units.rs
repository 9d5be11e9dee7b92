//! [`Unit`]: how a number of the data is written beside an axis.

/// What the numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Workers,
    Bytes,
    Microseconds,
    PerSecond,
}

impl Unit {
    /// The number with its unit, short enough for an axis.
    pub(crate) fn text(self, number: f64) -> String {
        let steps: &[(f64, &str)] = match self {
            Self::Workers => &[],
            Self::Bytes => &[(GIBI, " GiB"), (MEBI, " MiB"), (KIBI, " KiB"), (1.0, " B")],
            Self::Microseconds => &[(1e6, " s"), (1e3, " ms"), (1.0, " µs"), (1e-3, " ns")],
            Self::PerSecond => &[(1e9, " G"), (1e6, " M"), (1e3, " k")],
        };
        if number <= 0.0 {
            return "0".to_owned();
        }
        // What rounding has made a little too small is written in the unit that it was meant in.
        let fits = |(size, _): &&(f64, &str)| number * 1.000_001 >= *size;
        let (size, name) = steps.iter().find(fits).or(smallest(steps)).copied().unwrap_or((1.0, ""));
        format!("{}{name}", short(number / size))
    }
}

const KIBI: f64 = 1_024.0;
const MEBI: f64 = KIBI * KIBI;
const GIBI: f64 = KIBI * MEBI;

/// What is below all steps is written in the smallest one, if that is less than 1.
fn smallest<'a>(steps: &'a [(f64, &'a str)]) -> Option<&'a (f64, &'a str)> {
    steps.last().filter(|(size, _)| *size < 1.0)
}

/// At most two decimals, and three digits in all where there are some.
fn short(number: f64) -> String {
    let decimals = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_unit_that_fits() {
        for (unit, number, text) in [
            (Unit::Workers, 8.0, "8"),
            (Unit::Workers, 0.0, "0"),
            (Unit::Bytes, 64.0, "64 B"),
            (Unit::Bytes, 1_023.0, "1023 B"),
            (Unit::Bytes, 1_024.0, "1 KiB"),
            (Unit::Bytes, 16_777_216.0, "16 MiB"),
            (Unit::Microseconds, 0.220_4, "220 ns"),
            (Unit::Microseconds, 0.000_5, "0.5 ns"),
            (Unit::Microseconds, 4.6, "4.6 µs"),
            (Unit::Microseconds, 53.25, "53.2 µs"),
            (Unit::Microseconds, 999.999_9, "1 ms"),
            (Unit::Microseconds, 2e6, "2 s"),
            (Unit::PerSecond, 500.0, "500"),
            (Unit::PerSecond, 200_000.0, "200 k"),
            (Unit::PerSecond, 8_500_000.0, "8.5 M"),
        ] {
            assert_eq!(unit.text(number), text);
        }
    }
}
