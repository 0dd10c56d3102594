//! One segment: attached, and read whole.
use core::sync::atomic::Ordering;

use log::warn;

use super::acknowledged::Acknowledged;
use super::presence::{Presence, beat_timeout};
use super::refusal::Rejection;
use super::settings::ModuleSettings;
use crate::alarm::{ModuleId, Transition};
use crate::clock::{self, Time};
use crate::codes::{SegmentRole, SegmentState};
use crate::ftok::KeyError;
use crate::process;
use crate::repeats::Repeats;
use crate::sysv::{Id, Key, Segment, Stat};
use crate::wire::{MODULE_MAGIC, ModuleSegment, copy_module, copy_record, copy_words};

/// One segment of one module.
#[derive(Debug)]
pub struct Monitor {
    pub(super) module: ModuleId,
    pub(super) role: SegmentRole,
    pub(super) key: Option<Key>,
    pub(super) segment: Option<Segment>,
    /// The last consistent copy: what is shown.
    pub(super) seen: ModuleSegment<u32>,
    /// `seen` stands for a segment that was removed, until a producer writes the new one.
    pub(super) held: bool,
    /// The next read is the first of a segment that existed before: what has ended in it was not missed.
    pub(super) unread: bool,
    /// The segment was removed while no daemon ran.
    pub(super) removed: bool,
    /// The daemon created the segment.
    pub(super) created: bool,
    pub(super) busy: bool,
    pub(super) lost: bool,
    pub(super) silent: bool,
    pub(super) presence: Presence,
    /// The producer that was attached is not any more.
    pub(super) producer_missing: bool,
    pub(super) acknowledged: Acknowledged,
    pub(super) rejection: Option<Rejection>,
    /// Why the path gives no key.
    pub(super) key_error: Option<KeyError>,
    pub(super) stat: Option<Stat>,
    pub(super) beat: u32,
    pub(super) beat_due: Time,
    pub(super) mode_changes: Repeats,
}

impl Monitor {
    /// A monitor without a segment. [`Monitor::check`] attaches it.
    pub fn new(role: SegmentRole, module: &ModuleSettings) -> Monitor {
        Monitor {
            module: module.id,
            role,
            key: (role == SegmentRole::Fixed).then_some(module.key),
            segment: None,
            seen: ModuleSegment::EMPTY,
            held: false,
            unread: true,
            removed: false,
            created: false,
            busy: false,
            lost: false,
            silent: false,
            presence: Presence::None,
            producer_missing: false,
            acknowledged: Acknowledged::default(),
            rejection: None,
            key_error: None,
            stat: None,
            beat: 0,
            beat_due: Time::NEVER,
            mode_changes: Repeats::default(),
        }
    }

    /// The module that it belongs to.
    pub fn module(&self) -> ModuleId {
        self.module
    }

    /// True if the monitor, made for `before`, can serve this module.
    pub fn serves(&self, before: &ModuleSettings, module: &ModuleSettings) -> bool {
        let found_alike = match self.role {
            SegmentRole::Fixed => before.key == module.key,
            SegmentRole::Ftok | SegmentRole::Former => before.ftok == module.ftok,
        };
        before.id == module.id && found_alike
    }

    /// How the segment is found.
    pub fn role(&self) -> SegmentRole {
        self.role
    }

    /// The key; `None` where the path gives none.
    pub fn key(&self) -> Option<Key> {
        self.key
    }

    /// The kernel's id of the segment, if attached.
    pub fn id(&self) -> Option<Id> {
        self.segment.as_ref().map(Segment::id)
    }

    /// What the kernel said of the segment at the last check.
    pub fn stat(&self) -> Option<Stat> {
        self.stat
    }

    /// How many other processes are attached.
    pub fn producers(&self) -> u32 {
        self.stat.map_or(0, |stat| stat.attached.saturating_sub(1))
    }

    /// The process that calls itself the module's main producer, 0 if unknown.
    pub fn owner(&self) -> u32 {
        self.seen.owner
    }

    /// How the segment is.
    pub fn state(&self) -> SegmentState {
        if self.key.is_none() {
            SegmentState::NoKey
        } else if self.rejection.is_some() {
            SegmentState::Refused
        } else if self.busy {
            SegmentState::Busy
        } else if self.silent {
            SegmentState::Silent
        } else if self.producers() == 0 {
            SegmentState::NoProducer
        } else {
            SegmentState::Ok
        }
    }

    /// When [`Monitor::check_beat`] wants to be called.
    pub fn beat_due(&self) -> Time {
        self.beat_due
    }

    /// True if nothing was written since the last read: the whole cost of an idle round. (A writer that restores the old
    /// sequence number is detected by the health check, which reads all of the segment.)
    #[inline]
    pub fn is_quiet(&self) -> bool {
        let Some(segment) = self.segment.as_ref().and_then(Segment::view::<ModuleSegment>) else { return true };
        let mut differs = segment.sequence.load(Ordering::Relaxed) ^ self.seen.sequence;
        for (word, seen) in segment.record.iter().zip(&self.seen.record) {
            differs |= word.load(Ordering::Relaxed) ^ seen;
        }
        differs == 0
    }

    /// Copies the segment and reports what changed.
    pub fn read(&mut self, module: &ModuleSettings, report: &mut dyn FnMut(Transition)) {
        let Some(segment) = self.segment.as_ref().and_then(Segment::view::<ModuleSegment>) else { return };
        let mut copy = self.seen;
        if let Some(record) = copy_record(segment) {
            copy.record = record;
        }
        // Without the magic no new-style producer has written, and the rest may have any other format.
        let torn = if segment.magic.load(Ordering::Relaxed) == MODULE_MAGIC {
            !copy_module(segment, &mut copy) && !self.copy_locked(module, segment, &mut copy)
        } else {
            copy = ModuleSegment { record: copy.record, ..ModuleSegment::EMPTY };
            copy.sequence = segment.sequence.load(Ordering::Relaxed);
            false
        };
        // What was not copied whole stays as it was seen.
        if torn {
            copy = ModuleSegment { record: copy.record, ..self.seen };
        }
        self.busy = torn;
        if self.held {
            if copy.record == [0; 5] && copy.magic == 0 {
                self.seen.sequence = copy.sequence;
                return;
            }
            self.held = false;
        }
        if copy.record().flag != 0 || copy.slots.iter().any(|slot| slot.flag != 0) {
            self.set_lost(module, false, report);
        }
        if (copy.sequence, copy.record) != (self.seen.sequence, self.seen.record) {
            // A process has written: the producer, or an operator who knows that it is missing.
            self.set_producer_missing(module, false, report);
        }
        self.report_seen(module, &copy, report);
        let promise = (copy.beat_ms, copy.owner) != (self.seen.beat_ms, self.seen.owner) || self.unread;
        self.seen = copy;
        self.unread = false;
        if promise {
            self.set_silent(module, false, report);
            self.beat_due = Time::NEVER;
        }
        if self.beat_due == Time::NEVER && copy.beat_ms != 0 {
            // By the clock, for `now` may lag behind it.
            self.beat_due = clock::now() + beat_timeout(copy.beat_ms);
            self.beat = copy.beat;
        }
    }

    /// Copies while holding the lock, if no living process holds it. This also repairs what a dead writer left: releasing
    /// the lock makes the sequence even.
    pub(super) fn copy_locked(
        &self,
        module: &ModuleSettings,
        segment: &ModuleSegment,
        copy: &mut ModuleSegment<u32>,
    ) -> bool {
        let holder = segment.lock().holder();
        // Not `producers`, which is up to a second old. A process that is not attached does not hold the lock either,
        // whatever process has its id now.
        let alone = || self.segment.as_ref().is_some_and(|s| s.stat().is_ok_and(|stat| stat.attached <= 1));
        let is_gone = |pid| pid == process::me() || process::is_gone(pid) || alone();
        let Ok(_guard) = segment.lock().acquire(process::me(), is_gone) else { return false };
        copy_words(segment, copy);
        // As it is after the lock is released.
        copy.sequence = copy.sequence.wrapping_add(1);
        if holder.is_some_and(|pid| pid != process::me()) {
            warn!("module {}: a producer died while it held the lock; lock released", module.name);
        }
        true
    }
}
