//! How the kernel shall treat alarmd: memory, priority, and who is killed first where memory is short.
use std::fs;
use std::io;

use alarmd::settings::Settings;
use log::warn;

/// Makes this process what the settings say. What is not allowed is told, and alarmd works without it.
pub fn take(settings: &Settings) {
    if let Some(score) = settings.oom_score_adj {
        if let Err(error) = fs::write("/proc/self/oom_score_adj", score.to_string()) {
            warn!("oom_score_adj = {score}: {error}; root may lower it (CAP_SYS_RESOURCE)");
        }
    }
    if settings.lock_memory {
        // SAFETY: no pointers.
        told("lock_memory = yes", unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) } == 0);
    } else {
        // SAFETY: no pointers; what was never locked is unlocked without an error.
        unsafe { libc::munlockall() };
    }
    // Not set back where it was taken out of the configuration: an init may have set it.
    if let Some(priority) = settings.priority {
        let parameter = priority as libc::c_int;
        // musl's function fails always, for POSIX means threads where the kernel means processes.
        // SAFETY: the call reads one `sched_param`, which begins with the priority and is that alone for the kernel.
        let done = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, libc::SCHED_FIFO, &raw const parameter) };
        told("priority", done == 0);
    }
}

fn told(what: &str, done: bool) {
    if !done {
        warn!("{what}: {}; root may do that, or a raised limit (ulimit -l, ulimit -r)", io::Error::last_os_error());
    }
}
