//! The reading end, one segment: attaches it, checks it, copies it, and reports what changed.
//!
//! Hazards: everything in the segment is a claim of the processes that may write it. The segment itself may be removed,
//! replaced, or owned by an untrusted user, and a writer may have died while it held the lock. A [`Monitor`] keeps its last
//! consistent copy and reports only what differs from it. What it cannot read now it reads in a later round.
mod acknowledged;
mod alarms;
mod check;
mod differences;
mod path;
mod presence;
mod producer_check;
mod reader;
mod refusal;
mod reject;
mod saved;
mod settings;

pub use check::Verdict;
pub use reader::Monitor;
pub use refusal::Refusal;
pub use settings::ModuleSettings;

pub use crate::codes::{SegmentRole, SegmentState};
