//! The reading end, one segment: attach, check, snapshot, re-attach.
//!
//! What can bite: everything in the segment is a claim of whoever may write it, the segment itself may be removed,
//! replaced or owned by a stranger, and a writer may have died inside. A [`Monitor`] keeps its last consistent copy and
//! tells only what differs from it; what it cannot read now it reads in a later round.
mod acknowledged;
mod differences;
mod health;
mod memory;

pub use health::Verdict;

pub use crate::codes::{Role, State};

use core::sync::atomic::Ordering;

use log::warn;

use crate::alarm::{Alarm, AlarmId, Origin, Transition, daemon};
use crate::clock::{self, MS, Nanos, Time};
use crate::codes::DaemonType;
use crate::errno::Errno;
use crate::ftok::KeyError;
use crate::process;
use crate::settings::ModuleSettings;
use crate::sysv::{Id, Key, Segment, Stat};
use crate::wire::{MODULE_MAGIC, ModuleSegment, copy_module, copy_record, copy_words};

use acknowledged::Acknowledged;
use differences::{from_record, from_slot};
use health::Rejection;

/// Does a producer stay attached? One that is there at two checks in a row does: who raises an alarm and leaves does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attended {
    No,
    Once,
    Steadily,
}

/// One segment of one module.
#[derive(Debug)]
pub struct Monitor {
    /// Position of the module in the settings.
    pub module: usize,
    role: Role,
    key: Option<Key>,
    segment: Option<Segment>,
    /// The last consistent copy: what is shown.
    seen: ModuleSegment<u32>,
    /// `seen` stands for a segment that was removed, until somebody writes the new one.
    held: bool,
    /// The next read is the first of a segment that was there before us: what has ended in it, we have not missed.
    first: bool,
    /// The segment was removed while no daemon ran.
    removed: bool,
    /// We made the segment.
    made: bool,
    busy: bool,
    lost: bool,
    silent: bool,
    attended: Attended,
    /// The producer that was attached has died.
    unattended: bool,
    acknowledged: Acknowledged,
    rejection: Option<Rejection>,
    refusal: Option<KeyError>,
    stat: Option<Stat>,
    beat: u32,
    beat_due: Time,
}

impl Monitor {
    /// A monitor that has not looked yet. [`Monitor::check`] attaches it.
    pub fn new(module: usize, role: Role, settings: &ModuleSettings) -> Monitor {
        Monitor {
            module,
            role,
            key: (role == Role::Fixed).then_some(settings.key),
            segment: None,
            seen: ModuleSegment::EMPTY,
            held: false,
            first: true,
            removed: false,
            made: false,
            busy: false,
            lost: false,
            silent: false,
            attended: Attended::No,
            unattended: false,
            acknowledged: Acknowledged::default(),
            rejection: None,
            refusal: None,
            stat: None,
            beat: 0,
            beat_due: Time::NEVER,
        }
    }

    /// True if the monitor, made for `before`, can go on for this module.
    pub fn serves(&self, before: &ModuleSettings, module: &ModuleSettings) -> bool {
        let found_alike = match self.role {
            Role::Fixed => before.key == module.key,
            Role::Ftok | Role::Former => before.ftok == module.ftok,
        };
        before.id == module.id && found_alike
    }

    /// How the segment is found.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The key; `None` where the path gives none.
    pub fn key(&self) -> Option<Key> {
        self.key
    }

    /// The kernel's number of the segment, if attached.
    pub fn id(&self) -> Option<Id> {
        self.segment.as_ref().map(Segment::id)
    }

    /// What the kernel said of the segment at the last check.
    pub fn stat(&self) -> Option<Stat> {
        self.stat
    }

    /// How many others are attached.
    pub fn producers(&self) -> u32 {
        self.stat.map_or(0, |stat| stat.attached.saturating_sub(1))
    }

    /// The process that calls itself the module's main producer, 0 if unknown.
    pub fn owner(&self) -> u32 {
        self.seen.owner
    }

    /// How the segment is.
    pub fn state(&self) -> State {
        if self.key.is_none() {
            State::NoKey
        } else if self.rejection.is_some() {
            State::Refused
        } else if self.busy {
            State::Busy
        } else if self.silent {
            State::Silent
        } else if self.producers() == 0 {
            State::NoProducer
        } else {
            State::Ok
        }
    }

    /// Why the segment was refused; `None` if it was not, or if its owner is not trusted.
    pub fn errno(&self) -> Option<Errno> {
        match (self.rejection, self.refusal) {
            (Some(Rejection::Call(error)), _) => Some(error.errno),
            (Some(Rejection::Large(_)), _) => Some(Errno::E2BIG),
            (None, Some(KeyError::Unusable(errno))) => Some(errno),
            _ => None,
        }
    }

    /// When [`Monitor::check_beat`] wants to be called.
    pub fn beat_due(&self) -> Time {
        self.beat_due
    }

    /// True if nothing has been written since the last read: the whole cost of an idle round. (Somebody wiping the
    /// segment and writing until the sequence is what it was is found by the health check, which reads all of it.)
    #[inline]
    pub fn is_quiet(&self) -> bool {
        let Some(Ok(segment)) = self.segment.as_ref().map(Segment::view::<ModuleSegment>) else {
            return true;
        };
        let mut differs = segment.sequence.load(Ordering::Relaxed) ^ self.seen.sequence;
        for (word, seen) in segment.record.iter().zip(&self.seen.record) {
            differs |= word.load(Ordering::Relaxed) ^ seen;
        }
        differs == 0
    }

    /// Copies the segment and tells what changed.
    pub fn read(&mut self, settings: &ModuleSettings, tell: &mut impl FnMut(Transition)) {
        let Some(Ok(segment)) = self.segment.as_ref().map(Segment::view::<ModuleSegment>) else {
            return;
        };
        let mut copy = self.seen;
        if let Some(record) = copy_record(segment) {
            copy.record = record;
        }
        // Without the magic no new-style producer has written, and the rest may be anything, even somebody else's format.
        let torn = if segment.magic.load(Ordering::Relaxed) == MODULE_MAGIC {
            !copy_module(segment, &mut copy) && !self.copy_inside(settings, segment, &mut copy)
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
            self.set_lost(settings, false, tell);
        }
        if (copy.sequence, copy.record) != (self.seen.sequence, self.seen.record) {
            // Somebody has written: a producer is there, or somebody who knows that none is.
            self.set_unattended(settings, false, tell);
        }
        self.tell_seen(settings, &copy, tell);
        let promise = (copy.beat_ms, copy.owner) != (self.seen.beat_ms, self.seen.owner) || self.first;
        self.seen = copy;
        self.first = false;
        if promise {
            self.set_silent(settings, false, tell);
            self.beat_due = Time::NEVER;
        }
        if self.beat_due == Time::NEVER && copy.beat_ms != 0 {
            // By the clock, for `now` may lag behind it.
            self.beat_due = clock::now() + patience(copy.beat_ms);
            self.beat = copy.beat;
        }
    }

    /// Copies from inside the lock, where nobody else writes, if nobody living is there. This also mends what a dead writer
    /// left: leaving makes the sequence even.
    fn copy_inside(&self, settings: &ModuleSettings, segment: &ModuleSegment, copy: &mut ModuleSegment<u32>) -> bool {
        let holder = segment.lock().holder();
        // Not `producers`: that is up to a second old. Who is not attached any more is not inside either, whatever process
        // has got its id since.
        let alone = || self.segment.as_ref().is_some_and(|s| s.stat().is_ok_and(|stat| stat.attached <= 1));
        let is_gone = |pid| pid == process::me() || process::is_gone(pid) || alone();
        let Ok(_inside) = segment.lock().enter(process::me(), is_gone) else { return false };
        copy_words(segment, copy);
        // As it will be in a moment.
        copy.sequence = copy.sequence.wrapping_add(1);
        if holder.is_some_and(|pid| pid != process::me()) {
            warn!("module {}: a producer died inside the segment; repaired", settings.name);
        }
        true
    }

    /// Has the producer kept its promise? To be called when [`Monitor::beat_due`] has come.
    pub fn check_beat(&mut self, settings: &ModuleSettings, now: Time, tell: &mut impl FnMut(Transition)) {
        if now < self.beat_due {
            return;
        }
        let Some(Ok(segment)) = self.segment.as_ref().map(Segment::view::<ModuleSegment>) else {
            return;
        };
        let beat = segment.beat.load(Ordering::Relaxed);
        let silent = beat == self.beat;
        self.beat = beat;
        self.beat_due = now + patience(self.seen.beat_ms);
        self.set_silent(settings, silent, tell);
    }

    /// Tells what differs from `seen`; what is new, worse or over is acknowledged no more.
    fn tell_seen(&mut self, module: &ModuleSettings, copy: &ModuleSegment<u32>, tell: &mut impl FnMut(Transition)) {
        let mut acknowledged = self.acknowledged;
        self.tell_differences(module, copy, &mut |transition| {
            acknowledged.note(&transition);
            tell(transition);
        });
        self.acknowledged = acknowledged;
    }

    /// An operator has seen all alarms of this segment.
    pub fn acknowledge(&mut self, settings: &ModuleSettings, tell: &mut impl FnMut(Transition)) {
        let mut acknowledged = self.acknowledged;
        self.each_active(settings, &mut |alarm| {
            if !alarm.acknowledged {
                let transition = Transition::Acknowledged(Alarm { acknowledged: true, ..alarm });
                acknowledged.note(&transition);
                tell(transition);
            }
        });
        self.acknowledged = acknowledged;
    }

    /// Every alarm of this segment that is active now.
    pub fn each_active(&self, settings: &ModuleSettings, tell: &mut impl FnMut(Alarm)) {
        let mut tell = |alarm: Alarm| tell(Alarm { acknowledged: self.acknowledged.has(alarm.origin), ..alarm });
        let record = self.seen.record();
        if record.flag != 0 {
            tell(from_record(settings, record));
        }
        for (number, slot) in self.seen.slots.iter().enumerate().filter(|(_, slot)| slot.flag != 0) {
            tell(from_slot(settings, number, slot));
        }
        let own = [(self.silent, Origin::Silent), (self.lost, Origin::Lost), (self.unattended, Origin::NoProducer)];
        for (_, origin) in own.into_iter().filter(|(active, _)| *active) {
            tell(self.own(settings, origin));
        }
        if let Some(rejection) = self.rejection {
            tell(self.own(settings, rejection.origin()));
        }
    }

    /// Ends every alarm of this segment, for a module that is watched no more.
    pub fn forget(&mut self, settings: &ModuleSettings, tell: &mut impl FnMut(Transition)) {
        self.each_active(settings, &mut |alarm| tell(Transition::Cleared(alarm)));
        *self = Monitor::new(self.module, self.role, settings);
    }

    /// True while a slot shows an alarm.
    pub fn is_up(&self) -> bool {
        self.seen.record[0] != 0 || self.seen.slots.iter().any(|slot| slot.flag != 0)
    }

    fn set_silent(&mut self, module: &ModuleSettings, silent: bool, tell: &mut impl FnMut(Transition)) {
        if core::mem::replace(&mut self.silent, silent) != silent {
            self.tell_own(module, Origin::Silent, silent, tell);
        }
    }

    fn set_lost(&mut self, module: &ModuleSettings, lost: bool, tell: &mut impl FnMut(Transition)) {
        if core::mem::replace(&mut self.lost, lost) != lost {
            self.tell_own(module, Origin::Lost, lost, tell);
        }
    }

    fn set_unattended(&mut self, module: &ModuleSettings, unattended: bool, tell: &mut impl FnMut(Transition)) {
        if core::mem::replace(&mut self.unattended, unattended) != unattended {
            self.tell_own(module, Origin::NoProducer, unattended, tell);
        }
    }

    fn tell_own(&mut self, module: &ModuleSettings, origin: Origin, up: bool, tell: &mut impl FnMut(Transition)) {
        let alarm = self.own(module, origin);
        let transition = if up { Transition::Raised(alarm) } else { Transition::Cleared(alarm) };
        self.acknowledged.note(&transition);
        tell(transition);
    }

    /// An alarm that no producer wrote. A refused segment is the daemon's own: code is the module, index the role.
    fn own(&self, module: &ModuleSettings, origin: Origin) -> Alarm {
        let (code, index) = (module.id.get(), self.role as u32);
        match origin {
            Origin::Refused => daemon::alarm(DaemonType::Refused, code, index),
            Origin::Limit => daemon::alarm(DaemonType::Limit, code, index),
            _ => Alarm::own(code, origin, AlarmId { kind: 0, code: 0, index }, module.beat),
        }
    }
}

/// How long after a look at the beat the next one comes: a producer that keeps its promise has beaten by then. A promise
/// below 10 ms is taken for 10.
fn patience(beat_ms: u32) -> Nanos {
    Nanos::from(beat_ms.max(10)) * MS * 3 / 2
}
