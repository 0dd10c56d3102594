//! What the bytes of each segment mean: the contract with every other process, old and new.
//!
//! Every field is a 32-bit word in the machine's byte order. Other processes may write everything here at any time, so it
//! is only ever loaded and stored through atomics, one word at a time. docs/wire-format.md describes it for
//! people, include/alarm.h for C; a test compares the three.
mod directory;
mod doorbell;
mod module;
mod saved_state;
mod section;
mod seqlock;
mod status;
mod status_copy;
mod text;

/// What the sequence lock is built from. The model checker's test puts its own in this place.
mod sync {
    pub use core::hint::spin_loop;
    pub use core::sync::atomic::{AtomicU32, Ordering, fence};
}

pub use directory::{DIRECTORY, copy_from_earlier};
pub use doorbell::{DOORBELL_MAGIC, DOORBELL_VERSION, Doorbell};
pub use module::{MODULE_MAGIC, ModuleSegment, Slot, copy_module, copy_record, copy_words};
pub use saved_state::{SavedCopy, SavedOutput, SavedSegment, SavedState};
pub use section::{SECTIONS, Section};
pub use seqlock::{SeqLock, WriteGuard, read_consistent};
pub use status::{
    AlarmEntry, EventEntry, ModuleEntry, NO_GPIO, OutputEntry, STATUS_MAGIC, STATUS_VERSION, SegmentEntry, StatusBlock,
    StatusSegment,
};
pub use text::{pack_text, unpack_text};
