//! What is saved of a monitor for the next daemon, and how that one restores it.
use core::sync::atomic::{AtomicU32, Ordering};

use super::acknowledged::Acknowledged;
use super::presence::Presence;
use super::reader::Monitor;
use super::refusal::Rejection;
use super::settings::ModuleSettings;
use crate::alarm::Origin;
use crate::codes::SavedFlag;
use crate::codes::SegmentRole;
use crate::sysv::{Access, Id, Key, Segment, words, words_mut};
use crate::wire::{ModuleSegment, SavedSegment};

impl Monitor {
    /// Stores all that the next daemon must know.
    pub fn save(&self, to: &SavedSegment) {
        let flags = [
            (self.held, SavedFlag::Held),
            (self.lost, SavedFlag::Lost),
            (self.silent, SavedFlag::Silent),
            (self.producer_missing, SavedFlag::NoProducer),
            (self.presence == Presence::Steady, SavedFlag::Steady),
            (self.created, SavedFlag::Created),
            (self.unread, SavedFlag::Unread),
        ];
        let flags = flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit.number());
        let put = |word: &AtomicU32, value: u32| word.store(value, Ordering::Relaxed);
        put(&to.module, self.module.get());
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

    /// The monitor that was saved, for this module. Attaches the segment that it had; where that was removed since, its
    /// alarms end at the first check, as `on_lost` says.
    pub fn restore(module: &ModuleSettings, from: &SavedSegment) -> Option<Monitor> {
        let get = |word: &AtomicU32| word.load(Ordering::Relaxed);
        let role = SegmentRole::from_number(get(&from.role))?;
        let mut monitor = Monitor::new(role, module);
        monitor.key = Key::fixed(get(&from.key));
        for (to, from) in words_mut(&mut monitor.seen).iter_mut().zip(words::<AtomicU32, _>(&from.seen)) {
            *to = get(from);
        }
        let flags = get(&from.flags);
        let is = |bit: SavedFlag| flags & bit.number() != 0;
        monitor.held = is(SavedFlag::Held);
        monitor.lost = is(SavedFlag::Lost);
        monitor.silent = is(SavedFlag::Silent);
        monitor.producer_missing = is(SavedFlag::NoProducer);
        monitor.presence = if is(SavedFlag::Steady) { Presence::Steady } else { Presence::None };
        monitor.created = is(SavedFlag::Created);
        monitor.acknowledged = Acknowledged::from_words(from.acknowledged.each_ref().map(get));
        monitor.unread = is(SavedFlag::Unread);
        monitor.rejection =
            Origin::from_number(get(&from.rejected)).filter(|_| get(&from.rejected) != 0).map(Rejection::Restored);
        if let Some(id) = Id::known(get(&from.shmid) as i32) {
            let segment = Segment::attach_id(id, Access::ReadWrite).ok();
            let is_whole = |segment: &Segment| segment.view::<ModuleSegment>().is_some();
            monitor.segment = segment.filter(|s| is_whole(s) && s.stat().is_ok_and(|stat| !stat.destroyed));
            monitor.removed = monitor.segment.is_none();
        }
        Some(monitor)
    }
}
