//! The vocabulary: modules, alarms and severities. No I/O.
mod levels;

pub use levels::{LEVELS, Levels};

use core::fmt;
use core::num::NonZeroU8;

/// The id of a module, 1 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(NonZeroU8);

impl ModuleId {
    /// The id, if it is 1 to 255.
    pub const fn new(id: u32) -> Option<ModuleId> {
        if id > u8::MAX as u32 {
            return None;
        }
        match NonZeroU8::new(id as u8) {
            Some(id) => Some(ModuleId(id)),
            None => None,
        }
    }

    /// The number, 1 to 255.
    pub const fn get(self) -> u32 {
        self.0.get() as u32
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The longest name of a module or an output, in bytes.
pub const NAME_MAX: usize = 31;

/// A name of a module or an output: 1 to 31 letters, digits, `_`, `-` or `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(heapless::String<NAME_MAX>);

impl Name {
    /// The name, if it is one.
    pub fn new(text: &str) -> Option<Name> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if text.is_empty() || !text.chars().all(fits) {
            return None;
        }
        text.parse().ok().map(Name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The original five words, as slot 0 holds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Record {
    /// Not 0 while the alarm is up.
    pub flag: u32,
    /// What kind of alarm.
    pub kind: u32,
    /// The alarm's code.
    pub code: u32,
    /// How bad, through [`Levels`].
    pub level: u32,
    /// Which of several alike (a port, a fan).
    pub index: u32,
}

/// What makes an alarm this alarm, within its module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlarmId {
    /// `alarm_type`
    pub kind: u32,
    /// `alarm_code`
    pub code: u32,
    /// `alarm_index`
    pub index: u32,
}

impl fmt::Display for AlarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {:#x} code {:#x} index {:#x}", self.kind, self.code, self.index)
    }
}

/// Severity after ITU-T X.733, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Service is lost: act at once.
    Critical,
    /// Service is badly degraded: act urgently.
    Major,
    /// A fault that does not affect service yet.
    Minor,
    /// A sign of a coming fault.
    Warning,
    /// Unknown: shown by every output, so that nothing is lost.
    Indeterminate,
    /// The alarm has ended.
    Cleared,
}

impl Severity {
    /// All six, most severe first.
    pub const ALL: [Severity; 6] = [
        Severity::Critical,
        Severity::Major,
        Severity::Minor,
        Severity::Warning,
        Severity::Indeterminate,
        Severity::Cleared,
    ];

    /// The word of X.733, in lower case.
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
            Severity::Warning => "warning",
            Severity::Indeterminate => "indeterminate",
            Severity::Cleared => "cleared",
        }
    }

    /// The severity with this word.
    pub fn from_word(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.word() == word)
    }

    /// The `alarm_level` that the default table reads as this severity. 0 stands for indeterminate.
    pub const fn default_level(self) -> u32 {
        match self {
            Severity::Critical => 1,
            Severity::Major => 2,
            Severity::Minor => 3,
            Severity::Warning => 4,
            Severity::Indeterminate | Severity::Cleared => 0,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl TryFrom<u32> for Severity {
    type Error = u32;

    /// From the number a status block holds: the position in [`Severity::ALL`].
    fn try_from(number: u32) -> Result<Severity, u32> {
        Severity::ALL.get(number as usize).copied().ok_or(number)
    }
}

/// Where an alarm comes from. Those from `Refused` on are the daemon's own, but for `NoProducer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A slot of its module's segment, 0 to 32.
    Slot(u8),
    /// The module's producer stopped beating.
    Silent,
    /// The module's segment was removed.
    Lost,
    /// The daemon's own: a segment was refused.
    Refused,
    /// The daemon's own: an output failed.
    Failed,
    /// The module's producer has died: it was attached, and is no more.
    NoProducer,
    /// The daemon's own: the configuration was refused when it was read again.
    Configuration,
    /// The daemon's own: its worker died or hung, and another was started.
    Restarted,
    /// The daemon's own: the wall clock went back, as after a suspend.
    Clock,
    /// The daemon's own: there is no memory, or no System V segment, to be had.
    Limit,
}

impl Origin {
    /// All that are no slots, in the order of their numbers, with their words.
    const OTHERS: [(Origin, &'static str); 9] = [
        (Origin::Silent, "silent"),
        (Origin::Lost, "lost"),
        (Origin::Refused, "segment refused"),
        (Origin::Failed, "output failed"),
        (Origin::NoProducer, "no producer"),
        (Origin::Configuration, "configuration refused"),
        (Origin::Restarted, "worker restarted"),
        (Origin::Clock, "clock went back"),
        (Origin::Limit, "limit reached"),
    ];

    /// The number of the first that is no slot.
    const FIRST_OTHER: u32 = 33;

    /// As the status block numbers it: 0 to 32 the slots, 33 silent, and so on.
    pub fn number(self) -> u32 {
        match self {
            Origin::Slot(slot) => slot.into(),
            other => Origin::FIRST_OTHER + Origin::place(other) as u32,
        }
    }

    fn place(self) -> usize {
        Origin::OTHERS.iter().position(|(other, _)| *other == self).unwrap_or(0)
    }

    /// From that number.
    pub fn from_number(number: u32) -> Option<Origin> {
        match number.checked_sub(Origin::FIRST_OTHER) {
            None => Some(Origin::Slot(number as u8)),
            Some(place) => Origin::OTHERS.get(place as usize).map(|(origin, _)| *origin),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Slot(slot) => write!(f, "slot {slot}"),
            other => f.write_str(Origin::OTHERS[other.place()].1),
        }
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
        let level = severity.default_level();
        Alarm { module, origin, id, level, severity, raised_at: 0, count: 0, acknowledged: false }
    }
}

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

    /// True if an operator must look: it is new, worse than what was acknowledged, or nobody knows any more how bad; or it is
    /// another alarm in slot 0.
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

    /// The status block's number: 0 raised, 1 changed, 2 cleared, 3 acknowledged.
    pub const fn number(&self) -> u32 {
        match self {
            Transition::Raised(_) => 0,
            Transition::Changed { .. } => 1,
            Transition::Cleared(_) => 2,
            Transition::Acknowledged(_) => 3,
        }
    }

    /// The words for those numbers.
    pub const WORDS: [&'static str; 4] = ["raised", "changed", "cleared", "acknowledged"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_ids_are_1_to_255() {
        assert_eq!(ModuleId::new(0), None);
        assert_eq!(ModuleId::new(256), None);
        assert_eq!(ModuleId::new(257), None);
        assert_eq!(ModuleId::new(255).map(ModuleId::get), Some(255));
    }

    #[test]
    fn names_that_would_break_a_table_or_a_path_are_refused() {
        for bad in ["", "a b", "a/b", "ü", "a\n", "0123456789012345678901234567890x"] {
            assert_eq!(Name::new(bad), None, "{bad:?}");
        }
        assert!(Name::new("0123456789012345678901234567890").is_some());
    }

    #[test]
    fn every_origin_survives_its_number() {
        for number in 0..42 {
            assert_eq!(Origin::from_number(number).map(Origin::number), Some(number));
        }
        assert_eq!(Origin::from_number(42), None);
        assert_eq!(Origin::from_number(36), Some(Origin::Failed));
    }

    #[test]
    fn every_severity_survives_its_number_and_its_word() {
        for severity in Severity::ALL {
            assert_eq!(Severity::try_from(severity as u32), Ok(severity));
            assert_eq!(Severity::from_word(severity.word()), Some(severity));
        }
        assert_eq!(Severity::try_from(6), Err(6));
    }
}
