//! A descriptor that stays open, and the bytes for its two levels.
use core::ffi::c_int;
use core::fmt::Write;

use heapless::String;

use super::error::LineError;
use crate::codes::LineStep;
use crate::errno::Errno;
use crate::file;

/// The open file of a line. Closed on drop.
#[derive(Debug)]
pub struct Line {
    fd: c_int,
    /// What is written for the inactive and the active level, equally long.
    levels: [String<10>; 2],
    active_low: bool,
    plain: bool,
}

impl Line {
    /// Takes over the descriptor, which is closed with the line. `full` is what is written for the high level: 1, or the
    /// max_brightness of an LED.
    pub fn new(fd: c_int, active_low: bool, full: u32) -> Line {
        let mut high = String::new();
        let _ = write!(high, "{full}");
        let mut low = String::new();
        // As long as the other: a shorter text would leave the end of the longer one in a regular file.
        let _ = write!(low, "{:0width$}", 0, width = high.len());
        let levels = if active_low { [high, low] } else { [low, high] };
        Line { fd, levels, active_low, plain: false }
    }

    /// The file is a regular one, which another process may delete or truncate: [`Line::read`] checks that too.
    pub fn plain(mut self) -> Line {
        self.plain = true;
        self
    }

    /// Writes the level: one system call.
    ///
    /// # Errors
    /// ENODEV: the line was unexported. EPERM: it is an input.
    pub fn write(&self, energised: bool) -> Result<(), LineError> {
        let bytes = self.levels[usize::from(energised)].as_bytes();
        // SAFETY: the bytes are ours and their length goes with them.
        match unsafe { libc::pwrite(self.fd, bytes.as_ptr().cast(), bytes.len(), 0) } {
            -1 => Err(LineError::last(LineStep::Write)),
            _ => Ok(()),
        }
    }

    /// Reads the level back: energised or not; `None` where the file has no level to read.
    ///
    /// # Errors
    /// ENODEV: the line was unexported. [`LineStep::Deleted`], [`LineStep::NotANumber`]: the regular file was deleted or overwritten.
    pub fn read(&self) -> Result<Option<bool>, LineError> {
        if self.plain && file::is_deleted(self.fd) {
            return Err(LineError::without_errno(LineStep::Deleted));
        }
        let mut buffer = [0u8; 16];
        // SAFETY: the buffer is ours and its length goes with it.
        let count = unsafe { libc::pread(self.fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let Ok(count) = usize::try_from(count) else {
            return match Errno::last() {
                // Opened for writing only.
                Errno::EBADF => Ok(None),
                errno => Err(LineError { step: LineStep::Read, errno }),
            };
        };
        let text = core::str::from_utf8(&buffer[..count]).unwrap_or("");
        match text.trim().parse::<u32>() {
            Ok(level) => Ok(Some((level != 0) != self.active_low)),
            // We wrote a number to it.
            Err(_) if self.plain => Err(LineError::without_errno(LineStep::NotANumber)),
            Err(_) => Ok(None),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours since `new` and closed only here.
        unsafe { libc::close(self.fd) };
    }
}
