//! [`Kind`]: the charts that there are, each with the figures that belong on it, its title and its axes.

use crate::units::Unit;

/// A kind of chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ThroughputOverWorkers,
    LatencyOverPayload,
    BlockingP50,
}

/// An axis: what it is of, and in what unit the data has it.
#[derive(Debug)]
pub(crate) struct Axis {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] =
        [Self::ThroughputOverWorkers, Self::LatencyOverPayload, Self::BlockingP50];

    /// As its file is named.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ThroughputOverWorkers => "throughput_over_workers",
            Self::LatencyOverPayload => "latency_over_payload",
            Self::BlockingP50 => "blocking_p50",
        }
    }

    /// As the data names its figures.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::ThroughputOverWorkers => "calls/s, 64 in flight",
            Self::LatencyOverPayload => "p50 us, Vec<u8> to its length",
            Self::BlockingP50 => "p50 us",
        }
    }

    /// The chart of these figures.
    pub(crate) fn of(what: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.what() == what)
    }

    /// Where a figure lies from left to right, and what it must have in common with all others on the chart.
    pub(crate) fn split(self, workers: u32, bytes: u32) -> (u32, u32) {
        match self {
            Self::ThroughputOverWorkers | Self::BlockingP50 => (workers, bytes),
            Self::LatencyOverPayload => (bytes, workers),
        }
    }

    /// The field that is the same in all figures.
    pub(crate) fn common(self) -> &'static str {
        match self {
            Self::ThroughputOverWorkers | Self::BlockingP50 => "bytes",
            Self::LatencyOverPayload => "workers",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::ThroughputOverWorkers => "Throughput of null calls",
            Self::LatencyOverPayload => "Latency over the size of the argument",
            Self::BlockingP50 => "Blocking null calls",
        }
    }

    /// How it was measured, and which way is better.
    pub(crate) fn subtitle(self) -> &'static str {
        match self {
            Self::ThroughputOverWorkers => "64 calls in flight; higher is better",
            Self::LatencyOverPayload => "blocking calls, median; lower is better",
            Self::BlockingP50 => "one after the other, median; further left is better",
        }
    }

    pub(crate) fn x(self) -> Axis {
        match self {
            Self::ThroughputOverWorkers | Self::BlockingP50 => Axis { name: "workers", unit: Unit::Workers },
            Self::LatencyOverPayload => Axis { name: "size of the argument", unit: Unit::Bytes },
        }
    }

    pub(crate) fn y(self) -> Axis {
        match self {
            Self::ThroughputOverWorkers => Axis { name: "calls a second", unit: Unit::PerSecond },
            Self::LatencyOverPayload | Self::BlockingP50 => {
                Axis { name: "time of a call", unit: Unit::Microseconds }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_chart_that_shows_them() {
        for (what, kind) in [
            ("calls/s, 64 in flight", Some(Kind::ThroughputOverWorkers)),
            ("p50 us", Some(Kind::BlockingP50)),
            ("p50 us, Vec<u8> to its length", Some(Kind::LatencyOverPayload)),
            ("p50", None),
            ("", None),
        ] {
            assert_eq!(Kind::of(what), kind, "{what}");
        }
    }

    #[test]
    fn a_figure_lies_by_its_workers_or_by_its_bytes() {
        let split = |kind: Kind| kind.split(2, 64);
        assert_eq!(Kind::ALL.map(split), [(2, 64), (64, 2), (2, 64)]);
    }
}
