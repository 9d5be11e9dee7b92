//! [`measured`]: calls that a function on a worker makes, where no thread hands anything to another.

use std::time::Duration;

use wpc::{CallError, Wpc};

use super::measure::timed;

/// Has a worker call `function` so many times, each time with what it returned before, and checks that this is in the
/// end what it was in the beginning: the time of it all. `T` is the caller's type, for arguments and result alike.
pub(crate) fn measured<T>(wpc: &Wpc, function: &'static str, value: T, calls: u64) -> Duration
where
    T: serde::Serialize + serde::de::DeserializeOwned + Clone + PartialEq + Send + Sync + 'static,
{
    let weak = wpc.downgrade();
    let run = move |calls: u64| -> Result<Duration, CallError> {
        let wpc = weak.upgrade().expect("whoever measures it keeps it");
        let (mut result, mut passed) = (Ok(()), Some(value.clone()));
        let mut pass = || {
            let before = passed.take().expect("it came back");
            wpc.call(function, before).map(|after| passed = Some(after))
        };
        let time = timed(|| result = (0..calls).try_for_each(|_| pass()));
        result?;
        assert!(passed.as_ref() == Some(&value), "`{function}` has changed what went through it");
        Ok(time)
    };
    wpc.define_function("measured", run).expect("it is defined");
    wpc.request("measured").no_timeout().call(calls).expect("a time")
}
