//! What an output listens to, and how it shows it.
use heapless::Vec;

use crate::alarm::{Alarm, Severity};
use crate::codes::{OutputKind, Sequence};
use crate::limits::MODULES;

/// What an output listens to, and how it shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// This and above; `None`: any. Indeterminate passes always, so that nothing is lost.
    pub severity: Option<Severity>,
    /// Ids of modules, 0 for the daemon's own alarms; empty: all.
    pub modules: Vec<u32, { MODULES + 1 }>,
    /// What it is.
    pub kind: OutputKind,
    /// How it shows alarms.
    pub sequence: Sequence,
}

impl Rule {
    /// True if the output listens to this alarm.
    pub fn listens(&self, alarm: &Alarm) -> bool {
        let severe = match alarm.severity {
            Severity::Indeterminate => true,
            Severity::Cleared => false,
            severity => self.severity.is_none_or(|least| severity <= least),
        };
        severe && (self.modules.is_empty() || self.modules.contains(&alarm.module))
    }
}

impl Default for Rule {
    /// A lamp that follows every alarm.
    fn default() -> Rule {
        Rule { severity: None, modules: Vec::new(), kind: OutputKind::Lamp, sequence: Sequence::Follow }
    }
}
