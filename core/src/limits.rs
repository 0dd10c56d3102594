//! The capacities of all tables. Every table has a fixed size, because the loop cannot allocate.
//!
//! The cost is for ARMv7. Shared memory costs RAM only where it is touched.

/// Modules that a daemon watches. 340 bytes each, with its name and levels.
pub const MODULES: usize = 32;
/// Outputs that a daemon drives. 520 bytes each in the loop, 200 in the status block.
pub const OUTPUTS: usize = 32;
/// Segments: the fixed one of a module, its ftok one, and one to which the ftok path led before. 1.1 KB each.
pub const SEGMENTS: usize = 3 * MODULES;
/// Alarms that can be active: 33 slots, `silent`, `lost` and `no producer` for each segment, one for each segment refused and
/// each output failed, and those of the daemon itself. 40 bytes each in the status block.
pub const ALARMS: usize = SEGMENTS * 37 + OUTPUTS + 8;
/// Events that are kept.
pub const EVENTS: usize = 256;
/// Places in the ring of events, 48 bytes each. Those beyond [`EVENTS`] are for events that are written and not yet counted:
/// a daemon killed then has destroyed none that counts.
pub const EVENT_PLACES: usize = 512;
/// Slots of a module's segment besides slot 0. 28 bytes each, in the segment and in the loop's copy.
pub const SLOTS: usize = 32;
/// The largest segment that is taken for a module's or the doorbell, in bytes: old programs may have asked for more than they
/// need, and a process that attaches a segment, or locks it in RAM, has all of it.
pub const LARGEST: usize = 64 * 1024;
/// The longest name of a module or an output, in bytes.
pub const NAME_MAX: usize = 31;
/// The longest path, in bytes.
pub const PATH_MAX: usize = 255;
/// Users that the configuration may trust by name.
pub const TRUSTED: usize = 16;
/// Entries that a module may add to the default table of levels. 8 bytes each.
pub const LEVELS: usize = 16;
