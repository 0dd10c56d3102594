//! The reading end, one segment: attach, check, snapshot, re-attach.
//!
//! What can bite: everything in the segment is a claim of whoever may write it, the segment itself may be removed,
//! replaced or owned by a stranger, and a writer may have died inside. A [`Monitor`] keeps its last consistent copy and
//! tells only what differs from it; what it cannot read now it reads in a later round.
use core::mem::size_of;
use core::sync::atomic::Ordering;

use log::{error, info, warn};

use crate::alarm::{Alarm, AlarmId, Origin, Record, Severity, Transition};
use crate::clock::{self, MS, Nanos, Time};
use crate::process;
use crate::settings::{ModuleSettings, OnLost, Settings};
use crate::sysv::{Access, Errno, Error, Id, Key, Op, Refusal, Segment, Stat};
use crate::wire::{MODULE_MAGIC, ModuleSegment, Slot, copy_module, copy_record, copy_words};

/// How a module's segment is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// By the module's own key.
    Fixed,
    /// By the key old producers compute from a path.
    Ftok,
    /// The path led here before; somebody is still attached.
    Former,
}

impl Role {
    /// All three, as the status block numbers them.
    pub const ALL: [Role; 3] = [Role::Fixed, Role::Ftok, Role::Former];

    /// For messages and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Fixed => "fixed",
            Role::Ftok => "ftok",
            Role::Former => "former",
        }
    }
}

/// How a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Read, and somebody else is attached.
    Ok,
    /// Nothing else is attached: its producer has left or died.
    NoProducer,
    /// Its producer promised to beat and does not.
    Silent,
    /// A writer is inside and does not leave: slots 1 to 32 are shown as they were.
    Busy,
    /// Not ours to read: see `errno`.
    Refused,
    /// The ftok path gives no key.
    NoKey,
}

impl State {
    /// All of them, as the status block numbers them.
    pub const ALL: [State; 6] =
        [State::Ok, State::NoProducer, State::Silent, State::Busy, State::Refused, State::NoKey];

    /// For messages and tables.
    pub const fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::NoProducer => "no producer",
            State::Silent => "silent",
            State::Busy => "busy",
            State::Refused => "refused",
            State::NoKey => "no key",
        }
    }
}

/// Why a segment is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejection {
    Call(Error),
    Untrusted(u32),
}

/// What a check decided about the monitor itself.
#[allow(clippy::large_enum_variant)] // made at most once a second, and there is no heap to put it on
pub enum Verdict {
    /// It goes on.
    Stay,
    /// Nobody needs it any more.
    Leave,
    /// Its path leads elsewhere now, and somebody still uses where it led before: a monitor for that.
    Split(Monitor),
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
    /// The next read is the first of this segment.
    first: bool,
    /// We made the segment.
    made: bool,
    busy: bool,
    lost: bool,
    silent: bool,
    rejection: Option<Rejection>,
    refusal: Option<Refusal>,
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
            made: false,
            busy: false,
            lost: false,
            silent: false,
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
            (None, Some(Refusal::Unusable(errno))) => Some(errno),
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
        self.tell_differences(settings, &copy, tell);
        let promise = (copy.beat_ms, copy.owner) != (self.seen.beat_ms, self.seen.owner) || self.first;
        self.seen = copy;
        self.first = false;
        if promise {
            self.beat = copy.beat;
            self.set_silent(settings, false, tell);
            self.beat_due = match copy.beat_ms {
                0 => Time::NEVER,
                // By the clock, for `now` may lag behind it.
                beat_ms => clock::now() + patience(beat_ms),
            };
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

    /// The health check: is the key still this segment, is it removed, how many are attached, who owns it, how large is
    /// it? Attaches, re-attaches, creates, refuses. `taken` knows the keys of other segments.
    pub fn check(
        &mut self,
        settings: &Settings,
        taken: impl Fn(Key) -> bool,
        tell: &mut impl FnMut(Transition),
    ) -> Verdict {
        let module = &settings.modules[self.module];
        let mut verdict = Verdict::Stay;
        match self.role {
            Role::Fixed => {}
            Role::Ftok => {
                if let Some(former) = self.follow_path(module, taken, tell) {
                    verdict = Verdict::Split(former);
                }
            }
            Role::Former => {
                self.stat = self.segment.as_ref().and_then(|segment| segment.stat().ok());
                let removed = self.stat.is_none_or(|stat| stat.destroyed);
                // An alarm stays though its producer has died, as in any segment.
                if removed || (self.producers() == 0 && !self.is_up()) {
                    info!("module {}: nobody uses the former ftok segment any more", module.name);
                    if let Some(segment) = self.segment.as_ref().filter(|_| self.made && !removed) {
                        // Its path leads elsewhere: nobody would ever find it.
                        let _ = segment.id().remove();
                    }
                    self.forget(module, tell);
                    return Verdict::Leave;
                }
                self.read(module, tell);
                return verdict;
            }
        }
        let had_producer = self.producers() > 0;
        if let Some(key) = self.key {
            let mut found = self.look_up(settings, module, key, tell);
            // Somebody may make or remove it between two of our calls; a storm of that waits for the next check.
            for _ in 0..8 {
                match found {
                    Err(Rejection::Call(Error { op: Op::Create, errno: Errno::EEXIST }))
                    | Err(Rejection::Call(Error {
                        op: Op::Stat | Op::Attach | Op::Set,
                        errno: Errno::EIDRM | Errno::EINVAL,
                    })) => {
                        found = self.look_up(settings, module, key, tell);
                    }
                    _ => break,
                }
            }
            match found {
                Ok(()) => self.reject(module, None, tell),
                Err(rejection) => {
                    if self.segment.take().is_some() {
                        self.lose(module, tell);
                    }
                    self.reject(module, Some(rejection), tell);
                }
            }
        }
        if self.producers() > 0 && self.rejection.is_none() {
            self.set_lost(module, false, tell);
        } else if had_producer && self.is_up() {
            warn!("module {}: no producer is attached any more; its alarms stay", module.name);
        }
        self.release(module);
        self.read(module, tell);
        verdict
    }

    /// Takes the name of a dead writer out of the segment, who died before its first or after its last store.
    fn release(&self, module: &ModuleSettings) {
        let Some(Ok(segment)) = self.segment.as_ref().map(Segment::view::<ModuleSegment>) else { return };
        let ours = segment.magic.load(Ordering::Relaxed) == MODULE_MAGIC;
        if ours && segment.lock().holder().is_some() {
            self.copy_inside(module, segment, &mut ModuleSegment::EMPTY.clone());
        }
    }

    /// Every alarm of this segment that is active now.
    pub fn each_active(&self, settings: &ModuleSettings, tell: &mut impl FnMut(Alarm)) {
        let record = self.seen.record();
        if record.flag != 0 {
            tell(from_record(settings, record));
        }
        for (number, slot) in self.seen.slots.iter().enumerate().filter(|(_, slot)| slot.flag != 0) {
            tell(from_slot(settings, number, slot));
        }
        let own =
            [(self.silent, Origin::Silent), (self.lost, Origin::Lost), (self.rejection.is_some(), Origin::Refused)];
        for (_, origin) in own.into_iter().filter(|(active, _)| *active) {
            tell(self.own(settings, origin));
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

    /// Makes `self.segment` the one with this key.
    fn look_up(
        &mut self,
        settings: &Settings,
        module: &ModuleSettings,
        key: Key,
        tell: &mut impl FnMut(Transition),
    ) -> Result<(), Rejection> {
        self.stat = None;
        let found = match Segment::find(key) {
            Ok(id) => Some(id),
            Err(Error { errno: Errno::ENOENT, .. }) => None,
            Err(error) => return Err(Rejection::Call(error)),
        };
        let had = self.id();
        if found.is_none() || found != had {
            // Not `open_or_create`: a segment that appears meanwhile must pass the checks below as every other.
            let segment = match found {
                Some(id) => {
                    self.examine(settings, id)?;
                    Segment::attach_id(id, size_of::<ModuleSegment>(), Access::ReadWrite)
                }
                None => Segment::create(key, size_of::<ModuleSegment>(), settings.mode).and_then(|segment| {
                    segment.set_permissions(settings.mode, settings.group)?;
                    Ok(segment)
                }),
            };
            let segment = segment.map_err(Rejection::Call)?;
            let (name, id) = (&module.name, segment.id().raw());
            match (had, found) {
                (None, None) => info!("module {name}: made segment {id} under key {key}"),
                (None, Some(_)) => info!("module {name}: attached segment {id} under key {key}"),
                (Some(_), None) => warn!("module {name}: the segment was removed; made segment {id} under key {key}"),
                (Some(_), Some(_)) => warn!("module {name}: key {key} leads to segment {id} now; moved to it"),
            }
            self.segment = Some(segment);
            self.first = true;
            self.made = found.is_none();
            match (had, found) {
                (Some(_), None) => self.lose(module, tell),
                (Some(_), Some(_)) => {
                    // What is in both is one alarm that goes on: the new segment is read against what was seen.
                    self.beat_due = Time::NEVER;
                    self.set_silent(module, false, tell);
                    self.held = module.on_lost == OnLost::Hold;
                    self.set_lost(module, module.on_lost == OnLost::Raise, tell);
                }
                _ => {}
            }
        }
        match self.id() {
            Some(id) => self.examine(settings, id),
            None => Ok(()),
        }
    }

    /// Is this segment fit to be read?
    fn examine(&mut self, settings: &Settings, id: Id) -> Result<(), Rejection> {
        let stat = id.stat().map_err(Rejection::Call)?;
        self.stat = Some(stat);
        // Our own are trusted whatever the list says.
        let trusted = |uid| settings.trust.is_empty() || settings.trust.contains(&uid) || uid == process::user();
        if let Some(stranger) = [stat.uid, stat.creator].into_iter().find(|uid| !trusted(*uid)) {
            return Err(Rejection::Untrusted(stranger));
        }
        if stat.size < size_of::<ModuleSegment>() {
            return Err(Rejection::Call(Error { op: Op::Get, errno: Errno::EINVAL }));
        }
        Ok(())
    }

    /// Computes the path's key again. Gives a monitor for where the path led before if somebody is still there.
    fn follow_path(
        &mut self,
        module: &ModuleSettings,
        taken: impl Fn(Key) -> bool,
        tell: &mut impl FnMut(Transition),
    ) -> Option<Monitor> {
        let path = module.ftok.as_ref()?;
        let (name, shown) = (&module.name, path.as_str());
        let key = match Key::from_path(path.as_c_str(), module.id) {
            Ok(key) if taken(key) => Err(Refusal::Taken),
            other => other,
        };
        let key = match key {
            Ok(key) => key,
            Err(refusal) => {
                if refusal == Refusal::Taken && self.key.is_some() {
                    // Another module was given this key since: what stands there is that module's.
                    self.forget(module, tell);
                }
                if self.refusal != Some(refusal) {
                    match self.key {
                        None => {
                            warn!("module {name}: ftok = {shown}: {refusal}; the fixed key {} alone serves", module.key)
                        }
                        Some(key) => warn!("module {name}: ftok = {shown}: {refusal}; key {key} is watched on"),
                    }
                    self.refusal = Some(refusal);
                }
                return None;
            }
        };
        if self.refusal.take().is_some() {
            info!("module {name}: ftok = {shown}: usable now");
        }
        if self.key == Some(key) {
            return None;
        }
        let mut fresh = Monitor::new(self.module, Role::Ftok, module);
        fresh.key = Some(key);
        let Some(old) = self.key else {
            *self = fresh;
            return None;
        };
        warn!("module {name}: ftok = {shown}: the key moved from {old} to {key}; following");
        let attached = self.segment.as_ref().and_then(|segment| segment.stat().ok()).map_or(0, |stat| stat.attached);
        if attached > 1 || self.is_up() && self.segment.is_some() {
            let mut former = core::mem::replace(self, fresh);
            former.role = Role::Former;
            return Some(former);
        }
        self.lose(module, tell);
        fresh.seen = self.seen;
        fresh.held = self.held;
        fresh.lost = self.lost;
        fresh.rejection = self.rejection;
        *self = fresh;
        None
    }

    /// The segment was removed: its alarms end as `on_lost` says.
    fn lose(&mut self, module: &ModuleSettings, tell: &mut impl FnMut(Transition)) {
        self.first = true;
        self.busy = false;
        self.beat_due = Time::NEVER;
        self.set_silent(module, false, tell);
        match module.on_lost {
            OnLost::Hold => self.held = true,
            OnLost::Clear => self.end_all(module, tell),
            OnLost::Raise => {
                self.end_all(module, tell);
                self.set_lost(module, true, tell);
            }
        }
    }

    fn end_all(&mut self, module: &ModuleSettings, tell: &mut impl FnMut(Transition)) {
        self.tell_differences(module, &ModuleSegment::EMPTY, tell);
        self.seen = ModuleSegment::EMPTY;
    }

    fn reject(&mut self, module: &ModuleSettings, rejection: Option<Rejection>, tell: &mut impl FnMut(Transition)) {
        if rejection == self.rejection {
            return;
        }
        let had = self.rejection.is_some();
        self.rejection = rejection;
        match rejection {
            Some(rejection) => {
                let mut whose = heapless::String::<48>::new();
                let _ = core::fmt::write(&mut whose, format_args!("module {}", module.name));
                match (rejection, self.key) {
                    (Rejection::Call(error), Some(key)) => error!("{}", error.of(&whose, key)),
                    (Rejection::Untrusted(uid), Some(key)) => error!(
                        "{whose}: key {key}: the segment's owner, user {uid}, is not trusted; remove it (ipcrm -M {key}) \
                         or name the user under trust in alarmd.conf"
                    ),
                    (_, None) => {}
                }
                if !had {
                    tell(Transition::Raised(self.own(module, Origin::Refused)));
                }
            }
            None => {
                info!("module {}: the segment is accepted now", module.name);
                tell(Transition::Cleared(self.own(module, Origin::Refused)));
            }
        }
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

    fn tell_own(&self, module: &ModuleSettings, origin: Origin, up: bool, tell: &mut impl FnMut(Transition)) {
        let alarm = self.own(module, origin);
        tell(if up { Transition::Raised(alarm) } else { Transition::Cleared(alarm) });
    }

    /// An alarm that no producer wrote. A refused segment is the daemon's own: code is the module, index the role.
    fn own(&self, module: &ModuleSettings, origin: Origin) -> Alarm {
        let role = self.role as u32;
        let (id, of, severity) = match origin {
            Origin::Refused => (0, AlarmId { kind: 1, code: module.id.get(), index: role }, Severity::Major),
            _ => (module.id.get(), AlarmId { kind: 0, code: 0, index: role }, module.beat),
        };
        Alarm { module: id, origin, id: of, level: severity.default_level(), severity, raised_at: 0, count: 0 }
    }

    fn tell_differences(&self, module: &ModuleSettings, copy: &ModuleSegment<u32>, tell: &mut impl FnMut(Transition)) {
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
                (true, false) => tell(Transition::Cleared(was)),
                (true, true) if was.id == is.id => tell(Transition::Changed { from: was, to: is }),
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

/// How long after a look at the beat the next one comes: a producer that keeps its promise has beaten by then. A promise
/// below 10 ms is taken for 10.
fn patience(beat_ms: u32) -> Nanos {
    Nanos::from(beat_ms.max(10)) * MS * 3 / 2
}

fn from_record(module: &ModuleSettings, record: Record) -> Alarm {
    Alarm {
        module: module.id.get(),
        origin: Origin::Slot(0),
        id: AlarmId { kind: record.kind, code: record.code, index: record.index },
        level: record.level,
        severity: module.levels.severity(record.level),
        raised_at: 0,
        count: 0,
    }
}

fn from_slot(module: &ModuleSettings, position: usize, slot: &Slot<u32>) -> Alarm {
    Alarm {
        module: module.id.get(),
        origin: Origin::Slot(position as u8 + 1),
        id: slot.id(),
        level: slot.level,
        severity: module.levels.severity(slot.level),
        raised_at: slot.raised_at,
        count: slot.count,
    }
}
