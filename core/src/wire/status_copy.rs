//! A copy of the status block, for readers.
use core::mem::{offset_of, size_of};

use super::seqlock::read_consistent;
use super::status::{AlarmEntry, EventEntry, ModuleEntry, OutputEntry, SegmentEntry, StatusBlock, is_ours};
use crate::limits::{ALARMS, EVENT_PLACES, EVENTS, MODULES, OUTPUTS, SEGMENTS};
use crate::sysv::{Segment, words, words_mut};

impl StatusBlock<u32> {
    /// An empty copy, to be filled. Large: 165 KB.
    pub const EMPTY: StatusBlock<u32> = {
        // SAFETY: it is nothing but `u32`, for which all zeros is a value.
        unsafe { core::mem::zeroed() }
    };

    /// Fills `self` from an attached segment. False if the layout is not ours, or the daemon wrote all the time.
    pub fn copy(&mut self, segment: &Segment) -> bool {
        const SEQUENCE: usize = offset_of!(StatusBlock<u32>, sequence) / size_of::<u32>();
        let word = |index| segment.load(index).unwrap_or(0);
        let copied = read_consistent(
            || word(SEQUENCE),
            || {
                for (index, to) in words_mut(self).iter_mut().enumerate() {
                    *to = word(index);
                }
            },
        );
        copied && is_ours(|index| words(self)[index])
    }

    /// The word that names the daemon, also while the block is being written.
    pub fn daemon_of(segment: &Segment) -> u32 {
        segment.load(offset_of!(StatusBlock<u32>, daemon) / size_of::<u32>()).unwrap_or(0)
    }

    /// The word that names the worker.
    pub fn worker_of(segment: &Segment) -> u32 {
        segment.load(offset_of!(StatusBlock<u32>, worker) / size_of::<u32>()).unwrap_or(0)
    }

    /// The entries that count. A damaged count is cut off at the table's end.
    pub fn modules(&self) -> &[ModuleEntry<u32>] {
        &self.modules[..MODULES.min(self.module_count as usize)]
    }

    /// See [`StatusBlock::modules`].
    pub fn segments(&self) -> &[SegmentEntry<u32>] {
        &self.segments[..SEGMENTS.min(self.segment_count as usize)]
    }

    /// See [`StatusBlock::modules`].
    pub fn outputs(&self) -> &[OutputEntry<u32>] {
        &self.outputs[..OUTPUTS.min(self.output_count as usize)]
    }

    /// See [`StatusBlock::modules`].
    pub fn alarms(&self) -> &[AlarmEntry<u32>] {
        &self.alarms[..ALARMS.min(self.alarm_count as usize)]
    }

    /// The events that are kept, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &EventEntry<u32>> {
        let kept = self.event_count.min(EVENTS as u32);
        (0..kept).rev().map(move |back| &self.events[self.event_count.wrapping_sub(1 + back) as usize % EVENT_PLACES])
    }
}
