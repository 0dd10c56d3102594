//! The health check: whether the segment is still the one of its key, and fit to be read.
use core::mem::size_of;
use core::sync::atomic::Ordering;

use log::{info, warn};

use super::reader::Monitor;
use super::refusal::Rejection;
use super::settings::ModuleSettings;
use crate::alarm::Transition;
use crate::clock::Time;
use crate::codes::OnLost;
use crate::codes::SegmentRole;
use crate::errno::Errno;
use crate::policy::Policy;
use crate::sysv::{Access, Error, Id, Key, Segment, SysvOp};
use crate::wire::{MODULE_MAGIC, ModuleSegment, Slot};

/// What a check decided about the monitor itself.
#[allow(clippy::large_enum_variant)] // constructed at most once a second, and there is no heap to put it on
pub enum Verdict {
    /// It stays.
    Stay,
    /// Its segment is not needed any more.
    Leave,
    /// Its path leads elsewhere now, and the segment to which it led before is still in use: a monitor for that.
    Split(Monitor),
}

impl Monitor {
    /// The health check: whether the key still leads to this segment, how many processes are attached, who owns it, and how
    /// large it is. Attaches, creates, or refuses. `taken` knows the keys of other segments.
    pub fn check(
        &mut self,
        now: Time,
        module: &ModuleSettings,
        policy: &Policy,
        taken: impl Fn(Key) -> bool,
        report: &mut dyn FnMut(Transition),
    ) -> Verdict {
        if self.removed {
            self.lose(module, report);
        }
        let mut verdict = Verdict::Stay;
        match self.role {
            SegmentRole::Fixed => {}
            SegmentRole::Ftok => {
                if let Some(former) = self.follow_path(module, taken, report) {
                    verdict = Verdict::Split(former);
                }
            }
            SegmentRole::Former => return self.check_former(module, report),
        }
        if let Some(key) = self.key {
            let mut found = self.look_up(now, policy, module, key, report);
            // Another process may create or remove it between two of our calls; a storm of that waits for the next check.
            for _ in 0..8 {
                match found {
                    Err(Rejection::Call(Error { op: SysvOp::Create, errno: Errno::EEXIST }))
                    | Err(Rejection::Call(Error {
                        op: SysvOp::Stat | SysvOp::Attach | SysvOp::Set,
                        errno: Errno::EIDRM | Errno::EINVAL,
                    })) => {
                        found = self.look_up(now, policy, module, key, report);
                    }
                    _ => break,
                }
            }
            match found {
                Ok(()) => self.reject(module, None, report),
                Err(rejection) => {
                    if self.segment.take().is_some() {
                        self.lose(module, report);
                    }
                    self.reject(module, Some(rejection), report);
                }
            }
        }
        if self.producers() > 0 && self.rejection.is_none() {
            self.set_lost(module, false, report);
        }
        self.release_stale_lock(module);
        self.read(module, report);
        self.check_presence(module, report);
        verdict
    }

    /// The check of a segment to which no key leads any more.
    fn check_former(&mut self, module: &ModuleSettings, report: &mut dyn FnMut(Transition)) -> Verdict {
        self.stat = self.segment.as_ref().and_then(|segment| segment.stat().ok());
        let removed = self.stat.is_none_or(|stat| stat.destroyed);
        // An alarm stays though its producer has died, as in any segment.
        if removed || (self.producers() == 0 && !self.is_up()) {
            info!("module {}: former ftok segment is no longer in use", module.name);
            if let Some(segment) = self.segment.as_ref().filter(|_| self.created && !removed) {
                // No key and no path lead to it.
                let _ = segment.id().remove();
            }
            self.forget(module, report);
            return Verdict::Leave;
        }
        self.read(module, report);
        self.check_presence(module, report);
        Verdict::Stay
    }

    /// Releases the lock of a writer that died before its first or after its last store.
    fn release_stale_lock(&self, module: &ModuleSettings) {
        let Some(segment) = self.segment.as_ref().and_then(Segment::view::<ModuleSegment>) else { return };
        let ours = segment.magic.load(Ordering::Relaxed) == MODULE_MAGIC;
        if ours && segment.lock().holder().is_some() {
            self.copy_locked(module, segment, &mut ModuleSegment::EMPTY.clone());
        }
    }

    /// Makes `self.segment` the one with this key. A segment that is refused is not attached.
    fn look_up(
        &mut self,
        now: Time,
        policy: &Policy,
        module: &ModuleSettings,
        key: Key,
        report: &mut dyn FnMut(Transition),
    ) -> Result<(), Rejection> {
        self.stat = None;
        let found = match Segment::find(key) {
            Ok(id) => Some(id),
            Err(Error { errno: Errno::ENOENT, .. }) => None,
            Err(error) => return Err(Rejection::Call(error)),
        };
        if let Some(id) = found {
            self.examine(policy, id)?;
            self.set_permissions(now, policy, module, id)?;
        }
        let had = self.id();
        if found.is_some() && found == had {
            return Ok(());
        }
        // Not `open_or_create`: a segment that appears meanwhile must pass the checks above as every other.
        let segment = match found {
            Some(id) => Segment::attach_id(id, Access::ReadWrite),
            None => Segment::create(key, size_of::<ModuleSegment>(), policy.mode)
                .and_then(|segment| segment.id().set_permissions(policy.mode, policy.group).map(|()| segment)),
        };
        let segment = segment.map_err(Rejection::Call)?;
        self.stat = segment.stat().ok();
        let (name, id) = (&module.name, segment.id().raw());
        let mode = self.stat.map_or(0, |stat| stat.mode);
        match (had, found) {
            (None, None) => info!("module {name}: segment {id} created (key {key}, mode {mode:04o})"),
            (None, Some(_)) => info!("module {name}: segment {id} attached (key {key}, mode {mode:04o})"),
            (Some(_), None) => {
                warn!("module {name}: segment removed by another process; segment {id} created (key {key})")
            }
            (Some(_), Some(_)) => {
                warn!("module {name}: segment replaced by another process; segment {id} attached (key {key})")
            }
        }
        self.segment = Some(segment);
        self.created = found.is_none();
        // Everything in a segment that alarmd created, or that came after an earlier one, has happened since.
        self.unread = !(self.created || had.is_some() || self.removed);
        self.removed = false;
        // What is active in both segments is one alarm. A count belongs to one segment alone.
        self.seen.slots.iter_mut().filter(|slot| slot.flag == 0).for_each(|slot| *slot = Slot::default());
        match (had, found) {
            (Some(_), None) => self.lose(module, report),
            (Some(_), Some(_)) => {
                // The new segment is compared with what was seen.
                self.beat_due = Time::NEVER;
                self.set_silent(module, false, report);
                self.held = module.on_lost == OnLost::Hold;
                self.set_lost(module, module.on_lost == OnLost::Raise, report);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether this segment is fit to be read.
    fn examine(&mut self, policy: &Policy, id: Id) -> Result<(), Rejection> {
        let stat = id.stat().map_err(Rejection::Call)?;
        self.stat = Some(stat);
        match policy.untrusted_uid(&stat) {
            Some(uid) => Err(Rejection::Untrusted(uid)),
            None if stat.size > crate::limits::LARGEST => Err(Rejection::TooLarge(stat.size)),
            None if stat.size < size_of::<ModuleSegment>() => Err(Rejection::TooSmall(stat.size)),
            None => Ok(()),
        }
    }

    /// Gives the segment the configured mode and group, where it has others and alarmd may change it. Where it may not, and
    /// untrusted users may write it, the segment is refused.
    fn set_permissions(
        &mut self,
        now: Time,
        policy: &Policy,
        module: &ModuleSettings,
        id: Id,
    ) -> Result<(), Rejection> {
        let Some(stat) = self.stat else { return Ok(()) };
        // A key that comes from a path can lead to a segment of another program by chance.
        let surely_ours = self.role == SegmentRole::Fixed || stat.size == size_of::<ModuleSegment>();
        let right = stat.mode == policy.mode && policy.group.is_none_or(|group| stat.gid == group);
        if right || !surely_ours {
            return Ok(());
        }
        match id.set_permissions(policy.mode, policy.group) {
            Ok(()) => {
                if self.mode_changes.note(now) {
                    let (name, id) = (&module.name, id.raw());
                    info!("module {name}: segment {id}: mode changed from {:04o} to {:04o}", stat.mode, policy.mode);
                }
                Ok(())
            }
            Err(Error { errno: Errno::EPERM, .. }) if !policy.is_too_wide(stat.mode) => Ok(()),
            Err(Error { errno: Errno::EPERM, .. }) => Err(Rejection::ModeTooWide(stat.mode)),
            Err(error) => Err(Rejection::Call(error)),
        }
    }
}
