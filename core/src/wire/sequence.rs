//! The sequence lock: one writer at a time, readers that never wait for it, and nobody stuck behind the dead.
//!
//! A writer takes `writer` by compare-and-swap, makes `sequence` odd, stores, and makes it even again. A reader copies
//! between two loads of the sequence and keeps the copy if both are the same even number.
//!
//! What can bite: a writer may be killed between any two stores. Then `writer` names a dead process and `sequence` may be
//! odd: the next writer takes over from exactly that process, and its leaving makes the sequence even. What the dead one
//! had half stored must be harmless by the order of its stores; the lock cannot undo it.
use super::sync::{AtomicU32, Ordering, fence, spin_loop};

/// How often a reader tries before it leaves it for the next round.
const TRIES: usize = 64;

/// The two words of the lock.
#[derive(Clone, Copy)]
pub struct Sequence<'a> {
    sequence: &'a AtomicU32,
    writer: &'a AtomicU32,
}

impl<'a> Sequence<'a> {
    /// The lock in these two words.
    pub fn new(sequence: &'a AtomicU32, writer: &'a AtomicU32) -> Sequence<'a> {
        Sequence { sequence, writer }
    }

    /// Enters as the writer `me` (a process id, not 0) if nobody else is inside, or if `is_gone` says that who is inside
    /// has died there.
    ///
    /// # Errors
    /// The process id of who is inside.
    pub fn enter(&self, me: u32, is_gone: impl FnOnce(u32) -> bool) -> Result<Inside<'a>, u32> {
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
        Ok(Inside { lock: *self, me, odd })
    }

    /// Who is inside; `None` if nobody is.
    pub fn holder(&self) -> Option<u32> {
        Some(self.writer.load(Ordering::Relaxed)).filter(|holder| *holder != 0)
    }

    /// Runs `copy` until one run met no writer, at most a fixed number of times. False if every run met one; what was
    /// copied is then not to be used.
    pub fn read(&self, copy: impl FnMut()) -> bool {
        consistent(|| self.sequence.load(Ordering::Relaxed), copy)
    }
}

/// [`Sequence::read`] for a sequence that can only be loaded, relaxed: on ARMv5 an acquire load is a compare-and-swap, which
/// faults where the memory is attached read-only.
pub fn consistent(sequence: impl Fn() -> u32, mut copy: impl FnMut()) -> bool {
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

/// Being the one writer. Dropping it lets readers and the next writer in.
pub struct Inside<'a> {
    lock: Sequence<'a>,
    me: u32,
    odd: u32,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.lock.sequence.store(self.odd.wrapping_add(1), Ordering::Release);
        // Only if it is still ours: an old client may have wiped the segment, and another writer entered.
        let _ = self.lock.writer.compare_exchange(self.me, 0, Ordering::Release, Ordering::Relaxed);
    }
}
