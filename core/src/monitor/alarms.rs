//! The alarms of a segment: those that are seen, and the conditions that no producer wrote.
use super::differences::{from_record, from_slot};
use super::reader::Monitor;
use super::settings::ModuleSettings;
use crate::alarm::{Alarm, AlarmId, Origin, Transition, daemon};
use crate::codes::DaemonAlarmType;
use crate::wire::ModuleSegment;

impl Monitor {
    /// Reports what differs from `seen`. An alarm that is new, more severe or cleared is not acknowledged any more.
    pub(super) fn report_seen(
        &mut self,
        module: &ModuleSettings,
        copy: &ModuleSegment<u32>,
        report: &mut dyn FnMut(Transition),
    ) {
        let mut acknowledged = self.acknowledged;
        self.report_differences(module, copy, &mut |transition| {
            acknowledged.note(&transition);
            report(transition);
        });
        self.acknowledged = acknowledged;
    }

    /// An operator has acknowledged all alarms of this segment.
    pub fn acknowledge(&mut self, module: &ModuleSettings, report: &mut dyn FnMut(Transition)) {
        let mut acknowledged = self.acknowledged;
        self.each_active(module, &mut |alarm| {
            if !alarm.acknowledged {
                let transition = Transition::Acknowledged(Alarm { acknowledged: true, ..alarm });
                acknowledged.note(&transition);
                report(transition);
            }
        });
        self.acknowledged = acknowledged;
    }

    /// Every alarm of this segment that is active now.
    pub fn each_active(&self, module: &ModuleSettings, report: &mut dyn FnMut(Alarm)) {
        let mut report = |alarm: Alarm| report(Alarm { acknowledged: self.acknowledged.has(alarm.origin), ..alarm });
        let record = self.seen.record();
        if record.flag != 0 {
            report(from_record(module, record));
        }
        for (number, slot) in self.seen.slots.iter().enumerate().filter(|(_, slot)| slot.flag != 0) {
            report(from_slot(module, number, slot));
        }
        let own =
            [(self.silent, Origin::Silent), (self.lost, Origin::Lost), (self.producer_missing, Origin::NoProducer)];
        for (_, origin) in own.into_iter().filter(|(active, _)| *active) {
            report(self.condition(module, origin));
        }
        if let Some(rejection) = self.rejection {
            report(self.condition(module, rejection.origin()));
        }
    }

    /// Ends every alarm of this segment, for a module that is not watched any more.
    pub fn forget(&mut self, module: &ModuleSettings, report: &mut dyn FnMut(Transition)) {
        self.each_active(module, &mut |alarm| report(Transition::Cleared(alarm)));
        *self = Monitor::new(self.role, module);
    }

    /// True while a slot shows an alarm.
    pub fn is_up(&self) -> bool {
        self.seen.record[0] != 0 || self.seen.slots.iter().any(|slot| slot.flag != 0)
    }

    pub(super) fn report_condition(
        &mut self,
        module: &ModuleSettings,
        origin: Origin,
        up: bool,
        report: &mut dyn FnMut(Transition),
    ) {
        let alarm = self.condition(module, origin);
        let transition = if up { Transition::Raised(alarm) } else { Transition::Cleared(alarm) };
        self.acknowledged.note(&transition);
        report(transition);
    }

    /// An alarm that no producer wrote. A refused segment is the daemon's own: code is the module, index the role.
    fn condition(&self, module: &ModuleSettings, origin: Origin) -> Alarm {
        let (code, index) = (module.id.get(), self.role as u32);
        match origin {
            Origin::Refused => daemon::alarm(DaemonAlarmType::Refused, code, index),
            Origin::Limit => daemon::alarm(DaemonAlarmType::Limit, code, index),
            _ => Alarm::own(code, origin, AlarmId { alarm_type: 0, code: 0, index }, module.beat),
        }
    }
}
