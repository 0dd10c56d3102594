//! What a daemon that is killed leaves for the next one, so that it continues where that one stopped: what was seen in each
//! segment, which outputs had failed, and how many events count.
//!
//! Hazards: SIGKILL between any two stores. So there are two copies. The one that does not count is written, its sum last.
//! Then one store of `current` makes it count. An event is in the ring before the copy that counts it.
use core::sync::atomic::{AtomicU32, Ordering};

use super::module::ModuleSegment;
use crate::limits::{OUTPUTS, SEGMENTS};
use crate::sysv::{Word, Words, words};

/// The two copies.
#[derive(Debug)]
#[repr(C)]
pub struct SavedState<W = AtomicU32> {
    /// Which copy counts, 0 or 1.
    pub current: W,
    /// Reserved, zero.
    pub spare: [W; 7],
    /// The copies.
    pub copies: [SavedCopy<W>; 2],
}

/// One copy.
#[derive(Debug)]
#[repr(C)]
pub struct SavedCopy<W = AtomicU32> {
    /// [`SavedCopy::sum`] of all that follows and counts.
    pub sum: W,
    /// How many events count.
    pub event_count: W,
    /// The daemon's own alarms that are active, a bit each.
    pub own: W,
    /// How many entries of `outputs` count.
    pub output_count: W,
    /// How many entries of `segments` count.
    pub segment_count: W,
    /// Which of the daemon's own alarms are acknowledged, as `own`.
    pub own_acknowledged: W,
    /// Reserved, zero.
    pub spare: [W; 2],
    /// The outputs.
    pub outputs: [SavedOutput<W>; OUTPUTS],
    /// The segments.
    pub segments: [SavedSegment<W>; SEGMENTS],
}

/// An output.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SavedOutput<W = AtomicU32> {
    /// Number of [`crate::codes::OutputKind`].
    pub kind: W,
    /// Number of [`crate::codes::LineStep`] of the step that failed; 0: the output works.
    pub failed: W,
    /// What the kernel said of that step.
    pub errno: W,
    /// How many times its line was written.
    pub writes: W,
    /// Bits of [`crate::codes::LatchedBit`].
    pub latched: W,
    /// 1: that it failed is acknowledged.
    pub failure_acknowledged: W,
    /// Bytes, zero at the end.
    pub name: [W; 8],
}

/// A segment.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SavedSegment<W = AtomicU32> {
    /// Id of its module.
    pub module: W,
    /// Number of [`crate::codes::SegmentRole`].
    pub role: W,
    /// The key; 0 if there is none.
    pub key: W,
    /// The kernel's id of the segment, -1 if there is none.
    pub shmid: W,
    /// Bits of [`crate::codes::SavedFlag`].
    pub flags: W,
    /// Number of [`crate::codes::Origin`] of the alarm that it is refused with, 0 if it is not.
    pub rejected: W,
    /// Which of its alarms are acknowledged: a bit for each origin.
    pub acknowledged: [W; 2],
    /// What was seen.
    pub seen: ModuleSegment<W>,
}

// SAFETY: `repr(C)`, and nothing but `W` and structures of `W`.
unsafe impl<W: Word> Words<W> for SavedState<W> {}
// SAFETY: `repr(C)`, and nothing but `W` and structures of `W`.
unsafe impl<W: Word> Words<W> for SavedCopy<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for SavedOutput<W> {}
// SAFETY: `repr(C)`, and nothing but `W` and structures of `W`.
unsafe impl<W: Word> Words<W> for SavedSegment<W> {}

impl SavedState {
    /// The copy that counts; `None` if it is damaged.
    pub fn valid_copy(&self) -> Option<&SavedCopy> {
        let copy = self.copies.get(self.current.load(Ordering::Acquire) as usize)?;
        (copy.sum.load(Ordering::Relaxed) == copy.sum()?).then_some(copy)
    }

    /// The copy that does not count, to be written and then to be given to [`SavedState::commit`].
    pub fn inactive_copy(&self) -> &SavedCopy {
        &self.copies[usize::from(self.current.load(Ordering::Relaxed) == 0)]
    }

    /// From this store on, the inactive copy is the one that counts.
    pub fn commit(&self) {
        let copy = self.inactive_copy();
        // There is a sum: the counts are our own.
        copy.sum.store(copy.sum().unwrap_or(0), Ordering::Relaxed);
        let current = u32::from(self.current.load(Ordering::Relaxed) == 0);
        self.current.store(current, Ordering::Release);
    }
}

impl SavedCopy {
    /// FNV-1a over the words that count; `None` if the counts are no counts.
    pub fn sum(&self) -> Option<u32> {
        let count = |word: &AtomicU32| word.load(Ordering::Relaxed) as usize;
        let outputs = self.outputs.get(..count(&self.output_count))?;
        let segments = self.segments.get(..count(&self.segment_count))?;
        let heads =
            [&self.event_count, &self.own, &self.own_acknowledged, &self.output_count, &self.segment_count].into_iter();
        let all = heads.chain(outputs.iter().flat_map(words)).chain(segments.iter().flat_map(words));
        // All zeros, as a new segment is, have the sum 0.
        Some(all.fold(0, |sum: u32, word| (sum ^ word.load(Ordering::Relaxed)).wrapping_mul(0x0100_0193)))
    }

    /// The outputs that count.
    pub fn outputs(&self) -> &[SavedOutput] {
        self.outputs.get(..self.output_count.load(Ordering::Relaxed) as usize).unwrap_or_default()
    }

    /// The segments that count.
    pub fn segments(&self) -> &[SavedSegment] {
        self.segments.get(..self.segment_count.load(Ordering::Relaxed) as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;

    fn memory() -> Box<SavedState> {
        // SAFETY: it is nothing but atomic words, for which all zeros is a value.
        Box::new(unsafe { core::mem::zeroed() })
    }

    #[test]
    fn a_copy_counts_only_after_it_is_committed() {
        let memory = memory();
        assert_eq!(memory.valid_copy().map(|copy| copy.event_count.load(Ordering::Relaxed)), Some(0));
        memory.inactive_copy().event_count.store(7, Ordering::Relaxed);
        assert_eq!(memory.valid_copy().map(|copy| copy.event_count.load(Ordering::Relaxed)), Some(0));
        memory.commit();
        assert_eq!(memory.valid_copy().map(|copy| copy.event_count.load(Ordering::Relaxed)), Some(7));
    }

    #[test]
    fn damage_is_detected() {
        let memory = memory();
        let draft = memory.inactive_copy();
        draft.segment_count.store(2, Ordering::Relaxed);
        draft.segments[1].seen.slots[3].flag.store(1, Ordering::Relaxed);
        memory.commit();
        let kept = memory.valid_copy().expect("whole");
        kept.segments[1].seen.slots[3].level.store(1, Ordering::Relaxed);
        assert!(memory.valid_copy().is_none());
        kept.segments[1].seen.slots[3].level.store(0, Ordering::Relaxed);
        assert!(memory.valid_copy().is_some());
        kept.segment_count.store(97, Ordering::Relaxed);
        assert!(memory.valid_copy().is_none());
        memory.current.store(2, Ordering::Relaxed);
        assert!(memory.valid_copy().is_none());
    }
}
