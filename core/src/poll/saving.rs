//! What the next daemon must know, written beside what the last one knew.
use core::sync::atomic::{AtomicU32, Ordering};

use super::entries::store;
use super::view::View;
use crate::output::Channel;
use crate::wire::{SavedOutput, SavedState, pack_text};

/// Writes the copy that does not count, and makes it count.
pub fn save(saved: &SavedState, view: &View<'_>, event_count: u32) {
    let copy = saved.inactive_copy();
    let put = |word: &AtomicU32, value: u32| word.store(value, Ordering::Relaxed);
    put(&copy.event_count, event_count);
    put(&copy.own, view.daemon_alarms.active);
    put(&copy.own_acknowledged, view.daemon_alarms.acknowledged);
    put(&copy.output_count, view.channels.len() as u32);
    put(&copy.segment_count, view.monitors.len() as u32);
    for (channel, to) in view.channels.iter().zip(&copy.outputs) {
        store(to, &saved_output(channel));
    }
    for (monitor, to) in view.monitors.iter().zip(&copy.segments) {
        monitor.save(to);
    }
    saved.commit();
}

fn saved_output(channel: &Channel) -> SavedOutput<u32> {
    let failure = channel.failure();
    SavedOutput {
        kind: channel.settings.rule.kind.number(),
        failed: failure.map_or(0, |failure| failure.step.number()),
        errno: failure.map_or(0, |failure| failure.errno.raw() as u32),
        writes: channel.writes(),
        latched: channel.point.latched().word(),
        failure_acknowledged: channel.alarm().is_some_and(|alarm| alarm.acknowledged).into(),
        name: pack_text(channel.settings.name.as_str()),
    }
}
