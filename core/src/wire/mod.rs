//! What the bytes of each segment mean: the contract with every other process, old and new.
//!
//! Every field is a 32-bit word in the machine's byte order. Everything here may be written by others at any time, so it
//! is only ever loaded and stored through atomics, one word at a time. docs/wire-format.md tells it for people,
//! include/alarm.h for C; a test holds the three against each other.
mod doorbell;
mod memory;
mod module;
mod sequence;
mod status;

/// What the sequence lock is built from. The model checker's test puts its own in this place.
mod sync {
    pub use core::hint::spin_loop;
    pub use core::sync::atomic::{AtomicU32, Ordering, fence};
}

pub use doorbell::{DOORBELL_MAGIC, DOORBELL_VERSION, Doorbell};
pub use memory::{Memory, MemoryCopy, SavedOutput, SavedSegment};
pub use module::{MODULE_MAGIC, ModuleSegment, Slot, copy_module, copy_record, copy_words};
pub use sequence::{Inside, Sequence, consistent};
pub use status::{
    AlarmEntry, EventEntry, ModuleEntry, NO_GPIO, OutputEntry, STATUS_MAGIC, STATUS_VERSION, SegmentEntry, StatusBlock,
    StatusSegment, pack_text, unpack_text,
};
