//! The sequence lock: one writer at a time, readers that never wait for it, and no process that waits for a dead one.
//!
//! A writer takes `writer` by compare-and-swap, makes `sequence` odd, stores, and makes it even again. A reader copies
//! between two loads of the sequence and keeps the copy if both are the same even number.
//!
//! Hazards: a writer may be killed between any two stores. Then `writer` names a dead process and `sequence` may be odd. The
//! next writer takes the lock from exactly that process, and releasing it makes the sequence even. What the dead process had
//! partly stored must be harmless by the order of its stores; the lock cannot undo it.
use super::sync::{AtomicU32, Ordering, fence, spin_loop};

/// How often a reader tries before it gives up for this round.
const TRIES: usize = 64;

/// The two words of the lock.
#[derive(Clone, Copy)]
pub struct SeqLock<'a> {
    sequence: &'a AtomicU32,
    writer: &'a AtomicU32,
}

impl<'a> SeqLock<'a> {
    /// The lock in these two words.
    pub fn new(sequence: &'a AtomicU32, writer: &'a AtomicU32) -> SeqLock<'a> {
        SeqLock { sequence, writer }
    }

    /// Acquires the lock as the writer `me` (a process id, not 0) if no other process holds it, or if `is_gone` says that its
    /// holder has died.
    ///
    /// # Errors
    /// The process id of the holder.
    pub fn acquire(&self, me: u32, is_gone: impl FnOnce(u32) -> bool) -> Result<WriteGuard<'a>, u32> {
        let swap = |from| self.writer.compare_exchange(from, me, Ordering::Acquire, Ordering::Relaxed);
        if let Err(holder) = swap(0) {
            if !is_gone(holder) {
                return Err(holder);
            }
            swap(holder)?;
        }
        let odd = self.sequence.load(Ordering::Relaxed) | 1;
        self.sequence.store(odd, Ordering::Relaxed);
        // The stores that follow stay behind the odd sequence.
        fence(Ordering::Release);
        Ok(WriteGuard { lock: *self, me, odd })
    }

    /// The process that holds it.
    pub fn holder(&self) -> Option<u32> {
        Some(self.writer.load(Ordering::Relaxed)).filter(|holder| *holder != 0)
    }

    /// Runs `copy` until one run met no writer, at most a fixed number of times. False if every run met one; what was
    /// copied is then not to be used.
    pub fn read(&self, copy: impl FnMut()) -> bool {
        read_consistent(|| self.sequence.load(Ordering::Relaxed), copy)
    }
}

/// [`SeqLock::read`] for a sequence that can only be loaded, relaxed: on ARMv5 an acquire load is a compare-and-swap, which
/// faults where the memory is attached read-only.
pub fn read_consistent(sequence: impl Fn() -> u32, mut copy: impl FnMut()) -> bool {
    for _ in 0..TRIES {
        let before = sequence();
        fence(Ordering::Acquire);
        if before & 1 == 0 {
            copy();
            // The copy's loads stay before the second look.
            fence(Ordering::Acquire);
            if sequence() == before {
                return true;
            }
        }
        spin_loop();
    }
    false
}

/// The right to write. Dropping it releases the lock.
pub struct WriteGuard<'a> {
    lock: SeqLock<'a>,
    me: u32,
    odd: u32,
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        self.lock.sequence.store(self.odd.wrapping_add(1), Ordering::Release);
        // Only if it is still ours: an old client may have wiped the segment, and another writer acquired it.
        let _ = self.lock.writer.compare_exchange(self.me, 0, Ordering::Release, Ordering::Relaxed);
    }
}
