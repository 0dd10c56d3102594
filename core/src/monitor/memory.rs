//! What is kept of a monitor for the next daemon, and going on from it.
use core::mem::size_of;
use core::sync::atomic::{AtomicU32, Ordering};

use super::acknowledged::Acknowledged;
use super::health::Rejection;
use super::{Attended, Monitor, Role};
use crate::alarm::{ModuleId, Origin};
use crate::codes::SavedFlag;
use crate::settings::ModuleSettings;
use crate::sysv::{Access, Id, Key, Segment, words, words_mut};
use crate::wire::{ModuleSegment, SavedSegment};

impl Monitor {
    /// Stores all that the next daemon must know.
    pub fn save(&self, module: ModuleId, to: &SavedSegment) {
        let flags = [
            (self.held, SavedFlag::Held),
            (self.lost, SavedFlag::Lost),
            (self.silent, SavedFlag::Silent),
            (self.unattended, SavedFlag::NoProducer),
            (self.attended == Attended::Steadily, SavedFlag::Steady),
            (self.made, SavedFlag::Created),
            (self.first, SavedFlag::Unread),
        ];
        let flags = flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit.number());
        let put = |word: &AtomicU32, value: u32| word.store(value, Ordering::Relaxed);
        put(&to.module, module.get());
        put(&to.role, self.role as u32);
        put(&to.key, self.key.map_or(0, Key::number));
        for (to, from) in to.acknowledged.iter().zip(self.acknowledged.words()) {
            put(to, from);
        }
        put(&to.shmid, self.id().map_or(u32::MAX, |id| id.raw() as u32));
        put(&to.flags, flags);
        put(&to.rejected, self.rejection.map_or(0, |rejection| rejection.origin().number()));
        for (to, from) in words::<AtomicU32, _>(&to.seen).iter().zip(words::<u32, _>(&self.seen)) {
            to.store(*from, Ordering::Relaxed);
        }
    }

    /// The monitor that was saved, for the module at this position. Attaches the segment it had; where that was removed
    /// since, its alarms end at the first check, as `on_lost` says.
    pub fn restore(position: usize, module: &ModuleSettings, from: &SavedSegment) -> Option<Monitor> {
        let get = |word: &AtomicU32| word.load(Ordering::Relaxed);
        let role = Role::from_number(get(&from.role))?;
        let mut monitor = Monitor::new(position, role, module);
        monitor.key = Key::fixed(get(&from.key));
        for (to, from) in words_mut(&mut monitor.seen).iter_mut().zip(words::<AtomicU32, _>(&from.seen)) {
            *to = get(from);
        }
        let flags = get(&from.flags);
        let is = |bit: SavedFlag| flags & bit.number() != 0;
        monitor.held = is(SavedFlag::Held);
        monitor.lost = is(SavedFlag::Lost);
        monitor.silent = is(SavedFlag::Silent);
        monitor.unattended = is(SavedFlag::NoProducer);
        monitor.attended = if is(SavedFlag::Steady) { Attended::Steadily } else { Attended::No };
        monitor.made = is(SavedFlag::Created);
        monitor.acknowledged = Acknowledged::from_words(from.acknowledged.each_ref().map(get));
        monitor.first = is(SavedFlag::Unread);
        monitor.rejection =
            Origin::from_number(get(&from.rejected)).filter(|_| get(&from.rejected) != 0).map(Rejection::Before);
        if let Some(id) = Id::known(get(&from.shmid) as i32) {
            let size = size_of::<ModuleSegment>();
            let segment = Segment::attach_id(id, size, Access::ReadWrite).ok();
            monitor.segment = segment.filter(|s| s.stat().is_ok_and(|s| !s.destroyed));
            monitor.removed = monitor.segment.is_none();
        }
        Some(monitor)
    }
}
