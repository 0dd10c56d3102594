//! Lines that are files: an LED's `brightness`, or any file that takes 1 and 0.
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use alarmd_core::codes::LineStep;
use alarmd_core::output::{Line, LineError};

use super::open::{inode, line_error, open};

/// Opens or creates the file, and writes the level.
pub fn set_up(path: &Path, active_low: bool, energised: bool) -> Result<Line, LineError> {
    if is_led(path) {
        // The kernel's trigger would keep switching the LED.
        let trigger = path.with_file_name("trigger");
        if inode(&trigger).is_some() {
            fs::write(trigger, "none").map_err(|error| line_error(LineStep::Open, &error))?;
        }
    }
    // A missing device is an error. A plain file in its place would hide it.
    let may_create = !path.starts_with("/dev") || path.starts_with("/dev/shm");
    let mut line = open(path, active_low, high_level(path), may_create)?;
    if inode(path).is_some_and(|inode| inode.is_plain()) {
        line = line.plain();
    }
    line.write(energised)?;
    Ok(line)
}

/// Opens an existing file, and does not change it.
pub fn open_existing(path: &Path, active_low: bool) -> Result<Line, LineError> {
    open(path, active_low, high_level(path), false)
}

fn is_led(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "brightness")
}

/// The number that is written for the high level.
fn high_level(path: &Path) -> u32 {
    let led = is_led(path).then(|| first_number(&path.with_file_name("max_brightness")));
    led.flatten().unwrap_or(1)
}

/// The number at the beginning of a file.
fn first_number(path: &Path) -> Option<u32> {
    let mut text = [0; 16];
    let length = File::open(path).and_then(|mut file| file.read(&mut text)).ok()?;
    std::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
}
