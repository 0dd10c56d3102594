//! What the kernel is asked for: memory lock, priority, and a score for the out-of-memory killer.
use std::fs;
use std::io;

use crate::config::Settings;
use log::warn;

/// Applies the settings to this process. What is not permitted is logged, and alarmd runs without it.
pub fn apply(settings: &Settings) {
    if let Some(score) = settings.oom_score_adj {
        if let Err(error) = fs::write("/proc/self/oom_score_adj", score.to_string()) {
            warn!("oom_score_adj = {score}: not set: {error}; a lower score needs root (CAP_SYS_RESOURCE)");
        }
    }
    if settings.lock_memory {
        // SAFETY: no pointers.
        if unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) } == -1 {
            let error = io::Error::last_os_error();
            warn!("lock_memory = yes: memory not locked: {error}; this needs root or a higher limit (ulimit -l)");
        }
    } else {
        // SAFETY: no pointers. Memory that is not locked is no error.
        unsafe { libc::munlockall() };
    }
    // A priority that was removed from the configuration is not reset: init may have set another one before.
    if let Some(priority) = settings.priority {
        let parameter = priority as libc::c_int;
        // musl's sched_setscheduler always fails: POSIX sets a process, the kernel sets a thread.
        // SAFETY: the call reads one `sched_param`, which for the kernel is the priority alone.
        if unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, libc::SCHED_FIFO, &raw const parameter) } == -1 {
            let error = io::Error::last_os_error();
            warn!("priority = {priority}: not set: {error}; this needs root or a higher limit (ulimit -r)");
        }
    }
}
