//! Whether a producer stays attached, and how long it may be silent.
use crate::clock::{MS, Nanos};

/// Whether a producer stays attached. One that is there at two checks in a row does: a process that raises an alarm and
/// leaves does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    None,
    Once,
    Steady,
}

/// How long after a look at the beat the next one comes: a producer that keeps its promise has beaten by then. A promise
/// below 10 ms is taken for 10.
pub(super) fn beat_timeout(beat_ms: u32) -> Nanos {
    Nanos::from(beat_ms.max(10)) * MS * 3 / 2
}
