//! The whole configuration: the settings of the loop, and those of the guardian and its processes.
use alarmd_core::clock::{MS, Nanos};
use alarmd_core::path::FilePath;
use alarmd_core::poll;

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Those of the loop.
    pub poll: poll::Settings,
    /// After this long without a round, in milliseconds, the worker hangs.
    pub hang_ms: u32,
    /// The longest delay, in seconds, before a worker that died is replaced.
    pub restart_s: u32,
    /// The hardware watchdog, if it is to be fed.
    pub watchdog: Option<FilePath>,
    /// After this long without a round, in seconds, the watchdog resets the board.
    pub watchdog_s: u32,
    /// All memory stays in RAM.
    pub lock_memory: bool,
    /// How early the kernel kills alarmd when memory is short, -1000 (never) to 1000.
    pub oom_score_adj: Option<i32>,
    /// Real-time priority (SCHED_FIFO), 1 to 99.
    pub priority: Option<u32>,
}

impl Settings {
    /// The longest time between two rounds: half of what guardian and watchdog allow.
    pub fn longest_wait(&self) -> Nanos {
        Nanos::from((self.hang_ms / 2).min(self.watchdog_s * 500)) * MS
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            poll: poll::Settings::default(),
            hang_ms: 1000,
            restart_s: 60,
            watchdog: None,
            watchdog_s: 30,
            lock_memory: false,
            oom_score_adj: None,
            priority: None,
        }
    }
}
