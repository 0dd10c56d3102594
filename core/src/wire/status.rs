//! The status block: what the daemon sees and shows, published under a sequence lock for all readers.
//!
//! Only the daemon writes it (mode 0644). A reader checks magic, version and size, copies it between two loads of the sequence,
//! and asks [`crate::process::ProcessIdentity`] whether the daemon named in it is still that process. Behind it in the same
//! segment is the [`SavedState`], which is for the next daemon alone. `sections` says where each table is.
use core::mem::{offset_of, size_of};
use core::sync::atomic::{AtomicU32, Ordering};

use super::saved_state::SavedState;
use super::section::{SECTIONS, Section};
use crate::limits::{ALARMS, EVENT_PLACES, MODULES, OUTPUTS, SEGMENTS};
use crate::sysv::{Word, Words, words};

/// `"ALMS"`: this is a status block.
pub const STATUS_MAGIC: u32 = 0x534D_4C41;
/// The layout's version.
pub const STATUS_VERSION: u32 = 4;

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
    /// Reserved, zero.
    pub spare: [W; 6],
    /// Bytes, zero at the end.
    pub name: [W; 8],
}

/// One segment of a module. 48 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SegmentEntry<W = AtomicU32> {
    /// Id of its module.
    pub module: W,
    /// Number of [`crate::codes::SegmentRole`].
    pub role: W,
    /// The key; 0 where the path gives none.
    pub key: W,
    /// The kernel's id of the segment, -1 if not attached.
    pub shmid: W,
    /// Number of [`crate::codes::SegmentState`].
    pub state: W,
    /// errno of the system call for which it is refused or has no key, 0 if none.
    pub errno: W,
    /// How many other processes are attached.
    pub producers: W,
    /// The owner's user id.
    pub uid: W,
    /// `owner` of the segment: its main producer's process id.
    pub owner: W,
    /// In bytes.
    pub size: W,
    /// Number of [`crate::codes::RefusalReason`]; 0 if it is not refused and has a key.
    pub reason: W,
    /// What the reason needs: see [`crate::codes::RefusalReason`].
    pub detail: W,
}

/// One output. 200 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct OutputEntry<W = AtomicU32> {
    /// Number of [`crate::codes::OutputKind`].
    pub kind: W,
    /// The GPIO's number, or [`NO_GPIO`].
    pub gpio: W,
    /// 1: the line is active low.
    pub active_low: W,
    /// Number of [`crate::codes::Sequence`].
    pub sequence: W,
    /// What it shows: number of [`crate::codes::Indication`].
    pub shows: W,
    /// 1: that is an alarm.
    pub alarm: W,
    /// 1: its line is at the active level.
    pub energised: W,
    /// Number of the [`crate::codes::LineStep`] that failed; 0: the line works.
    pub failed: W,
    /// errno of that step, 0 if no system call failed.
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
    pub alarm_type: W,
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
    /// [`crate::process::ProcessIdentity`] of the daemon's guardian, the process to signal; 0 if it left in order.
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
    /// [`crate::process::ProcessIdentity`] of the daemon's worker, which writes this.
    pub worker: W,
    /// How many times the guardian has started another worker.
    pub restarts: W,
    /// How many entries of `sections` count.
    pub section_count: W,
    /// Reserved, zero.
    pub spare: [W; 15],
    /// Where each section is.
    pub sections: [Section<W>; SECTIONS],
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

/// The segment: the block, and the saved state behind it.
#[derive(Debug)]
#[repr(C)]
pub struct StatusSegment<W = AtomicU32> {
    /// For all readers.
    pub status: StatusBlock<W>,
    /// For the next daemon.
    pub saved: SavedState<W>,
}

const _: () = {
    assert!(offset_of!(StatusBlock<u32>, sections) == 128);
    assert!(offset_of!(StatusBlock<u32>, modules) == 384);
    assert!(size_of::<ModuleEntry<u32>>() == 64);
    assert!(size_of::<SegmentEntry<u32>>() == 48);
    assert!(size_of::<OutputEntry<u32>>() == 200);
    assert!(size_of::<AlarmEntry<u32>>() == 40);
    assert!(size_of::<EventEntry<u32>>() == 48);
    assert!(size_of::<StatusBlock<u32>>() == size_of::<StatusBlock>());
};

// SAFETY: `repr(C)`, and nothing but `W` and structures of `W`.
unsafe impl<W: Word> Words<W> for StatusBlock<W> {}
// SAFETY: `repr(C)`, and nothing but structures of `W`.
unsafe impl<W: Word> Words<W> for StatusSegment<W> {}

// The entries are rows of the block.
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for ModuleEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for SegmentEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for OutputEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for AlarmEntry<W> {}
// SAFETY: `repr(C)`, and nothing but `W` and structures of `W`.
unsafe impl<W: Word> Words<W> for EventEntry<W> {}

impl StatusBlock<AtomicU32> {
    /// Size of the whole segment in bytes.
    pub const SIZE: usize = size_of::<StatusSegment>();

    /// True if the block has our layout.
    pub fn is_ours(&self) -> bool {
        is_ours(|word| words::<AtomicU32, _>(self)[word].load(Ordering::Relaxed))
    }
}

/// True if the first three words are those of our layout.
pub(super) fn is_ours(word: impl Fn(usize) -> u32) -> bool {
    [word(0), word(1), word(2)] == [STATUS_MAGIC, STATUS_VERSION, StatusBlock::SIZE as u32]
}
