//! Waiting on a word of shared memory, and waking who waits ([futex(2)]).
//!
//! Always shared, never private: the word is in another process too. The deadline is a moment, not a length, so a loop
//! that was timed out knows the time without asking for it. A kernel that cannot wait on the word (no futex, or EFAULT on a
//! read-only mapping before 3.0.8) says so at once; who waits then must sleep, or it would spin.
//!
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html
use core::ptr;
use core::sync::atomic::AtomicU32;

use libc::c_int;

use crate::clock::{Time, Timespec};
use crate::errno::Errno;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The deadline passed.
    TimedOut,
    /// Another process woke this one, the word had another value already, or a signal came.
    Signaled,
    /// This kernel cannot wait on this word.
    Unsupported(Errno),
}

/// Waits until `word` is woken, is not `seen`, or `deadline` (monotonic) has passed.
pub fn wait(word: &AtomicU32, seen: u32, deadline: Time) -> Woken {
    let deadline = deadline.timespec();
    // FUTEX_WAIT_BITSET (2.6.25) and not FUTEX_WAIT: its timeout is a moment of the monotonic clock.
    // SAFETY: the word is a valid, aligned 32-bit word while borrowed; the call reads one old `timespec`.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET,
            seen,
            ptr::from_ref::<Timespec>(&deadline),
            ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        )
    };
    if answer == 0 {
        return Woken::Signaled;
    }
    match Errno::last() {
        Errno::ETIMEDOUT => Woken::TimedOut,
        Errno::EAGAIN | Errno::EINTR => Woken::Signaled,
        errno => Woken::Unsupported(errno),
    }
}

/// Wakes one process that waits on `word`.
///
/// # Errors
/// ENOSYS: the kernel has no futex. EFAULT: the word is attached read-only, and the kernel older than 3.0.8.
pub fn wake(word: &AtomicU32) -> Result<(), Errno> {
    // SAFETY: the word is a valid, aligned 32-bit word while borrowed; waking touches no memory.
    match unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1 as c_int) } {
        -1 => Err(Errno::last()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{self, MS};

    #[test]
    fn a_wait_ends_at_its_deadline_or_at_once_if_the_word_has_changed() {
        let word = AtomicU32::new(7);
        let deadline = clock::now() + 2 * MS;
        assert_eq!(wait(&word, 7, deadline), Woken::TimedOut);
        assert!(clock::now() >= deadline);
        assert_eq!(wait(&word, 6, Time::NEVER - Time::NEVER.since(deadline)), Woken::Signaled);
    }
}
