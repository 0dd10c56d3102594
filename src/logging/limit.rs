//! The limits on log lines: their length, their rate, and the count of those that were dropped.
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd_core::clock;
use alarmd_core::rate_limiter::RateLimiter;
use log::Level;

/// A log line in a fixed buffer. Longer text is cut off.
pub type LogLine = heapless::String<1536>;

/// Lines that were dropped since the last line that was written.
static DROPPED: AtomicU32 = AtomicU32::new(0);

static LIMIT: Mutex<Option<RateLimiter>> = Mutex::new(None);

/// Errors have a limit of their own: a flood of alarms must not hide the failure of an output.
static ERROR_LIMIT: Mutex<Option<RateLimiter>> = Mutex::new(Some(RateLimiter::new(100, 1)));

/// Sets the limit for all lines other than errors.
pub fn set(rate: RateLimiter) {
    *LIMIT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(rate);
}

/// True if another line may be written now. Otherwise the line is counted as dropped.
pub fn permits(level: Level) -> bool {
    let now = clock::now();
    let limit = if level == Level::Error { &ERROR_LIMIT } else { &LIMIT };
    let mut limit = limit.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(limit) = limit.as_mut() else { return true };
    let permitted = limit.delay(now) == 0;
    if permitted {
        limit.record(now);
    } else {
        add_dropped(1);
    }
    permitted
}

/// Returns the count of dropped lines, and starts a new count.
pub fn take_dropped() -> u32 {
    DROPPED.swap(0, Ordering::Relaxed)
}

/// Counts lines that could not be written.
pub fn add_dropped(lines: u32) {
    DROPPED.fetch_add(lines, Ordering::Relaxed);
}
