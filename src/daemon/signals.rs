//! Signals are noted in the handler and handled in the loop.
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use libc::c_int;

static ATTENTION: AtomicBool = AtomicBool::new(false);
static PENDING: AtomicU32 = AtomicU32::new(0);

const STOP: u32 = 1;
const RELOAD: u32 = 2;

extern "C" fn note(signal: c_int) {
    let what = if signal == libc::SIGHUP { RELOAD } else { STOP };
    PENDING.fetch_or(what, Ordering::Relaxed);
    ATTENTION.store(true, Ordering::Release);
}

/// What the signals that came ask for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// SIGTERM or SIGINT.
    pub stop: bool,
    /// SIGHUP.
    pub reload: bool,
}

/// Notes SIGTERM, SIGINT and SIGHUP from now on.
///
/// # Errors
/// The kernel's.
pub fn install() -> io::Result<()> {
    // SAFETY: `sigaction` is integers and a pointer; all zeros is a value of it.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // No SA_RESTART: the wait shall end.
    action.sa_sigaction = note as extern "C" fn(c_int) as libc::sighandler_t;
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        // SAFETY: the handler only stores atomics, which a handler may.
        if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Set when a signal came.
pub fn attention() -> &'static AtomicBool {
    &ATTENTION
}

/// Takes what was noted.
pub fn take() -> Wanted {
    // In this order: a signal between the two is seen next time.
    ATTENTION.store(false, Ordering::Release);
    let pending = PENDING.swap(0, Ordering::AcqRel);
    Wanted { stop: pending & STOP != 0, reload: pending & RELOAD != 0 }
}
