//! Signals. The guardian blocks them and waits for them one by one. The worker's handlers note them for its loop.
use std::fmt;
use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alarmd_core::clock::{Nanos, S};
use libc::{c_int, c_long};

/// What the guardian waits for: the end of its child, the users' signals, and the worker's SIGUSR1: the shared state has changed.
const AWAITED: [c_int; 5] = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1];

/// The kernel sends it to the worker when the guardian terminates.
const ORPHANED: c_int = libc::SIGUSR2;

static SIGNALLED: AtomicBool = AtomicBool::new(false);
static PENDING: AtomicU32 = AtomicU32::new(0);

extern "C" fn note(signal: c_int) {
    PENDING.fetch_or(1 << signal, Ordering::Relaxed);
    SIGNALLED.store(true, Ordering::Release);
}

/// A signal that the guardian received.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Its number.
    pub signal: c_int,
    /// The process that sent it; 0 if the kernel or a process of another PID namespace did.
    pub sender: c_int,
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signal {
            libc::SIGTERM => write!(f, "SIGTERM")?,
            libc::SIGINT => write!(f, "SIGINT")?,
            signal => write!(f, "signal {signal}")?,
        }
        if self.sender > 0 { write!(f, " from process {}", self.sender) } else { Ok(()) }
    }
}

/// What the signals since the last call ask the worker for.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// SIGTERM or SIGINT.
    pub stop: bool,
    /// SIGHUP.
    pub reload: bool,
    /// The guardian terminated.
    pub orphaned: bool,
}

/// The awaited signals as a signal set of the kernel, which has 8 bytes.
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

/// Blocks the signals, so that they stay pending until [`wait`].
///
/// # Errors
/// The kernel's.
pub fn block() -> io::Result<()> {
    // A parent that ignores SIGCHLD passes that on, and then no signal would report the worker's end.
    // SAFETY: the default action runs no code of this program.
    if unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    mask(libc::SIG_BLOCK)
}

/// The next signal, or `None` after the timeout. The raw call, because the C library's function may use a newer one.
pub fn wait(timeout: Nanos) -> Option<Received> {
    let set = awaited();
    let time = [(timeout / S) as c_long, (timeout % S) as c_long];
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let (call, info_out, size) = (libc::SYS_rt_sigtimedwait, info.as_mut_ptr(), mem::size_of_val(&set));
    // SAFETY: the call reads a set of 8 bytes and one old `timespec`, two machine words, and writes one `siginfo_t`.
    let signal = unsafe { libc::syscall(call, set.as_ptr(), info_out, time.as_ptr(), size) } as c_int;
    // SAFETY: `siginfo_t` is integers and pointers, so the zeros are valid, and so is what the kernel wrote.
    let sender = unsafe { info.assume_init().si_pid() };
    (signal > 0).then_some(Received { signal, sender })
}

/// Installs the worker's handlers, also for the end of the guardian, its parent.
///
/// # Errors
/// The kernel's.
pub fn install_handlers() -> io::Result<()> {
    // SAFETY: `sigaction` is integers and a pointer, so all zeros is valid.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // Without SA_RESTART, so that a signal ends the loop's wait.
    action.sa_sigaction = note as extern "C" fn(c_int) as libc::sighandler_t;
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, ORPHANED] {
        // SAFETY: the handler only stores to atomics, which is async-signal-safe.
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

/// Makes the guardian read the shared state.
pub fn notify_guardian(guardian: u32) {
    // SAFETY: no pointers.
    unsafe { libc::kill(guardian as libc::pid_t, libc::SIGUSR1) };
}

/// True after a signal, until [`take_pending`].
pub fn signalled() -> &'static AtomicBool {
    &SIGNALLED
}

/// Returns the signals that were noted, and forgets them. The parent of a worker with a guardian is `guardian`.
pub fn take_pending(guardian: u32) -> Pending {
    // In this order, so that a signal between the two is seen by the next call.
    SIGNALLED.store(false, Ordering::Release);
    let pending = PENDING.swap(0, Ordering::AcqRel);
    let came = |signal: c_int| pending & (1 << signal) != 0;
    Pending {
        stop: came(libc::SIGTERM) || came(libc::SIGINT),
        reload: came(libc::SIGHUP),
        orphaned: std::os::unix::process::parent_id() != guardian,
    }
}
