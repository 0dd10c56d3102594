//! GPIO lines of the kernel's sysfs interface, /sys/class/gpio.
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use alarmd_core::clock::{self, MS};
use alarmd_core::codes::LineStep;
use alarmd_core::errno::Errno;
use alarmd_core::output::{Line, LineError};
use sysfs_gpio::{Direction, Pin};

use super::open::{inode, line_error, open};

/// Exports the line and makes it an output with this level. Waits for its files while `may_wait` returns true.
pub fn set_up(number: u32, active_low: bool, energised: bool, may_wait: impl Fn() -> bool) -> Result<Line, LineError> {
    let pin = Pin::new(number.into());
    let folder = folder(number);
    // Pin::export checks for the folder with statx, which old kernels lack.
    if inode(&folder).is_none() {
        if let Err(error) = fs::write("/sys/class/gpio/export", number.to_string()) {
            // Another process may have exported the line in between.
            if inode(&folder).is_none() {
                return Err(line_error(LineStep::Export, &error));
            }
        }
    }
    wait_until_writable(&folder, may_wait);
    // alarmd inverts levels itself, so the kernel must not. This write does not move the line.
    match pin.set_active_low(false) {
        Err(error) if errno(&error) != Errno::ENOENT => return Err(pin_error(LineStep::ActiveLow, &error)),
        _ => {}
    }
    // "high" and "low" set level and direction in one step, without a glitch.
    let level = if energised != active_low { Direction::High } else { Direction::Low };
    let is_fixed_output = match pin.set_direction(level) {
        Err(error) if errno(&error) == Errno::ENOENT && inode(&folder.join("value")).is_some() => true,
        Err(error) => return Err(pin_error(LineStep::Direction, &error)),
        Ok(()) => false,
    };
    let line = open(&folder.join("value"), active_low, 1, false)?;
    if is_fixed_output {
        line.write(energised)?;
    }
    Ok(line)
}

/// Opens an exported line, and does not change it.
pub fn open_existing(number: u32, active_low: bool) -> Result<Line, LineError> {
    open(&folder(number).join("value"), active_low, 1, false)
}

fn folder(number: u32) -> PathBuf {
    PathBuf::from(format!("/sys/class/gpio/gpio{number}"))
}

/// After a timeout the step that needs the file reports the error.
fn wait_until_writable(folder: &Path, may_wait: impl Fn() -> bool) {
    let writable = |name| OpenOptions::new().write(true).open(folder.join(name)).is_ok();
    // A fixed output has no `direction`.
    while !(writable("value") && (writable("direction") || inode(&folder.join("direction")).is_none())) {
        if !may_wait() {
            return;
        }
        clock::sleep(5 * MS);
    }
}

fn errno(error: &sysfs_gpio::Error) -> Errno {
    match error {
        sysfs_gpio::Error::Io(error) => Errno::from_raw(error.raw_os_error().unwrap_or(0)),
        _ => Errno::from_raw(0),
    }
}

fn pin_error(step: LineStep, error: &sysfs_gpio::Error) -> LineError {
    LineError { step, errno: errno(error) }
}
