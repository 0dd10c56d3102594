//! Which of the daemon's own lasting alarms are active.
use crate::alarm::{Alarm, daemon};
use crate::codes::DaemonAlarm;

/// Which of those that last are active, and which of these are acknowledged: bits of [`DaemonAlarm`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DaemonAlarms {
    pub active: u32,
    pub acknowledged: u32,
}

impl DaemonAlarms {
    /// Those that are active.
    pub fn iter(self) -> impl Iterator<Item = Alarm> {
        let active = DaemonAlarm::ALL.into_iter().filter(move |alarm| self.active & alarm.number() != 0);
        active
            .map(move |alarm| Alarm { acknowledged: self.acknowledged & alarm.number() != 0, ..daemon::lasting(alarm) })
    }
}
