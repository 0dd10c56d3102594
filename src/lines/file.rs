//! Files, and LEDs by their `brightness`.
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use alarmd::output::{Line, LineError, Step};

use super::open::{inode, io_failed, open};

/// Opens the file, or makes it, and writes the level.
pub fn set_up(path: &Path, active_low: bool, energised: bool) -> Result<Line, LineError> {
    if is_led(path) {
        // A trigger of the kernel would go on switching the LED.
        let trigger = path.with_file_name("trigger");
        if inode(&trigger).is_some() {
            fs::write(trigger, "none").map_err(|error| io_failed(Step::Open, &error))?;
        }
    }
    // A device that is not there must be told, not covered by a plain file of its name.
    let may_create = !path.starts_with("/dev") || path.starts_with("/dev/shm");
    let mut line = open(path, active_low, full(path), may_create)?;
    if inode(path).is_some_and(|inode| inode.is_plain()) {
        line = line.plain();
    }
    line.write(energised).map_err(|errno| LineError { step: Step::Write, errno })?;
    Ok(line)
}

fn is_led(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "brightness")
}

/// What the high level is written as.
fn full(path: &Path) -> u32 {
    let led = is_led(path).then(|| first_number(&path.with_file_name("max_brightness")));
    led.flatten().unwrap_or(1)
}

/// The number that stands at the beginning of a file.
fn first_number(path: &Path) -> Option<u32> {
    let mut text = [0; 16];
    let length = File::open(path).and_then(|mut file| file.read(&mut text)).ok()?;
    std::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
}

/// Opens the file, and leaves it as it is.
pub fn open_existing(path: &Path, active_low: bool) -> Result<Line, LineError> {
    open(path, active_low, full(path), false)
}
