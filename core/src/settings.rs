//! What the loop is told to do: the configuration in plain, fixed-size data.
//!
//! Defaults here are the product's; the text of the file is the executable's affair.
use core::ffi::CStr;

use heapless::{String, Vec};

use crate::alarm::{Levels, ModuleId, Name, Severity};
pub use crate::codes::{Kind, OnLost, OnStop, Sequence};
use crate::limits::{MODULES, OUTPUTS, PATH_MAX, TRUSTED};
use crate::process;
use crate::sysv::{Key, Stat};

/// A path, with the zero byte that system calls want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String<{ PATH_MAX + 1 }>);

impl Path {
    /// The path, if it is not empty, has at most 255 bytes and no zero byte.
    pub fn new(text: &str) -> Option<Path> {
        if text.is_empty() || text.len() > PATH_MAX || text.contains('\0') {
            return None;
        }
        let mut path: String<{ PATH_MAX + 1 }> = text.parse().ok()?;
        path.push('\0').ok()?;
        Some(Path(path))
    }

    /// For std.
    pub fn as_str(&self) -> &str {
        self.0.trim_end_matches('\0')
    }

    /// For system calls.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_with_nul(self.0.as_bytes()).unwrap_or(c"")
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long an old producer may wait to be seen, in milliseconds.
    pub poll_ms: u32,
    /// Permissions of the segments that producers write.
    pub mode: u32,
    /// Their group, if not the daemon's own.
    pub group: Option<u32>,
    /// Whose segments are read; empty: anybody's.
    pub trust: Vec<u32, TRUSTED>,
    /// After this long without a round, in milliseconds, the worker is taken to hang.
    pub hang_ms: u32,
    /// The longest pause, in seconds, before a worker that died is replaced.
    pub restart_s: u32,
    /// The hardware watchdog, if it is to be fed.
    pub watchdog: Option<Path>,
    /// After this long without a round, in seconds, the watchdog resets the board.
    pub watchdog_s: u32,
    /// All memory stays in RAM.
    pub lock_memory: bool,
    /// How gladly the kernel kills alarmd where memory is short, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// Real-time priority (SCHED_FIFO), 1 to 99.
    pub priority: Option<u32>,
    /// The modules.
    pub modules: Vec<ModuleSettings, MODULES>,
    /// The outputs.
    pub outputs: Vec<OutputSettings, OUTPUTS>,
}

impl Settings {
    /// True if nobody but trusted users owns or made the segment. Our own are trusted whatever the list says.
    pub fn trusts(&self, stat: &Stat) -> bool {
        self.stranger(stat).is_none()
    }

    /// The user who owns or made the segment and is not trusted.
    pub fn stranger(&self, stat: &Stat) -> Option<u32> {
        let trusted = |uid| self.trust.is_empty() || self.trust.contains(&uid) || uid == process::user();
        [stat.uid, stat.creator].into_iter().find(|uid| !trusted(*uid))
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            poll_ms: 50,
            mode: 0o660,
            group: None,
            trust: Vec::new(),
            hang_ms: 1000,
            restart_s: 60,
            watchdog: None,
            watchdog_s: 30,
            lock_memory: false,
            oom_score_adj: None,
            priority: None,
            modules: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

/// One module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSettings {
    /// Its name.
    pub name: Name,
    /// Its id.
    pub id: ModuleId,
    /// The key of its own segment.
    pub key: Key,
    /// The path from which old producers compute another key.
    pub ftok: Option<Path>,
    /// Severity of `silent`, `lost` and `no producer`.
    pub beat: Severity,
    /// What becomes of its alarms when its segment is removed.
    pub on_lost: OnLost,
    /// What its levels mean.
    pub levels: Levels,
}

impl ModuleSettings {
    /// A module with this name and id, and the defaults.
    pub fn new(name: Name, id: ModuleId) -> ModuleSettings {
        ModuleSettings {
            name,
            id,
            key: Key::of_module(id),
            ftok: None,
            beat: Severity::Major,
            on_lost: OnLost::Clear,
            levels: Levels::default(),
        }
    }
}

/// Where an output is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // there is no heap to put the path on
pub enum Target {
    /// A line of /sys/class/gpio.
    Gpio(u32),
    /// A file: 1 or 0 is written there, max_brightness or 0 where it is an LED's `brightness`.
    Path(Path),
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSettings {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// Where it is.
    pub target: Target,
    /// Energised is the low level.
    pub active_low: bool,
    /// Energised while healthy.
    pub fail_safe: bool,
    /// How it shows alarms.
    pub sequence: Sequence,
    /// What it shows after an orderly stop.
    pub on_stop: OnStop,
    /// This and above; `None`: any. Indeterminate passes always.
    pub severity: Option<Severity>,
    /// Ids of the modules it listens to, 0 for the daemon's own alarms; empty: all.
    pub modules: Vec<u32, { MODULES + 1 }>,
}
