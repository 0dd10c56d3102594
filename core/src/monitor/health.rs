//! The health check: is the segment still the one its key leads to, and fit to be read? Attaches, creates, follows, refuses.
use core::mem::size_of;
use core::sync::atomic::Ordering;

use log::{error, info, warn};

use super::{Attended, Monitor, Role};
use crate::alarm::{Origin, Transition};
use crate::clock::Time;
use crate::errno::Errno;
use crate::ftok::{self, KeyError};
use crate::limits::LARGEST;
use crate::settings::{ModuleSettings, OnLost, Settings};
use crate::sysv::{Access, Error, Id, Key, Op, Segment};
use crate::wire::{MODULE_MAGIC, ModuleSegment, Slot};

/// Why a segment is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    Call(Error),
    Untrusted(u32),
    /// Larger than anybody's: its size.
    Large(usize),
    /// More may write it than the configuration's mode lets, and it is not ours to change: its mode.
    Open(u32),
    /// The daemon before this one told it, with this alarm.
    Before(Origin),
}

impl Rejection {
    /// The alarm that tells it.
    pub(super) fn origin(self) -> Origin {
        match self {
            Rejection::Call(error) if error.is_limit() => Origin::Limit,
            Rejection::Before(origin) => origin,
            _ => Origin::Refused,
        }
    }
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

impl Monitor {
    /// The health check: is the key still this segment, is it removed, how many are attached, who owns it, how large is
    /// it? Attaches, re-attaches, creates, refuses. `taken` knows the keys of other segments.
    pub fn check(
        &mut self,
        settings: &Settings,
        taken: impl Fn(Key) -> bool,
        tell: &mut impl FnMut(Transition),
    ) -> Verdict {
        let module = &settings.modules[self.module];
        if self.removed {
            self.lose(module, tell);
        }
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
                self.attend(module, tell);
                return verdict;
            }
        }
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
        }
        self.release(module);
        self.read(module, tell);
        self.attend(module, tell);
        verdict
    }

    /// Is a producer attached, as there was one before? An old one that is not is missed. One that promises beats is missed by
    /// these; one that does not has left in order, unless it left an alarm up.
    fn attend(&mut self, module: &ModuleSettings, tell: &mut impl FnMut(Transition)) {
        if self.rejection.is_some() {
            return;
        }
        if self.producers() > 0 {
            self.attended = if self.attended == Attended::No { Attended::Once } else { Attended::Steadily };
            self.set_unattended(module, false, tell);
        } else {
            let is_missed = self.is_up() || self.seen.magic != MODULE_MAGIC && self.seen.beat_ms == 0;
            if self.attended == Attended::Steadily && is_missed {
                self.set_unattended(module, true, tell);
            }
            self.attended = Attended::No;
        }
    }

    /// Takes the name of a dead writer out of the segment, who died before its first or after its last store.
    fn release(&self, module: &ModuleSettings) {
        let Some(Ok(segment)) = self.segment.as_ref().map(Segment::view::<ModuleSegment>) else { return };
        let ours = segment.magic.load(Ordering::Relaxed) == MODULE_MAGIC;
        if ours && segment.lock().holder().is_some() {
            self.copy_inside(module, segment, &mut ModuleSegment::EMPTY.clone());
        }
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
            self.made = found.is_none();
            // All that stands in one that we made, or that came after ours, has happened since.
            self.first = !(self.made || had.is_some() || self.removed);
            self.removed = false;
            // What is up in both is one alarm that goes on. But a count is one of this segment alone.
            self.seen.slots.iter_mut().filter(|slot| slot.flag == 0).for_each(|slot| *slot = Slot::default());
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
            Some(id) => {
                self.examine(settings, id)?;
                self.set_right(settings, module)
            }
            None => Ok(()),
        }
    }

    /// Gives the segment the configuration's mode and group, where it has others and we may. Where we may not, and strangers may
    /// write it, it is refused.
    fn set_right(&self, settings: &Settings, module: &ModuleSettings) -> Result<(), Rejection> {
        let (Some(stat), Some(segment)) = (self.stat, &self.segment) else { return Ok(()) };
        // Another program's may have the same key by chance, where the key comes from a path.
        let surely_ours = self.role == Role::Fixed || stat.size == size_of::<ModuleSegment>();
        let right = stat.mode == settings.mode && settings.group.is_none_or(|group| stat.gid == group);
        if right || !surely_ours {
            return Ok(());
        }
        let (name, mode) = (&module.name, settings.mode);
        match segment.set_permissions(mode, settings.group) {
            Ok(()) => {
                info!("module {name}: segment {} had mode {:04o}; has {mode:04o} now", segment.id().raw(), stat.mode);
                Ok(())
            }
            Err(Error { errno: Errno::EPERM, .. }) if stat.mode & !mode & 0o022 == 0 => Ok(()),
            Err(Error { errno: Errno::EPERM, .. }) => Err(Rejection::Open(stat.mode)),
            Err(error) => Err(Rejection::Call(error)),
        }
    }

    /// Is this segment fit to be read?
    fn examine(&mut self, settings: &Settings, id: Id) -> Result<(), Rejection> {
        let stat = id.stat().map_err(Rejection::Call)?;
        self.stat = Some(stat);
        if let Some(stranger) = settings.stranger(&stat) {
            return Err(Rejection::Untrusted(stranger));
        }
        if stat.size > LARGEST {
            return Err(Rejection::Large(stat.size));
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
        let key = match ftok::key(path.as_c_str(), module.id) {
            Ok(key) if taken(key) => Err(KeyError::Taken),
            other => other,
        };
        let key = match key {
            Ok(key) => key,
            Err(refusal) => {
                if refusal == KeyError::Taken && self.key.is_some() {
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
        fresh.acknowledged = self.acknowledged;
        *self = fresh;
        None
    }

    /// The segment was removed: its alarms end as `on_lost` says.
    pub(super) fn lose(&mut self, module: &ModuleSettings, tell: &mut impl FnMut(Transition)) {
        self.first = true;
        self.busy = false;
        self.beat_due = Time::NEVER;
        self.attended = Attended::No;
        self.set_silent(module, false, tell);
        self.set_unattended(module, false, tell);
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
        self.tell_seen(module, &ModuleSegment::EMPTY, tell);
        self.seen = ModuleSegment::EMPTY;
    }

    fn reject(&mut self, module: &ModuleSettings, rejection: Option<Rejection>, tell: &mut impl FnMut(Transition)) {
        if rejection == self.rejection {
            return;
        }
        let before = core::mem::replace(&mut self.rejection, rejection).map(Rejection::origin);
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
                    (Rejection::Large(size), Some(key)) => error!(
                        "{whose}: key {key}: the segment has {size} bytes, and {LARGEST} at most are taken; it is another \
                         program's: remove it (ipcrm -M {key}) or name another ftok path"
                    ),
                    (Rejection::Open(mode), Some(key)) => error!(
                        "{whose}: key {key}: the segment's mode {mode:04o} lets strangers write, and it is not alarmd's to \
                         change; remove it (ipcrm -M {key}) or set mode = {mode:04o} in alarmd.conf"
                    ),
                    (Rejection::Before(_), _) | (_, None) => {}
                }
            }
            None => info!("module {}: the segment is accepted now", module.name),
        }
        let now = rejection.map(Rejection::origin);
        if now != before {
            before.into_iter().for_each(|origin| self.tell_own(module, origin, false, tell));
            now.into_iter().for_each(|origin| self.tell_own(module, origin, true, tell));
        }
    }
}
