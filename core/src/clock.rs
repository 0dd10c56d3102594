//! Time by the oldest system call that gives it, `clock_gettime`.
//!
//! The C library would try `clock_gettime64` (403) first on 32-bit machines. Kernels before 5.1 do not have it, and some
//! vendors' kernels use that number for a call of their own. The raw old call costs no detour and cannot be mistaken.
use core::ops::{Add, Sub};
use core::ptr;

use libc::{c_int, c_long};

/// A moment of the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

/// A stretch of time, in nanoseconds.
pub type Nanos = u64;

/// A millisecond.
pub const MS: Nanos = 1_000_000;
/// A second.
pub const S: Nanos = 1_000 * MS;

impl Time {
    /// Later than every moment that comes.
    pub const NEVER: Time = Time(u64::MAX);

    /// The moment this long after the clock's zero.
    pub const fn from_nanos(nanos: Nanos) -> Time {
        Time(nanos)
    }

    /// Milliseconds since the clock's zero, as a wrapping word.
    pub const fn millis(self) -> u32 {
        (self.0 / MS) as u32
    }

    /// How long after `earlier` this is; 0 if it is not.
    pub const fn since(self, earlier: Time) -> Nanos {
        self.0.saturating_sub(earlier.0)
    }

    /// As the kernel's old calls take it. On 32-bit machines both words are 32 bits wide.
    pub(crate) const fn timespec(self) -> Timespec {
        Timespec { seconds: (self.0 / S) as c_long, nanos: (self.0 % S) as c_long }
    }
}

impl Add<Nanos> for Time {
    type Output = Time;
    fn add(self, nanos: Nanos) -> Time {
        Time(self.0.saturating_add(nanos))
    }
}

impl Sub<Nanos> for Time {
    type Output = Time;
    fn sub(self, nanos: Nanos) -> Time {
        Time(self.0.saturating_sub(nanos))
    }
}

/// The kernel's own `timespec` of the old calls: two machine words, whatever the C library's is.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Timespec {
    seconds: c_long,
    nanos: c_long,
}

fn read(clock: c_int) -> Timespec {
    let mut time = Timespec::default();
    // SAFETY: the call writes one old `timespec`, two machine words, which `time` is.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, ptr::from_mut(&mut time)) };
    time
}

/// Now, by the monotonic clock, which cannot be set and does not count suspends.
pub fn now() -> Time {
    let time = read(libc::CLOCK_MONOTONIC);
    Time(time.seconds as u64 * S + time.nanos as u64)
}

/// Seconds since 1970 as the wall clock has it, in a word (until 2106).
pub fn wall() -> u32 {
    read(libc::CLOCK_REALTIME).seconds as u32
}

/// Sleeps this long, or until a signal.
pub fn sleep(nanos: Nanos) {
    let time = Time(nanos).timespec();
    // SAFETY: the call reads one old `timespec`; a null remainder is allowed.
    unsafe { libc::syscall(libc::SYS_nanosleep, ptr::from_ref(&time), ptr::null_mut::<Timespec>()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_advances_and_the_wall_clock_equals_time_of_libc() {
        let before = now();
        sleep(MS);
        assert!(now().since(before) >= MS);
        // SAFETY: a null pointer is allowed.
        let libc_seconds = unsafe { libc::time(ptr::null_mut()) } as u32;
        assert!(libc_seconds.wrapping_sub(wall()) <= 1);
    }

    #[test]
    fn times_saturate_instead_of_wrapping() {
        assert_eq!(Time::NEVER + S, Time::NEVER);
        assert_eq!(Time::default() - S, Time::default());
        assert_eq!(Time::default().since(Time::NEVER), 0);
    }
}
