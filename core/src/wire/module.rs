//! The module segment: slot 0 as the original had it, and slots 1 to 32 under a sequence lock.
use core::mem::{offset_of, size_of};
use core::sync::atomic::{AtomicU32, Ordering};

use super::seqlock::SeqLock;
use crate::alarm::{AlarmId, Record};
use crate::limits::SLOTS;
use crate::sysv::{Word, Words, words, words_mut};

/// `"ALM1"`: a new-style producer has written.
pub const MODULE_MAGIC: u32 = 0x314D_4C41;

/// One of slots 1 to 32. `flag` is stored last when an alarm is raised, and alone when it is cleared, so that a producer
/// killed between two stores leaves no half alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Slot<W = AtomicU32> {
    /// Not 0 while the alarm is up.
    pub flag: W,
    /// `alarm_type`
    pub alarm_type: W,
    /// `alarm_code`
    pub code: W,
    /// `alarm_level`
    pub level: W,
    /// `alarm_index`
    pub index: W,
    /// When it was raised, in seconds since 1970.
    pub raised_at: W,
    /// How many times it was raised.
    pub count: W,
}

impl Slot<u32> {
    /// What alarm this is.
    pub fn id(&self) -> AlarmId {
        AlarmId { alarm_type: self.alarm_type, code: self.code, index: self.index }
    }
}

/// The module segment, 1024 bytes. `W` is `AtomicU32` in shared memory and `u32` in a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct ModuleSegment<W = AtomicU32> {
    /// Slot 0: flag, type, code, level, index. Old producers store here with plain writes.
    pub record: [W; 5],
    /// Zero.
    pub zero: [W; 11],
    /// [`MODULE_MAGIC`] once a new-style producer has written.
    pub magic: W,
    /// Odd while slots are being written.
    pub sequence: W,
    /// Process id of who is writing slots, 0 if none.
    pub writer: W,
    /// A producer that promises to be alive counts up here.
    pub beat: W,
    /// How often it promises to, in milliseconds; 0: no promise.
    pub beat_ms: W,
    /// Process id of the module's main producer, 0 if unknown.
    pub owner: W,
    /// Zero.
    pub more_zero: [W; 10],
    /// Slots 1 to 32.
    pub slots: [Slot<W>; SLOTS],
}

const _: () = {
    type Segment = ModuleSegment<u32>;
    assert!(size_of::<Segment>() == 1024);
    assert!(size_of::<ModuleSegment>() == 1024);
    assert!(offset_of!(Segment, magic) == 64);
    assert!(offset_of!(Segment, sequence) == 68);
    assert!(offset_of!(Segment, writer) == 72);
    assert!(offset_of!(Segment, beat) == 76);
    assert!(offset_of!(Segment, beat_ms) == 80);
    assert!(offset_of!(Segment, owner) == 84);
    assert!(offset_of!(Segment, slots) == 128);
    assert!(size_of::<Slot<u32>>() == 28);
    assert!(size_of::<Record>() == size_of::<[u32; 5]>());
};

// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for ModuleSegment<W> {}
// SAFETY: `repr(C)`, and nothing but `W`.
unsafe impl<W: Word> Words<W> for Slot<W> {}

impl ModuleSegment<AtomicU32> {
    /// The lock over slots 1 to 32.
    pub fn lock(&self) -> SeqLock<'_> {
        SeqLock::new(&self.sequence, &self.writer)
    }
}

impl ModuleSegment<u32> {
    /// Nothing raised, no writer.
    pub const EMPTY: ModuleSegment<u32> = ModuleSegment {
        record: [0; 5],
        zero: [0; 11],
        magic: 0,
        sequence: 0,
        writer: 0,
        beat: 0,
        beat_ms: 0,
        owner: 0,
        more_zero: [0; 10],
        slots: [Slot { flag: 0, alarm_type: 0, code: 0, level: 0, index: 0, raised_at: 0, count: 0 }; SLOTS],
    };

    /// Slot 0 as the record it is.
    pub fn record(&self) -> Record {
        let [flag, alarm_type, code, level, index] = self.record;
        Record { flag, alarm_type, code, level, index }
    }
}

/// Slot 0: taken when two copies in a row agree, for its writers know no lock; `None` if they never do.
pub fn copy_record(segment: &ModuleSegment) -> Option<[u32; 5]> {
    let once = || segment.record.each_ref().map(|word| word.load(Ordering::Acquire));
    let mut last = once();
    for _ in 0..16 {
        let next = once();
        if next == last {
            return Some(next);
        }
        last = next;
    }
    None
}

/// Everything from the magic on, under the sequence: magic, beat, owner and slots 1 to 32. False if a writer was inside
/// all the time; `copy` is then not to be used.
pub fn copy_module(segment: &ModuleSegment, copy: &mut ModuleSegment<u32>) -> bool {
    segment.lock().read(|| copy_words(segment, copy))
}

/// The same without looking at the sequence, for who is inside.
pub fn copy_words(segment: &ModuleSegment, copy: &mut ModuleSegment<u32>) {
    const MAGIC: usize = offset_of!(ModuleSegment<u32>, magic) / size_of::<u32>();
    let from = &words::<AtomicU32, _>(segment)[MAGIC..];
    for (to, from) in words_mut(copy)[MAGIC..].iter_mut().zip(from) {
        *to = from.load(Ordering::Relaxed);
    }
}
