//! [`Usage`]: what the process has taken of the system.

use std::fs;
use std::io;

/// Threads, descriptors and resident memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) threads: i64,
    pub(crate) fds: i64,
    pub(crate) rss_kib: i64,
}

impl Usage {
    /// What the process has now.
    pub(crate) fn read() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()).and_then(|it| it.parse().ok());
            number.ok_or_else(|| io::Error::other(format!("/proc/self/status has no number behind {name}")))
        };
        let fds = fs::read_dir("/proc/self/fd")?.count();
        Ok(Self {
            threads: field("Threads:")?,
            fds: i64::try_from(fds).unwrap_or(i64::MAX),
            rss_kib: field("VmRSS:")?,
        })
    }
}
