//! One alarm: its record, its identity, its severity.
use core::fmt;

use super::levels::default_level;
use crate::codes::{Origin, Severity};

/// The original five words, as slot 0 holds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Record {
    /// Not 0 while the alarm is up.
    pub flag: u32,
    /// What kind of alarm.
    pub alarm_type: u32,
    /// The alarm's code.
    pub code: u32,
    /// How bad, through [`super::Levels`].
    pub level: u32,
    /// Which of several alike (a port, a fan).
    pub index: u32,
}

impl Record {
    /// Which alarm this is.
    pub const fn id(&self) -> AlarmId {
        AlarmId { alarm_type: self.alarm_type, code: self.code, index: self.index }
    }
}

/// What makes an alarm this alarm, within its module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlarmId {
    /// `alarm_type`
    pub alarm_type: u32,
    /// `alarm_code`
    pub code: u32,
    /// `alarm_index`
    pub index: u32,
}

impl fmt::Display for AlarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {:#x} code {:#x} index {:#x}", self.alarm_type, self.code, self.index)
    }
}

/// An active alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Id of its module; 0 for the daemon's own.
    pub module: u32,
    /// Where it comes from.
    pub origin: Origin,
    /// Which alarm of the module.
    pub id: AlarmId,
    /// As its producer gave it.
    pub level: u32,
    /// As the module's table reads the level.
    pub severity: Severity,
    /// In seconds since 1970; 0 if its producer does not say.
    pub raised_at: u32,
    /// How many times it was raised; 0 if its producer does not say.
    pub count: u32,
    /// An operator has seen it.
    pub acknowledged: bool,
}

impl Alarm {
    /// An alarm that no producer wrote: of a module, or with module 0 the daemon's own.
    pub const fn own(module: u32, origin: Origin, id: AlarmId, severity: Severity) -> Alarm {
        let level = default_level(severity);
        Alarm { module, origin, id, level, severity, raised_at: 0, count: 0, acknowledged: false }
    }
}
