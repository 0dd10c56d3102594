//! The entries of the status block.
use core::array;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::alarm::Alarm;
use crate::codes::{Indication, SegmentState};
use crate::monitor::{ModuleSettings, Monitor};
use crate::output::{Channel, Target};
use crate::sysv::{Key, Words, words};
use crate::wire::{AlarmEntry, ModuleEntry, NO_GPIO, OutputEntry, SegmentEntry, pack_text};

/// Stores a structure word by word.
pub fn store<T: Words<AtomicU32>, F: Words<u32>>(to: &T, from: &F) {
    for (to, from) in words(to).iter().zip(words(from)) {
        to.store(*from, Ordering::Relaxed);
    }
}

pub fn alarm_entry(alarm: &Alarm) -> AlarmEntry<u32> {
    AlarmEntry {
        module: alarm.module,
        origin: alarm.origin.number(),
        alarm_type: alarm.id.alarm_type,
        code: alarm.id.code,
        index: alarm.id.index,
        level: alarm.level,
        severity: alarm.severity.number(),
        raised_at: alarm.raised_at,
        count: alarm.count,
        acknowledged: alarm.acknowledged.into(),
    }
}

pub fn module_entry(module: &ModuleSettings, active: u32) -> ModuleEntry<u32> {
    ModuleEntry { id: module.id.get(), active, spare: [0; 6], name: pack_text(module.name.as_str()) }
}

pub fn segment_entry(monitor: &Monitor) -> SegmentEntry<u32> {
    let (stat, refusal) = (monitor.stat(), monitor.refusal());
    SegmentEntry {
        module: monitor.module().get(),
        role: monitor.role().number(),
        key: monitor.key().map_or(0, Key::number),
        shmid: monitor.id().map_or(u32::MAX, |id| id.raw() as u32),
        state: monitor.state().number(),
        errno: refusal.map_or(0, |refusal| refusal.errno.raw() as u32),
        producers: if monitor.state() == SegmentState::Refused { 0 } else { monitor.producers() },
        uid: stat.map_or(0, |stat| stat.uid),
        owner: monitor.owner(),
        size: stat.map_or(0, |stat| stat.size as u32),
        reason: refusal.map_or(0, |refusal| refusal.reason.number()),
        detail: refusal.map_or(0, |refusal| refusal.detail),
    }
}

pub fn output_entry(channel: &Channel) -> OutputEntry<u32> {
    let settings = &channel.settings;
    let (gpio, path) = match &settings.target {
        Target::Gpio(number) => (*number, array::from_fn(|_| 0)),
        Target::Path(path) => (NO_GPIO, pack_text(path.as_str())),
    };
    let shows = channel.point.shows();
    OutputEntry {
        kind: settings.rule.kind.number(),
        gpio,
        active_low: settings.active_low.into(),
        sequence: settings.rule.sequence.number(),
        shows: shows.number(),
        alarm: (shows != Indication::Nothing).into(),
        energised: channel.is_energised().into(),
        failed: channel.failure().map_or(0, |failure| failure.step.number()),
        errno: channel.failure().map_or(0, |failure| failure.errno.raw() as u32),
        writes: channel.writes(),
        name: pack_text(settings.name.as_str()),
        path,
    }
}
