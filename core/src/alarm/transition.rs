//! What happened to an alarm.
use super::entry::Alarm;
use crate::codes::{EventKind, Severity};

/// Something that happened to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// It is active now.
    Raised(Alarm),
    /// It was raised again, or its words changed while it is active.
    Changed {
        /// What it was.
        from: Alarm,
        /// What it is.
        to: Alarm,
    },
    /// It has ended.
    Cleared(Alarm),
    /// An operator has seen it, while it was active.
    Acknowledged(Alarm),
}

impl Transition {
    /// The alarm as it is now, or was last.
    pub const fn alarm(&self) -> &Alarm {
        match self {
            Transition::Raised(alarm) | Transition::Cleared(alarm) | Transition::Acknowledged(alarm) => alarm,
            Transition::Changed { to, .. } => to,
        }
    }

    /// True if an operator must look: the alarm is new, more severe than before, or its severity is not known any more; or it
    /// is another alarm in slot 0.
    pub fn is_news(&self) -> bool {
        match self {
            Transition::Raised(_) => true,
            Transition::Changed { from, to } => {
                let unknown = to.severity == Severity::Indeterminate && from.severity != to.severity;
                to.severity < from.severity || unknown || to.id != from.id
            }
            Transition::Cleared(_) | Transition::Acknowledged(_) => false,
        }
    }

    /// What happened, without the alarm.
    pub const fn kind(&self) -> EventKind {
        match self {
            Transition::Raised(_) => EventKind::Raised,
            Transition::Changed { .. } => EventKind::Changed,
            Transition::Cleared(_) => EventKind::Cleared,
            Transition::Acknowledged(_) => EventKind::Acknowledged,
        }
    }
}
