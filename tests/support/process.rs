//! Processes that a test starts, and ends by their id.
use std::fs;
use std::process::Child;

use super::wait::{wait_for, wait_until};

/// A process that is killed and waited for when it is dropped.
pub struct Process(pub Child);

impl Process {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal. After SIGSTOP it returns when the process has stopped.
    #[track_caller]
    pub fn signal(&self, signal: libc::c_int) {
        // SAFETY: no pointers; the process is ours and not waited for yet.
        assert_eq!(unsafe { libc::kill(self.0.id() as libc::pid_t, signal) }, 0);
        if signal == libc::SIGSTOP {
            wait_until_stopped(self.id());
        }
    }

    /// Waits for its end and gives its exit code.
    #[track_caller]
    pub fn exit_code(&mut self) -> Option<i32> {
        wait_for("the process ends", || self.0.try_wait().expect("our child")).code()
    }

    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until a process that was sent SIGSTOP runs no more: kill(2) returns before that.
#[track_caller]
pub fn wait_until_stopped(process: u32) {
    wait_until("the process is stopped", || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // Or it was killed in the meantime.
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 't', 'Z', 'X']))
    });
}
