//! Bounded waits on a condition. A condition proves that something took effect; a pause does not. A test pauses only where
//! the time itself is its subject: the length of a stall, or of a beat.
use std::time::{Duration, Instant};

/// Long enough for a loaded machine, short enough to end.
pub const BOUND: Duration = Duration::from_secs(20);

/// Waits until `condition` gives something.
#[track_caller]
pub fn wait_for<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    wait_or_explain(BOUND, condition, || what.to_owned())
}

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Waits until `condition` gives something, no longer than `bound`. `explain` gives the text of the failure.
#[track_caller]
pub fn wait_or_explain<T>(
    bound: Duration,
    mut condition: impl FnMut() -> Option<T>,
    explain: impl FnOnce() -> String,
) -> T {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        if Instant::now() >= deadline {
            panic!("waited in vain: {}", explain());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
