//! Set-up of output lines: GPIO lines through sysfs, files and LEDs by their paths.
//!
//! This code may allocate. It runs at the start, at a reload, and when a line has failed; a round only writes to open lines.
//!
//! Hazards: after an export, udev needs time to change the owner of a line's files. The wait for that is limited for all lines
//! together, and ends when a signal arrives.
mod file;
mod gpio;
mod open;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alarmd_core::clock::{self, Nanos, S, Time};
use alarmd_core::output::{Hardware, Line, LineError, OutputSettings, Target};

/// How long to wait, for all lines together, until exported files are writable.
const EXPORT_TIMEOUT: Nanos = S;

/// The lines of this board.
#[derive(Default)]
pub struct BoardLines {
    /// The end of the wait for exported files. In the past while the loop runs: it does not wait, and retries later.
    pub wait_until: Time,
    /// Ends the wait when set.
    pub signalled: Option<&'static AtomicBool>,
    /// Incremented during the set-up, so that the guardian does not take a long one for a hang.
    pub progress: Option<&'static AtomicU32>,
    /// Incremented when the line of a fail-safe output was set up: the guardian must open it again.
    pub reopened: Option<&'static AtomicU32>,
}

impl Hardware for BoardLines {
    fn set_up(&mut self, output: &OutputSettings, energised: bool) -> Result<Line, LineError> {
        self.note_progress();
        let line = match &output.target {
            Target::Gpio(number) => gpio::set_up(*number, output.active_low, energised, || self.may_wait()),
            Target::Path(path) => file::set_up(Path::new(path.as_str()), output.active_low, energised),
        };
        if let Some(reopened) = self.reopened.filter(|_| output.fail_safe) {
            reopened.fetch_add(1, Ordering::Release);
        }
        line
    }
}

impl BoardLines {
    /// Allows the set-up to wait for exported files.
    pub fn allow_wait(&mut self) {
        self.wait_until = clock::now() + EXPORT_TIMEOUT;
    }

    /// Makes the set-up fail at once where a file is not writable.
    pub fn forbid_wait(&mut self) {
        self.wait_until = Time::default();
    }

    /// Opens a line that is already set up, and does not change it.
    pub fn open_existing(output: &OutputSettings) -> Option<Line> {
        match &output.target {
            Target::Gpio(number) => gpio::open_existing(*number, output.active_low),
            Target::Path(path) => file::open_existing(Path::new(path.as_str()), output.active_low),
        }
        .ok()
    }

    fn may_wait(&self) -> bool {
        self.note_progress();
        let signalled = self.signalled.is_some_and(|signalled| signalled.load(Ordering::Relaxed));
        clock::now() < self.wait_until && !signalled
    }

    fn note_progress(&self) {
        self.progress.map(|progress| progress.fetch_add(1, Ordering::Relaxed));
    }
}
