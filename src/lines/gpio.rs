//! GPIO lines under /sys/class/gpio.
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use alarmd::clock::{self, MS};
use alarmd::output::{Line, LineError, Step};
use alarmd::sysv::Errno;
use sysfs_gpio::{Direction, Pin};

use super::open::{inode, io_failed, open};

/// Exports the line and makes it an output.
pub fn set_up(number: u32, active_low: bool, energised: bool, may_wait: impl Fn() -> bool) -> Result<Line, LineError> {
    let pin = Pin::new(number.into());
    let folder = PathBuf::from(format!("/sys/class/gpio/gpio{number}"));
    // Not by sysfs_gpio, which looks with a newer call whether it is exported already.
    if inode(&folder).is_none() {
        if let Err(error) = fs::write("/sys/class/gpio/export", number.to_string()) {
            // Somebody else may have been faster.
            if inode(&folder).is_none() {
                return Err(io_failed(Step::Export, &error));
            }
        }
    }
    wait_until_writable(&folder, may_wait);
    // Polarity is ours. Where the kernel's was set it would turn our levels round; setting it moves no line.
    match pin.set_active_low(false) {
        Err(error) if errno(&error) != Errno::ENOENT => return Err(failed(Step::ActiveLow, &error)),
        _ => {}
    }
    // The physical level together with the direction: no glitch.
    let level = if energised != active_low { Direction::High } else { Direction::Low };
    let fixed = match pin.set_direction(level) {
        // A line that is an output for good has no such file.
        Err(error) if errno(&error) == Errno::ENOENT && inode(&folder.join("value")).is_some() => true,
        Err(error) => return Err(failed(Step::Direction, &error)),
        Ok(()) => false,
    };
    let line = open(&folder.join("value"), active_low, 1, false)?;
    if fixed {
        line.write(energised).map_err(|errno| LineError { step: Step::Write, errno })?;
    }
    Ok(line)
}

/// Opens the line, and leaves it as it is.
pub fn open_existing(number: u32, active_low: bool) -> Result<Line, LineError> {
    open(Path::new(&format!("/sys/class/gpio/gpio{number}/value")), active_low, 1, false)
}

fn wait_until_writable(folder: &Path, may_wait: impl Fn() -> bool) {
    let writable = |name| OpenOptions::new().write(true).open(folder.join(name)).is_ok();
    while !(writable("value") && (writable("direction") || inode(&folder.join("direction")).is_none())) {
        if !may_wait() {
            // What cannot be written is told by who writes it.
            return;
        }
        clock::sleep(5 * MS);
    }
}

fn errno(error: &sysfs_gpio::Error) -> Errno {
    match error {
        sysfs_gpio::Error::Io(error) => Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        _ => Errno::EIO,
    }
}

fn failed(step: Step, error: &sysfs_gpio::Error) -> LineError {
    LineError { step, errno: errno(error) }
}
