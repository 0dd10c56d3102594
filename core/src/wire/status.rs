//! The status block: what the daemon sees and shows, published under a sequence for everyone to read.
//!
//! Only the daemon writes it (mode 0644). A reader checks magic, version and size, copies it between two looks at the
//! sequence, and asks [`crate::process::Mark`] whether the daemon named in it is still that process. Behind it in the same
//! segment stands the daemon's [`Memory`], which is for the next daemon alone.
use core::mem::{offset_of, size_of};
use core::str;
use core::sync::atomic::{AtomicU32, Ordering};

use super::memory::Memory;
use super::sequence::consistent;
use crate::limits::{ALARMS, EVENT_PLACES, EVENTS, MODULES, OUTPUTS, SEGMENTS};
use crate::sysv::{Segment, Words, words, words_mut};

/// `"ALMS"`: this is a status block.
pub const STATUS_MAGIC: u32 = 0x534D_4C41;
/// The layout's version.
pub const STATUS_VERSION: u32 = 3;

/// `gpio` of an output that has a path instead.
pub const NO_GPIO: u32 = u32::MAX;

/// A module as the daemon sees it. 64 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ModuleEntry<W = AtomicU32> {
    /// 1 to 255
    pub id: W,
    /// How many of its alarms are active.
    pub active: W,
    /// Room, zero.
    pub spare: [W; 6],
    /// Bytes, zero at the end.
    pub name: [W; 8],
}

/// One segment of a module. 40 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SegmentEntry<W = AtomicU32> {
    /// Position of the module in `modules`.
    pub module: W,
    /// Number of [`crate::codes::Role`].
    pub role: W,
    /// The key; 0 where the path gives none.
    pub key: W,
    /// The kernel's id of the segment, -1 if not attached.
    pub shmid: W,
    /// Number of [`crate::codes::State`].
    pub state: W,
    /// errno of the last failure, 0 if none.
    pub errno: W,
    /// How many others are attached.
    pub producers: W,
    /// The owner's user id.
    pub uid: W,
    /// `owner` of the segment: its main producer's process id.
    pub owner: W,
    /// In bytes.
    pub size: W,
}

/// One output. 200 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct OutputEntry<W = AtomicU32> {
    /// Number of [`crate::codes::Kind`].
    pub kind: W,
    /// The GPIO's number, or [`NO_GPIO`].
    pub gpio: W,
    /// 1: the line is active low.
    pub active_low: W,
    /// Number of [`crate::codes::Sequence`].
    pub sequence: W,
    /// What it shows: number of [`crate::codes::Shows`].
    pub shows: W,
    /// 1: that is an alarm.
    pub alarm: W,
    /// 1: its line is at the active level.
    pub energised: W,
    /// 1: the line could not be driven; `errno` says why.
    pub failed: W,
    /// errno of the failure, 0 if none.
    pub errno: W,
    /// How many times its line was written.
    pub writes: W,
    /// Bytes, zero at the end.
    pub name: [W; 8],
    /// Bytes, zero at the end; cut off where it is longer.
    pub path: [W; 32],
}

/// An active alarm. 40 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct AlarmEntry<W = AtomicU32> {
    /// Id of the module, 0 for the daemon's own alarms.
    pub module: W,
    /// Number of [`crate::codes::Origin`].
    pub origin: W,
    /// `alarm_type`
    pub kind: W,
    /// `alarm_code`
    pub code: W,
    /// `alarm_index`
    pub index: W,
    /// `alarm_level`
    pub level: W,
    /// Number of [`crate::codes::Severity`].
    pub severity: W,
    /// When it was raised, in seconds since 1970; 0 if its producer does not say.
    pub raised_at: W,
    /// How many times it was raised; 0 if its producer does not say.
    pub count: W,
    /// 1: an operator has acknowledged it.
    pub acknowledged: W,
}

/// Something that happened to an alarm. 48 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EventEntry<W = AtomicU32> {
    /// When the daemon saw it, in seconds since 1970.
    pub at: W,
    /// Number of [`crate::codes::EventKind`].
    pub what: W,
    /// The alarm.
    pub alarm: AlarmEntry<W>,
}

/// The whole block.
#[derive(Debug)]
#[repr(C)]
pub struct StatusBlock<W = AtomicU32> {
    /// [`STATUS_MAGIC`]
    pub magic: W,
    /// [`STATUS_VERSION`]
    pub version: W,
    /// Size of the block in bytes.
    pub size: W,
    /// Odd while the daemon writes.
    pub sequence: W,
    /// [`crate::process::Mark`] of the daemon's guardian, the process to signal; 0 if it left in order.
    pub daemon: W,
    /// When the daemon started, in seconds since 1970.
    pub started_at: W,
    /// Milliseconds of the monotonic clock at the last health check, wrapping.
    pub checked_ms: W,
    /// How many rounds the loop has made, wrapping. Stored at each health check.
    pub rounds: W,
    /// The poll period in milliseconds.
    pub poll_ms: W,
    /// How many entries of `modules` count.
    pub module_count: W,
    /// How many entries of `segments` count.
    pub segment_count: W,
    /// How many entries of `outputs` count.
    pub output_count: W,
    /// How many entries of `alarms` count.
    pub alarm_count: W,
    /// How many events there have been, wrapping; the last stands at `events[(event_count - 1) % 512]`.
    pub event_count: W,
    /// [`crate::process::Mark`] of the daemon's worker, which writes this.
    pub worker: W,
    /// How many times the guardian has started another worker.
    pub restarts: W,
    /// Room, zero.
    pub spare: [W; 16],
    /// The modules, in the configuration's order.
    pub modules: [ModuleEntry<W>; MODULES],
    /// Their segments.
    pub segments: [SegmentEntry<W>; SEGMENTS],
    /// The outputs, in the configuration's order.
    pub outputs: [OutputEntry<W>; OUTPUTS],
    /// The active alarms.
    pub alarms: [AlarmEntry<W>; ALARMS],
    /// The last events, a ring.
    pub events: [EventEntry<W>; EVENT_PLACES],
}

/// The segment: the block, and the daemon's memory behind it.
#[derive(Debug)]
#[repr(C)]
pub struct StatusSegment<W = AtomicU32> {
    /// For everyone.
    pub status: StatusBlock<W>,
    /// For the next daemon.
    pub memory: Memory<W>,
}

const _: () = {
    assert!(offset_of!(StatusBlock<u32>, modules) == 128);
    assert!(size_of::<ModuleEntry<u32>>() == 64);
    assert!(size_of::<SegmentEntry<u32>>() == 40);
    assert!(size_of::<OutputEntry<u32>>() == 200);
    assert!(size_of::<AlarmEntry<u32>>() == 40);
    assert!(size_of::<EventEntry<u32>>() == 48);
    assert!(size_of::<StatusBlock<u32>>() == size_of::<StatusBlock>());
};

// SAFETY: `repr(C)`, and nothing but `W` and structures of `W`.
unsafe impl<W> Words<W> for StatusBlock<W> {}
// SAFETY: `repr(C)`, and nothing but structures of `W`.
unsafe impl<W> Words<W> for StatusSegment<W> {}

// The entries are rows of the block.
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W> Words<W> for ModuleEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W> Words<W> for SegmentEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W> Words<W> for OutputEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W> Words<W> for AlarmEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W` and structures of `W`.
unsafe impl<W> Words<W> for EventEntry<W> {}

impl StatusBlock<AtomicU32> {
    /// Size of the whole segment in bytes.
    pub const SIZE: usize = size_of::<StatusSegment>();

    /// True if the block has our layout.
    pub fn is_ours(&self) -> bool {
        is_ours(|word| words::<AtomicU32, _>(self)[word].load(Ordering::Relaxed))
    }
}

fn is_ours(word: impl Fn(usize) -> u32) -> bool {
    [word(0), word(1), word(2)] == [STATUS_MAGIC, STATUS_VERSION, StatusBlock::SIZE as u32]
}

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
        let copied = consistent(
            || word(SEQUENCE),
            || {
                for (index, to) in words_mut(self).iter_mut().enumerate() {
                    *to = word(index);
                }
            },
        );
        copied && is_ours(|index| words(self)[index])
    }

    /// The word that tells the daemon, also while the block is being written.
    pub fn daemon_of(segment: &Segment) -> u32 {
        segment.load(offset_of!(StatusBlock<u32>, daemon) / size_of::<u32>()).unwrap_or(0)
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

/// Text as words, byte for byte as in memory, zeros behind; cut off at the end.
pub fn pack_text<const N: usize>(text: &str) -> [u32; N] {
    let mut bytes = text.bytes();
    core::array::from_fn(|_| u32::from_ne_bytes(core::array::from_fn(|_| bytes.next().unwrap_or(0))))
}

/// The text in these words, copied into `bytes`, which has room for all of them.
pub fn unpack_text<'a>(words: &[u32], bytes: &'a mut [u8]) -> &'a str {
    for (to, from) in bytes.iter_mut().zip(words.iter().flat_map(|word| word.to_ne_bytes())) {
        *to = from;
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    match str::from_utf8(&bytes[..end]) {
        Ok(text) => text,
        // A cut may go through a character.
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_the_words_and_is_cut_between_characters() {
        let mut bytes = [0; 8];
        assert_eq!(unpack_text(&pack_text::<2>("sdhmgt"), &mut bytes), "sdhmgt");
        assert_eq!(unpack_text(&pack_text::<2>("sdhmgt-12"), &mut bytes), "sdhmgt-1");
        assert_eq!(unpack_text(&pack_text::<2>("1234567ü"), &mut bytes), "1234567");
    }
}
