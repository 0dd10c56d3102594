//! What differs between what was seen and a new copy, as transitions.
use super::reader::Monitor;
use super::settings::ModuleSettings;
use crate::alarm::{Alarm, Origin, Record, Transition};

use crate::wire::{ModuleSegment, Slot};

impl Monitor {
    /// Reports what happened to each alarm between `seen` and `copy`.
    pub(super) fn report_differences(
        &self,
        module: &ModuleSettings,
        copy: &ModuleSegment<u32>,
        report: &mut dyn FnMut(Transition),
    ) {
        let (old, new) = (self.seen.record(), copy.record());
        let (was, is) = (from_record(module, old), from_record(module, new));
        match (old.flag != 0, new.flag != 0) {
            (false, true) => report(Transition::Raised(is)),
            (true, false) => report(Transition::Cleared(was)),
            // Slot 0 is one alarm, whatever its words say.
            (true, true) if was != is => report(Transition::Changed { from: was, to: is }),
            _ => {}
        }
        for (number, (old, new)) in self.seen.slots.iter().zip(&copy.slots).enumerate() {
            if old == new {
                continue;
            }
            let (was, is) = (from_slot(module, number, old), from_slot(module, number, new));
            match (old.flag != 0, new.flag != 0) {
                (false, true) => report(Transition::Raised(is)),
                (true, false) if was.id == is.id || new.count == 0 => report(Transition::Cleared(was)),
                // Cleared, and another alarm raised and cleared in its slot.
                (true, false) => {
                    report(Transition::Cleared(was));
                    report(Transition::Raised(is));
                    report(Transition::Cleared(is));
                }
                // Raised again while it was up, which leaves its time.
                (true, true) if (was.id, was.raised_at) == (is.id, is.raised_at) => {
                    report(Transition::Changed { from: was, to: is });
                }
                (true, true) => {
                    report(Transition::Cleared(was));
                    report(Transition::Raised(is));
                }
                // Raised and cleared between two rounds. Count 0: never raised, only partly written by a producer that died.
                (false, false) if !self.unread && new.count != 0 && (was.id, was.count) != (is.id, is.count) => {
                    report(Transition::Raised(is));
                    report(Transition::Cleared(is));
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
        id: record.id(),
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
