//! The vocabulary: modules, alarms and severities. No I/O.
pub mod daemon;
mod entry;
mod levels;
mod name;
mod transition;

pub use entry::{Alarm, AlarmId, Record};
pub use levels::Levels;
pub use name::{ModuleId, Name};
pub use transition::Transition;

pub use crate::codes::{EventKind, Origin, Severity};
