//! Signals. The guardian takes them one by one where it waits; the worker notes them in a handler and handles them in its loop.
use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alarmd::clock::{Nanos, S};
use libc::{c_int, c_long};

/// What the guardian waits for: a child that died, and what users send. SIGUSR1 is the worker's: look at the heart.
const AWAITED: [c_int; 5] = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1];

/// The worker gets it when the guardian has died.
const ORPHANED: c_int = libc::SIGUSR2;

static ATTENTION: AtomicBool = AtomicBool::new(false);
static PENDING: AtomicU32 = AtomicU32::new(0);

extern "C" fn note(signal: c_int) {
    PENDING.fetch_or(1 << signal, Ordering::Relaxed);
    ATTENTION.store(true, Ordering::Release);
}

/// What the signals that came ask the worker for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// SIGTERM or SIGINT.
    pub stop: bool,
    /// SIGHUP.
    pub reload: bool,
    /// The guardian has died.
    pub orphaned: bool,
}

/// The signals as the kernel's set has them.
fn awaited() -> [u32; 2] {
    [AWAITED.iter().fold(0, |set, signal| set | (1 << (signal - 1))), 0]
}

fn mask(how: c_int) -> io::Result<()> {
    let set = awaited();
    let none = ptr::null_mut::<u32>();
    // SAFETY: the call reads a set of 8 bytes, which `set` is.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, set.as_ptr(), none, mem::size_of_val(&set)) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// From now on the signals wait until the guardian [`wait`]s.
///
/// # Errors
/// The kernel's.
pub fn block() -> io::Result<()> {
    // Whoever started us may ignore it: then nobody would tell of a child that died.
    // SAFETY: the default action runs no code of ours.
    if unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    mask(libc::SIG_BLOCK)
}

/// The next signal, or `None` after this long. By the kernel's own call: the C library's may try a newer one.
pub fn wait(patience: Nanos) -> Option<c_int> {
    let set = awaited();
    let time = [(patience / S) as c_long, (patience % S) as c_long];
    let none = ptr::null_mut::<libc::siginfo_t>();
    // SAFETY: the call reads a set of 8 bytes and one old `timespec`, two machine words.
    let signal =
        unsafe { libc::syscall(libc::SYS_rt_sigtimedwait, set.as_ptr(), none, time.as_ptr(), mem::size_of_val(&set)) };
    (signal > 0).then_some(signal as c_int)
}

/// Notes the signals from now on, in the worker; also the death of the guardian, its parent.
///
/// # Errors
/// The kernel's.
pub fn attend() -> io::Result<()> {
    // SAFETY: `sigaction` is integers and a pointer; all zeros is a value of it.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // No SA_RESTART: the wait shall end.
    action.sa_sigaction = note as extern "C" fn(c_int) as libc::sighandler_t;
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, ORPHANED] {
        // SAFETY: the handler only stores atomics, which a handler may.
        if unsafe { libc::sigaction(signal, &action, ptr::null_mut()) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: no pointers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, ORPHANED as libc::c_ulong) } == -1 {
        return Err(io::Error::last_os_error());
    }
    mask(libc::SIG_UNBLOCK)
}

/// The worker tells the guardian to look at the heart.
pub fn tell(guardian: u32) {
    // SAFETY: no pointers.
    unsafe { libc::kill(guardian as libc::pid_t, libc::SIGUSR1) };
}

/// Set when a signal came.
pub fn attention() -> &'static AtomicBool {
    &ATTENTION
}

/// Takes what was noted. `guardian` is who must be the parent.
pub fn take(guardian: u32) -> Wanted {
    // In this order: a signal between the two is seen next time.
    ATTENTION.store(false, Ordering::Release);
    let pending = PENDING.swap(0, Ordering::AcqRel);
    let came = |signal: c_int| pending & (1 << signal) != 0;
    Wanted {
        stop: came(libc::SIGTERM) || came(libc::SIGINT),
        reload: came(libc::SIGHUP),
        orphaned: std::os::unix::process::parent_id() != guardian,
    }
}
