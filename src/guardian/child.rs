//! How the worker ended.
use libc::c_int;

/// How a worker ended.
pub enum End {
    /// In order.
    Stopped,
    /// By itself, with an exit code.
    Failed(u8),
    /// By a signal; 0: it hung, and was killed for that.
    Died(u32),
}

/// How a child ended, if it has.
pub fn ended(worker: c_int) -> Option<End> {
    let mut status = 0;
    // SAFETY: the call writes one `int`.
    match unsafe { libc::waitpid(worker, &mut status, libc::WNOHANG) } {
        0 => return None,
        found if found == worker => {}
        // There is no such child: whatever it died of, it has.
        _ => return Some(End::Died(libc::SIGKILL as u32)),
    }
    Some(match (libc::WIFSIGNALED(status), libc::WEXITSTATUS(status)) {
        (true, _) => End::Died(libc::WTERMSIG(status) as u32),
        (false, 0) => End::Stopped,
        (false, code) => End::Failed(code as u8),
    })
}
