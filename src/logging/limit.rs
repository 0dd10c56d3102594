//! How many lines are written.
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd::clock;
use alarmd::pace::Pace;
use log::Level;

/// How many lines were dropped since the last that was written.
pub static DROPPED: AtomicU32 = AtomicU32::new(0);

pub static PACE: Mutex<Option<Pace>> = Mutex::new(None);

/// Errors have a pace of their own: no flood of alarms hides that a line cannot be driven.
static ERRORS: Mutex<Option<Pace>> = Mutex::new(Some(Pace::new(100, 1)));

/// True if another line may be written now; else it is counted.
pub fn is_in_pace(level: Level) -> bool {
    let now = clock::now();
    let pace = if level == Level::Error { &ERRORS } else { &PACE };
    let mut pace = pace.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let Some(pace) = pace.as_mut() else { return true };
    let in_pace = pace.wait(now) == 0;
    if in_pace {
        pace.count(now);
    } else {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
    in_pace
}
