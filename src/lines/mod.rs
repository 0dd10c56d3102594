//! Sets lines up: GPIOs through sysfs_gpio, files and LEDs by their paths. Everything here may allocate; it runs at the
//! start, at a reload, and for a line that has failed.
mod file;
mod gpio;
mod open;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alarmd::clock::{self, Nanos, S, Time};
use alarmd::output::{Hardware, Line, LineError};
use alarmd::settings::{OutputSettings, Target};

/// How long the files of all lines together may take to become writable after their export: udev sets their owner then.
pub const PATIENCE: Nanos = S;

/// The board's real lines.
#[derive(Default)]
pub struct Sysfs {
    /// Until when files may become writable. Past while the loop runs: it tries again later instead.
    pub patient_until: Time,
    /// Set when something else is more urgent than to be patient.
    pub attention: Option<&'static AtomicBool>,
    /// Another number while lines are being set up, so that nobody thinks that this process hangs.
    pub progress: Option<&'static AtomicU32>,
    /// Goes up when a fail-safe output's line was set up: who holds it too must open it again.
    pub renewed: Option<&'static AtomicU32>,
}

impl Hardware for Sysfs {
    fn set_up(&mut self, output: &OutputSettings, energised: bool) -> Result<Line, LineError> {
        self.note_progress();
        let line = match &output.target {
            Target::Gpio(number) => gpio::set_up(*number, output.active_low, energised, || self.may_wait()),
            Target::Path(path) => file::set_up(Path::new(path.as_str()), output.active_low, energised),
        };
        if let Some(renewed) = self.renewed.filter(|_| output.fail_safe) {
            renewed.fetch_add(1, Ordering::Release);
        }
        line
    }
}

impl Sysfs {
    /// From now on [`PATIENCE`].
    pub fn be_patient(&mut self) {
        self.patient_until = clock::now() + PATIENCE;
    }

    /// From now on none.
    pub fn be_quick(&mut self) {
        self.patient_until = Time::default();
    }

    fn may_wait(&self) -> bool {
        let urgent = || self.attention.is_some_and(|attention| attention.load(Ordering::Relaxed));
        if clock::now() >= self.patient_until || urgent() {
            return false;
        }
        self.note_progress();
        true
    }

    fn note_progress(&self) {
        self.progress.map(|progress| progress.fetch_add(1, Ordering::Relaxed));
    }

    /// Opens a line that is set up already, and leaves it as it is.
    pub fn hold(output: &OutputSettings) -> Option<Line> {
        match &output.target {
            Target::Gpio(number) => gpio::open_existing(*number, output.active_low),
            Target::Path(path) => file::open_existing(Path::new(path.as_str()), output.active_low),
        }
        .ok()
    }
}
