//! The state that guardian and worker share, in memory of theirs alone: that the worker makes rounds, and which lines must show an
//! alarm when it does not.
use std::io;
use std::mem::size_of;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use alarmd_core::alarm::Name;
use alarmd_core::annunciator::Rule;
use alarmd_core::codes::{OnStop, OutputKind, WorkerState};
use alarmd_core::limits::OUTPUTS;
use alarmd_core::output::{OutputSettings, Target};
use alarmd_core::path::FilePath;
use alarmd_core::sysv::{Words, words};
use alarmd_core::wire::{NO_GPIO, SeqLock, pack_text, unpack_text};

/// The shared memory. It starts as zeros.
#[repr(C)]
pub struct SharedState {
    rounds: AtomicU32,
    state: AtomicU32,
    restarts: AtomicU32,
    cause: AtomicU32,
    reloads: AtomicU32,
    reopened: AtomicU32,
    sequence: AtomicU32,
    writer: AtomicU32,
    count: AtomicU32,
    lines: [FailSafeLine; LINES],
}

/// During a reload the old lines and the new ones are published.
const LINES: usize = 2 * OUTPUTS;

/// The line of a fail-safe output.
#[repr(C)]
struct FailSafeLine {
    gpio: AtomicU32,
    active_low: AtomicU32,
    path: [AtomicU32; 64],
}

// SAFETY: `repr(C)`, and all fields are `AtomicU32`.
unsafe impl Words<AtomicU32> for FailSafeLine {}

impl SharedState {
    /// Maps memory that this process shares with its children, until it ends.
    ///
    /// # Errors
    /// ENOMEM
    pub fn map() -> io::Result<&'static SharedState> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address that the kernel chooses.
        let base = unsafe { libc::mmap(ptr::null_mut(), size_of::<SharedState>(), protection, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is page-aligned, large enough, zeroed and never unmapped, and `SharedState` is atomic words only.
        Ok(unsafe { &*base.cast::<SharedState>() })
    }

    /// What the worker does.
    pub fn state(&self) -> WorkerState {
        WorkerState::from_number(self.state.load(Ordering::Acquire)).unwrap_or(WorkerState::Starting)
    }

    /// Sets what the worker does.
    pub fn set_state(&self, state: WorkerState) {
        self.state.store(state.number(), Ordering::Release);
    }

    /// The number of completed rounds, wrapping.
    pub fn rounds(&self) -> &AtomicU32 {
        &self.rounds
    }

    /// Counts a configuration that a worker has loaded.
    pub fn count_reload(&self) {
        self.reloads.fetch_add(1, Ordering::Release);
    }

    /// The number of configurations that workers have loaded.
    pub fn reloads(&self) -> u32 {
        self.reloads.load(Ordering::Acquire)
    }

    /// The number of fail-safe lines that were set up, wrapping. Descriptors that were opened before may be dead.
    pub fn reopened(&self) -> &AtomicU32 {
        &self.reopened
    }

    /// The number of workers before this one.
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// The signal that killed the last worker; 0 if it hung.
    pub fn cause(&self) -> u32 {
        self.cause.load(Ordering::Relaxed)
    }

    /// Counts a restart, with the signal that killed the last worker.
    pub fn count_restart(&self, cause: u32) {
        self.cause.store(cause, Ordering::Relaxed);
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Publishes the lines of those outputs that are fail-safe.
    pub fn publish_lines<'a>(&self, outputs: impl IntoIterator<Item = &'a OutputSettings>) {
        // There is one writer at a time. A worker that was killed here left an odd sequence; releasing the lock makes it even.
        let writer = AtomicU32::new(0);
        let Ok(_guard) = SeqLock::new(&self.sequence, &writer).acquire(1, |_| true) else { return };
        let mut count = 0;
        for (output, line) in outputs.into_iter().filter(|output| output.fail_safe).zip(&self.lines) {
            let (gpio, path) = match &output.target {
                Target::Gpio(number) => (*number, [0; 64]),
                Target::Path(path) => (NO_GPIO, pack_text(path.as_str())),
            };
            let values = [gpio, output.active_low.into()].into_iter().chain(path);
            words(line).iter().zip(values).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
            count += 1;
        }
        self.count.store(count, Ordering::Relaxed);
    }

    /// Changes when [`SharedState::lines`] changes, or when the lines must be opened again.
    pub fn version(&self) -> (u32, u32) {
        (self.sequence.load(Ordering::Acquire), self.reopened.load(Ordering::Acquire))
    }

    /// The published lines, as outputs. `None` while a worker publishes them, and after one was killed in that.
    pub fn lines(&self) -> Option<Vec<OutputSettings>> {
        let mut lines = Vec::new();
        let writer = AtomicU32::new(0);
        let consistent = SeqLock::new(&self.sequence, &writer).read(|| {
            let count = LINES.min(self.count.load(Ordering::Relaxed) as usize);
            lines = self.lines[..count].iter().filter_map(FailSafeLine::output).collect();
        });
        consistent.then_some(lines)
    }
}

impl FailSafeLine {
    fn output(&self) -> Option<OutputSettings> {
        let target = match self.gpio.load(Ordering::Relaxed) {
            NO_GPIO => {
                let path = self.path.each_ref().map(|word| word.load(Ordering::Relaxed));
                Target::Path(FilePath::new(unpack_text(&path, &mut [0; 256]))?)
            }
            number => Target::Gpio(number),
        };
        Some(OutputSettings {
            name: Name::new("fail-safe")?,
            rule: Rule { kind: OutputKind::Relay, ..Rule::default() },
            target,
            active_low: self.active_low.load(Ordering::Relaxed) != 0,
            fail_safe: true,
            on_stop: OnStop::Alarm,
        })
    }
}
