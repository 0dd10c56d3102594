//! Why the loop cannot start or continue.
use core::fmt;

use crate::sysv::{self, Key};

/// Why the loop cannot start or continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// Another daemon runs: its process id.
    Runs(u32),
    /// The status block could not be created.
    Status(sysv::Error),
    /// Another process created a segment that is too small in place of the status block.
    TooSmall,
}

impl StartError {
    /// True if the kernel has no more segments or memory.
    pub(super) fn is_limit(self) -> bool {
        matches!(self, StartError::Status(error) if error.is_limit())
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Runs(pid) => {
                write!(f, "alarmd is already running (process {pid}); one alarmd serves the whole board")
            }
            StartError::Status(error) => error.of("status block", Key::STATUS).fmt(f),
            StartError::TooSmall => write!(
                f,
                "status block: key {}: another process created a smaller segment; stop that process",
                Key::STATUS
            ),
        }
    }
}

impl core::error::Error for StartError {}
