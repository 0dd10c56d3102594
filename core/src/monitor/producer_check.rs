//! Whether the producer is there: attached, and keeping its promise to beat. And what happens when its segment goes.
use core::sync::atomic::Ordering;

use super::presence::{Presence, beat_timeout};
use super::reader::Monitor;
use super::settings::ModuleSettings;
use crate::alarm::{Origin, Transition};
use crate::clock::Time;
use crate::codes::OnLost;
use crate::sysv::Segment;
use crate::wire::{MODULE_MAGIC, ModuleSegment};

impl Monitor {
    /// Reports `no producer` when a producer that stayed attached is not there any more: an old one always, a new one if it
    /// left an alarm. One that promised to beat is covered by `silent`.
    pub(super) fn check_presence(&mut self, module: &ModuleSettings, report: &mut dyn FnMut(Transition)) {
        if self.rejection.is_some() {
            return;
        }
        if self.producers() > 0 {
            self.presence = if self.presence == Presence::None { Presence::Once } else { Presence::Steady };
            self.set_producer_missing(module, false, report);
        } else {
            let is_missed = self.is_up() || self.seen.magic != MODULE_MAGIC && self.seen.beat_ms == 0;
            if self.presence == Presence::Steady && is_missed {
                self.set_producer_missing(module, true, report);
            }
            self.presence = Presence::None;
        }
    }

    /// Checks whether the producer has kept its promise. To be called when [`Monitor::beat_due`] has come.
    pub fn check_beat(&mut self, module: &ModuleSettings, now: Time, report: &mut dyn FnMut(Transition)) {
        if now < self.beat_due {
            return;
        }
        let Some(segment) = self.segment.as_ref().and_then(Segment::view::<ModuleSegment>) else { return };
        let beat = segment.beat.load(Ordering::Relaxed);
        let silent = beat == self.beat;
        self.beat = beat;
        self.beat_due = now + beat_timeout(self.seen.beat_ms);
        self.set_silent(module, silent, report);
    }

    /// The segment was removed: its alarms end as `on_lost` says.
    pub(super) fn lose(&mut self, module: &ModuleSettings, report: &mut dyn FnMut(Transition)) {
        self.unread = true;
        self.busy = false;
        self.beat_due = Time::NEVER;
        self.presence = Presence::None;
        self.set_silent(module, false, report);
        self.set_producer_missing(module, false, report);
        match module.on_lost {
            OnLost::Hold => self.held = true,
            OnLost::Clear => self.end_all(module, report),
            OnLost::Raise => {
                self.end_all(module, report);
                self.set_lost(module, true, report);
            }
        }
    }

    fn end_all(&mut self, module: &ModuleSettings, report: &mut dyn FnMut(Transition)) {
        self.report_seen(module, &ModuleSegment::EMPTY, report);
        self.seen = ModuleSegment::EMPTY;
    }

    pub(super) fn set_silent(&mut self, module: &ModuleSettings, silent: bool, report: &mut dyn FnMut(Transition)) {
        if core::mem::replace(&mut self.silent, silent) != silent {
            self.report_condition(module, Origin::Silent, silent, report);
        }
    }

    pub(super) fn set_lost(&mut self, module: &ModuleSettings, lost: bool, report: &mut dyn FnMut(Transition)) {
        if core::mem::replace(&mut self.lost, lost) != lost {
            self.report_condition(module, Origin::Lost, lost, report);
        }
    }

    pub(super) fn set_producer_missing(
        &mut self,
        module: &ModuleSettings,
        missing: bool,
        report: &mut dyn FnMut(Transition),
    ) {
        if core::mem::replace(&mut self.producer_missing, missing) != missing {
            self.report_condition(module, Origin::NoProducer, missing, report);
        }
    }
}
