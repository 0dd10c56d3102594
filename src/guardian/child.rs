//! How the worker's process ended.
use std::fmt;

use libc::c_int;

/// The end of a worker.
pub enum Exit {
    /// It stopped in order.
    Stopped,
    /// It exited with this code.
    Failed(u8),
    /// It was killed by this signal; 0: by the guardian, because it hung.
    Killed(u32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Stopped => write!(f, "stopped"),
            Exit::Failed(code) => write!(f, "exited with code {code}"),
            Exit::Killed(signal) => write!(f, "killed by signal {signal}"),
        }
    }
}

/// How the child ended; `None` while it runs.
pub fn exit_of(worker: c_int) -> Option<Exit> {
    let mut status = 0;
    // SAFETY: the call writes one `int`.
    match unsafe { libc::waitpid(worker, &mut status, libc::WNOHANG) } {
        0 => return None,
        pid if pid == worker => {}
        // No such child: it has ended, and how is unknown.
        _ => return Some(Exit::Killed(libc::SIGKILL as u32)),
    }
    Some(match (libc::WIFSIGNALED(status), libc::WEXITSTATUS(status)) {
        (true, _) => Exit::Killed(libc::WTERMSIG(status) as u32),
        (false, 0) => Exit::Stopped,
        (false, code) => Exit::Failed(code as u8),
    })
}
