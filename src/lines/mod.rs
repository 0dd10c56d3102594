//! Sets lines up: GPIOs through sysfs_gpio, files and LEDs by their paths. Everything here may allocate; it runs at the
//! start, at a reload, and for a line that has failed.
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alarmd::clock::{self, MS, Nanos, S, Time};
use alarmd::errno::Errno;
use alarmd::file::Inode;
use alarmd::output::{Hardware, Line, LineError, Step};
use alarmd::settings::{OutputSettings, Target};
use sysfs_gpio::{Direction, Pin};

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
            Target::Gpio(number) => self.gpio(*number, output.active_low, energised),
            Target::Path(path) => file(Path::new(path.as_str()), output.active_low, energised),
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

    fn note_progress(&self) {
        self.progress.map(|progress| progress.fetch_add(1, Ordering::Relaxed));
    }

    /// Opens a line that is set up already, and leaves it as it is.
    pub fn hold(output: &OutputSettings) -> Option<Line> {
        match &output.target {
            Target::Gpio(number) => {
                open(Path::new(&format!("/sys/class/gpio/gpio{number}/value")), output.active_low, 1, false)
            }
            Target::Path(path) => {
                let path = Path::new(path.as_str());
                open(path, output.active_low, full(path), false)
            }
        }
        .ok()
    }

    fn gpio(&self, number: u32, active_low: bool, energised: bool) -> Result<Line, LineError> {
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
        self.wait_until_writable(&folder);
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

    fn wait_until_writable(&self, folder: &Path) {
        let urgent = || self.attention.is_some_and(|attention| attention.load(Ordering::Relaxed));
        let writable = |name| OpenOptions::new().write(true).open(folder.join(name)).is_ok();
        while !(writable("value") && (writable("direction") || inode(&folder.join("direction")).is_none())) {
            if clock::now() >= self.patient_until || urgent() {
                // What cannot be written is told by who writes it.
                return;
            }
            self.note_progress();
            clock::sleep(5 * MS);
        }
    }
}

/// Not by std, which asks with a call that some old kernels use for something else.
fn inode(path: &Path) -> Option<Inode> {
    CString::new(path.as_os_str().as_bytes()).ok().and_then(|path| Inode::of(&path).ok())
}

fn file(path: &Path, active_low: bool, energised: bool) -> Result<Line, LineError> {
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

fn open(path: &Path, active_low: bool, full: u32, create: bool) -> Result<Line, LineError> {
    let open = |read| OpenOptions::new().read(read).write(true).create(create).mode(0o644).open(path);
    // What may be written but not read is driven without being read back.
    let file = open(true).or_else(|_| open(false)).map_err(|error| io_failed(Step::Open, &error))?;
    Ok(Line::new(file.into_raw_fd(), active_low, full))
}

fn io_failed(step: Step, error: &io::Error) -> LineError {
    LineError { step, errno: Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)) }
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
