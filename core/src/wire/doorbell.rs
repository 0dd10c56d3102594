//! The doorbell: the segment with the word that wakes the daemon.
use core::mem::size_of;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::codes::Command;
use crate::futex;
use crate::sysv::Words;

/// `"ALMB"`: this is a doorbell.
pub const DOORBELL_MAGIC: u32 = 0x424D_4C41;
/// The layout's version.
pub const DOORBELL_VERSION: u32 = 1;

/// The doorbell segment, 256 bytes.
#[repr(C)]
pub struct Doorbell {
    /// [`DOORBELL_MAGIC`]
    pub magic: AtomicU32,
    /// [`DOORBELL_VERSION`]
    pub version: AtomicU32,
    /// The futex word: every ring adds 1.
    pub bell: AtomicU32,
    /// Not 0 while the daemon sleeps on `bell`, so that a ring needs the system call.
    pub waiting: AtomicU32,
    /// Bits of [`Command`], which the daemon clears as it carries them out.
    pub command: AtomicU32,
    /// How long a lamp test is, in seconds; 0: the usual time.
    pub lamp_test_s: AtomicU32,
    /// Counts up when commands are completed and their result is published.
    pub completed: AtomicU32,
    /// Reserved, zero.
    pub spare: [AtomicU32; 57],
}

const _: () = assert!(size_of::<Doorbell>() == 256);

// SAFETY: `repr(C)` and `AtomicU32` only.
unsafe impl Words<AtomicU32> for Doorbell {}

impl Doorbell {
    /// True if this is a doorbell of our version.
    pub fn is_ours(&self) -> bool {
        self.magic.load(Ordering::Relaxed) == DOORBELL_MAGIC && self.version.load(Ordering::Relaxed) == DOORBELL_VERSION
    }

    /// Drops its commands: those that were given while no daemon ran, or to the previous one, were about what was shown then.
    pub fn drop_commands(&self) {
        self.command.store(0, Ordering::Relaxed);
    }

    /// Makes it a doorbell of our version. The count of the bell stays, for processes may wait on it.
    pub fn claim(&self) {
        self.version.store(DOORBELL_VERSION, Ordering::Relaxed);
        self.magic.store(DOORBELL_MAGIC, Ordering::Release);
    }

    /// Gives the daemon this command, and rings.
    pub fn order(&self, command: Command) {
        self.command.fetch_or(command as u32, Ordering::Release);
        self.ring();
    }

    /// True if the daemon has not taken it yet.
    pub fn is_pending(&self, command: Command) -> bool {
        self.command.load(Ordering::Acquire) & command as u32 != 0
    }

    /// Takes the commands that were given: those for which this is then true.
    pub fn take_commands(&self) -> impl Fn(Command) -> bool + use<> {
        let taken = self.command.swap(0, Ordering::AcqRel);
        move |command| taken & command as u32 != 0
    }

    /// Rings. To be called after the stores that the daemon is to see. It makes a system call only if the daemon sleeps.
    pub fn ring(&self) {
        // Both sequentially consistent: either we see `waiting`, or the daemon, which sets it before it looks at `bell`
        // a last time in the kernel, sees our ring.
        self.bell.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) != 0 {
            // A daemon that cannot be woken reads the segments after its poll period.
            let _ = futex::wake(&self.bell);
        }
    }
}
