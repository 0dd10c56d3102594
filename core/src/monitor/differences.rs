//! What differs between what was seen and a new copy, as transitions.
use super::Monitor;
use crate::alarm::{Alarm, AlarmId, Origin, Record, Transition};
use crate::settings::ModuleSettings;
use crate::wire::{ModuleSegment, Slot};

impl Monitor {
    /// Tells what happened to each alarm between `seen` and `copy`.
    pub(super) fn tell_differences(
        &self,
        module: &ModuleSettings,
        copy: &ModuleSegment<u32>,
        tell: &mut impl FnMut(Transition),
    ) {
        let (old, new) = (self.seen.record(), copy.record());
        let (was, is) = (from_record(module, old), from_record(module, new));
        match (old.flag != 0, new.flag != 0) {
            (false, true) => tell(Transition::Raised(is)),
            (true, false) => tell(Transition::Cleared(was)),
            // Slot 0 is one alarm, whatever its words say.
            (true, true) if was != is => tell(Transition::Changed { from: was, to: is }),
            _ => {}
        }
        for (number, (old, new)) in self.seen.slots.iter().zip(&copy.slots).enumerate() {
            if old == new {
                continue;
            }
            let (was, is) = (from_slot(module, number, old), from_slot(module, number, new));
            match (old.flag != 0, new.flag != 0) {
                (false, true) => tell(Transition::Raised(is)),
                (true, false) if was.id == is.id || new.count == 0 => tell(Transition::Cleared(was)),
                // Cleared, and another raised and cleared in its slot.
                (true, false) => {
                    tell(Transition::Cleared(was));
                    tell(Transition::Raised(is));
                    tell(Transition::Cleared(is));
                }
                // Raised again while it was up, which leaves its time.
                (true, true) if (was.id, was.raised_at) == (is.id, is.raised_at) => {
                    tell(Transition::Changed { from: was, to: is });
                }
                (true, true) => {
                    tell(Transition::Cleared(was));
                    tell(Transition::Raised(is));
                }
                // Raised and cleared between two rounds. Count 0: never raised, only half written by one who died.
                (false, false) if !self.first && new.count != 0 && (was.id, was.count) != (is.id, is.count) => {
                    tell(Transition::Raised(is));
                    tell(Transition::Cleared(is));
                }
                _ => {}
            }
        }
    }
}

/// Slot 0.
pub(super) fn from_record(module: &ModuleSettings, record: Record) -> Alarm {
    Alarm {
        module: module.id.get(),
        origin: Origin::Slot(0),
        id: AlarmId { kind: record.kind, code: record.code, index: record.index },
        level: record.level,
        severity: module.levels.severity(record.level),
        raised_at: 0,
        count: 0,
        acknowledged: false,
    }
}

/// A slot by its position, 0 for slot 1.
pub(super) fn from_slot(module: &ModuleSettings, position: usize, slot: &Slot<u32>) -> Alarm {
    Alarm {
        module: module.id.get(),
        origin: Origin::Slot(position as u8 + 1),
        id: slot.id(),
        level: slot.level,
        severity: module.levels.severity(slot.level),
        raised_at: slot.raised_at,
        count: slot.count,
        acknowledged: false,
    }
}
