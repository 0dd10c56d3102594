//! Every number that another process or the next daemon reads, with its word.
//!
//! Each value is written out, so that the order of an enum cannot change a byte. docs/wire-format.md lists the same tables
//! under "Numbers", and include/alarm.h has those that producers need; a test compares the three.
mod origin;

pub use origin::Origin;

use core::fmt;

/// An enum whose numbers and words are fixed: `NAME { Variant = NUMBER "word", }`.
macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum $name { $($(#[$doc])* $variant = $number,)* }

        impl $name {
            /// All of them, in the order of their numbers.
            pub const ALL: [$name; [$($number),*].len()] = [$($name::$variant,)*];

            /// The number.
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The word.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The one with this number.
            pub const fn from_number(number: u32) -> Option<$name> {
                match number { $($number => Some($name::$variant),)* _ => None }
            }

            /// The one with this word.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

codes! {
    /// Severity after ITU-T X.733, most severe first.
    Severity {
        /// Service is lost: act at once.
        Critical = 0 "critical",
        /// Service is badly degraded: act urgently.
        Major = 1 "major",
        /// A fault that does not affect service yet.
        Minor = 2 "minor",
        /// A sign of a coming fault.
        Warning = 3 "warning",
        /// Unknown: shown by every output, so that nothing is lost.
        Indeterminate = 4 "indeterminate",
        /// The alarm has ended.
        Cleared = 5 "cleared",
    }
}

codes! {
    /// What happened to an alarm.
    EventKind {
        /// It became active.
        Raised = 0 "raised",
        /// It was raised again, or its words changed while it is active.
        Changed = 1 "changed",
        /// It ended.
        Cleared = 2 "cleared",
        /// An operator acknowledged it.
        Acknowledged = 3 "acknowledged",
    }
}

codes! {
    /// `alarm_type` of the daemon's own alarms (module 0).
    DaemonAlarmType {
        /// A segment is refused. code: the module's id, or 0; index: the role, or 1 the doorbell, 2 the status block.
        Refused = 1 "segment refused",
        /// An output cannot be driven. index: its position, from 1.
        Failed = 2 "output failed",
        /// The configuration was refused when it was read again.
        Configuration = 3 "configuration refused",
        /// The worker was replaced. code: the signal, 0 if it hung or exited; index: how many times.
        Restarted = 4 "worker restarted",
        /// The wall clock was set back. code: seconds.
        Clock = 5 "clock went back",
        /// No memory or no segment is available. code and index as for `Refused`.
        Limit = 6 "limit reached",
    }
}

codes! {
    /// The daemon's own alarms that last, as bits of its saved state.
    DaemonAlarm {
        /// The configuration was refused.
        Configuration = 1 "configuration",
        /// The doorbell cannot be created for lack of memory or segments.
        Doorbell = 2 "doorbell limit",
        /// The status block cannot be created for lack of memory or segments.
        Status = 4 "status limit",
        /// The doorbell belongs to another program, and alarmd may not replace it.
        DoorbellRefused = 8 "doorbell refused",
        /// The status block belongs to another program, and alarmd may not replace it.
        StatusRefused = 16 "status refused",
    }
}

codes! {
    /// What an output is.
    OutputKind {
        /// Seen.
        Lamp = 0 "lamp",
        /// Switched: to a station's alarm circuit.
        Relay = 1 "relay",
        /// Heard.
        Horn = 2 "horn",
    }
}

codes! {
    /// How an output shows alarms, after ISA-18.1.
    #[derive(Default)]
    Sequence {
        /// While one is active: the original.
        #[default]
        Follow = 0 "follow",
        /// Flashes until acknowledged, also where the alarm has ended meanwhile; steady while it is active; off by itself.
        A = 1 "A",
        /// As A while it is active; what has ended flashes slowly until it is acknowledged.
        M = 2 "M",
    }
}

codes! {
    /// What an output shows.
    Indication {
        /// No alarm.
        Nothing = 0 "nothing",
        /// An alarm, steadily.
        Alarm = 1 "alarm",
        /// An alarm that is not acknowledged: 2 Hz.
        Flash = 2 "flash",
        /// An alarm that has ended and is not acknowledged: 0.5 Hz.
        SlowFlash = 3 "slow flash",
    }
}

codes! {
    /// What an output keeps beyond the active alarms, as bits of the saved state.
    LatchedBit {
        /// An alarm came and is not acknowledged.
        Unacknowledged = 1 "unacknowledged",
        /// An alarm ended and that is not acknowledged.
        Returned = 2 "returned",
        /// An operator has silenced it since the last alarm came.
        Silenced = 4 "silenced",
    }
}

codes! {
    /// The step of setting up or driving a line that failed; 0 stands for none.
    LineStep {
        /// Writing the number to /sys/class/gpio/export.
        Export = 1 "export",
        /// Writing `active_low`.
        ActiveLow = 2 "active_low",
        /// Writing `direction`.
        Direction = 3 "direction",
        /// Opening the file that is kept open.
        Open = 4 "open",
        /// Writing the level.
        Write = 5 "write",
        /// Reading the level back.
        Read = 6 "read",
        /// The file was deleted (no errno).
        Deleted = 7 "file deleted",
        /// The file holds no number (no errno).
        NotANumber = 8 "file holds no number",
    }
}

codes! {
    /// How a module's segment is found.
    SegmentRole {
        /// By the module's own key.
        Fixed = 0 "fixed",
        /// By the key that old producers compute from a path.
        Ftok = 1 "ftok",
        /// The path led here before; another process is still attached.
        Former = 2 "former",
    }
}

codes! {
    /// How a segment is.
    SegmentState {
        /// It is read, and another process is attached.
        Ok = 0 "ok",
        /// No other process is attached: its producer has left or died.
        NoProducer = 1 "no producer",
        /// Its producer promised to beat and does not.
        Silent = 2 "silent",
        /// A writer holds the lock and does not leave: slots 1 to 32 are shown as they were.
        Busy = 3 "busy",
        /// It is not read; the reason says why.
        Refused = 4 "refused",
        /// The ftok path gives no key.
        NoKey = 5 "no key",
    }
}

codes! {
    /// The System V call that failed.
    SysvOp {
        /// `shmget` on a key that must exist.
        Get = 1 "shmget",
        /// `shmget` with IPC_CREAT.
        Create = 2 "shmget(IPC_CREAT)",
        /// `shmat`.
        Attach = 3 "shmat",
        /// `shmctl` with IPC_STAT.
        Stat = 4 "shmctl(IPC_STAT)",
        /// `shmctl` with IPC_SET.
        Set = 5 "shmctl(IPC_SET)",
        /// `shmctl` with IPC_RMID.
        Remove = 6 "shmctl(IPC_RMID)",
    }
}

codes! {
    /// Why a segment is refused or has no key; 0 stands for neither.
    RefusalReason {
        /// `detail` is the [`SysvOp`] that failed; `errno` says how.
        SystemCall = 1 "system call failed",
        /// `detail` is the user who owns or created it and is not trusted.
        Untrusted = 2 "owner not trusted",
        /// `detail` is its size, which is above the largest.
        TooLarge = 3 "too large",
        /// `detail` is its size, which is below the smallest.
        TooSmall = 4 "too small",
        /// `detail` is its mode, which lets untrusted users write, and which alarmd may not change.
        ModeTooWide = 5 "mode too wide",
        /// The previous daemon refused it, and this one has not checked it yet.
        Restored = 6 "not checked yet",
        /// The ftok path is relative.
        PathRelative = 7 "path is relative",
        /// The ftok path cannot be used; `errno` says why.
        PathUnusable = 8 "path unusable",
        /// The ftok path gives key 0.
        KeyPrivate = 9 "key is 0",
        /// The ftok path gives the key of another segment.
        KeyTaken = 10 "key is another segment's",
    }
}

codes! {
    /// What is saved of a segment, as bits.
    SavedFlag {
        /// The alarms stand for a removed segment until a producer writes.
        Held = 1 "held",
        /// The alarm `lost` is active.
        Lost = 2 "lost",
        /// The alarm `silent` is active.
        Silent = 4 "silent",
        /// The alarm `no producer` is active.
        NoProducer = 8 "no producer",
        /// A producer was attached at two checks in a row.
        Steady = 16 "steady",
        /// The daemon created the segment.
        Created = 32 "created",
        /// The segment has not been read yet.
        Unread = 64 "unread",
    }
}

codes! {
    /// A section of the status block.
    SectionType {
        /// The modules.
        Modules = 1 "modules",
        /// Their segments.
        Segments = 2 "segments",
        /// The outputs.
        Outputs = 3 "outputs",
        /// The active alarms.
        Alarms = 4 "alarms",
        /// The ring of events.
        Events = 5 "events",
        /// The saved state, for the next daemon.
        SavedState = 6 "saved state",
    }
}

codes! {
    /// What an operator orders: a bit of the doorbell's `command`.
    Command {
        /// Everything that is shown is acknowledged.
        Acknowledge = 1 "acknowledge",
        /// Horns stop.
        Silence = 2 "silence",
        /// Every lamp is on for a while.
        LampTest = 4 "lamp test",
    }
}

codes! {
    /// How far the worker is, for the guardian.
    WorkerState {
        /// It sets up: lines may take their time.
        Starting = 0 "starting",
        /// It makes rounds.
        Working = 1 "working",
    }
}

codes! {
    /// Exit codes of alarmd and alarmctl.
    ExitStatus {
        /// Done.
        Done = 0 "done",
        /// Failed; the reason is on stderr.
        Failed = 1 "failed",
        /// The command line is wrong.
        Usage = 2 "usage",
        /// No daemon runs.
        NoDaemon = 3 "no daemon",
        /// Another daemon runs (between worker and guardian).
        Replaced = 4 "replaced",
    }
}

codes! {
    /// What becomes of a module's alarms when its segment is removed.
    #[derive(Default)]
    OnLost {
        /// They end: the original's meaning of leaving.
        #[default]
        Clear = 0 "clear",
        /// They stay until a producer writes again.
        Hold = 1 "hold",
        /// They end, and the module's alarm `lost` is raised until a producer is there again.
        Raise = 2 "raise",
    }
}

codes! {
    /// What an output shows after the daemon has ended in order.
    OnStop {
        /// An alarm: nothing watches any more. The default of a relay.
        Alarm = 0 "alarm",
        /// No alarm. The default of a lamp and a horn.
        Clear = 1 "clear",
        /// What it showed.
        Hold = 2 "hold",
    }
}

impl OnStop {
    /// What it is without a word in the configuration.
    pub const fn of(kind: OutputKind) -> OnStop {
        match kind {
            OutputKind::Relay => OnStop::Alarm,
            OutputKind::Lamp | OutputKind::Horn => OnStop::Clear,
        }
    }
}

/// The levels that the default table knows, as `alarm_level` and as `enum alarm_level` of include/alarm.h has them. All others
/// are indeterminate.
pub const LEVELS: [(u32, Severity); 5] = [
    (0, Severity::Indeterminate),
    (1, Severity::Critical),
    (2, Severity::Major),
    (3, Severity::Minor),
    (4, Severity::Warning),
];
