//! A descriptor that stays open, and the bytes for its two levels.
use core::ffi::c_int;
use core::fmt::Write;

use heapless::String;

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
    /// Takes over the descriptor, which is closed with the line. `full` is what the high level is written as: 1, or an
    /// LED's max_brightness.
    pub fn new(fd: c_int, active_low: bool, full: u32) -> Line {
        let mut high = String::new();
        let _ = write!(high, "{full}");
        let mut low = String::new();
        // As long as the other: a shorter text would leave the longer one's end standing in a plain file.
        let _ = write!(low, "{:0width$}", 0, width = high.len());
        let levels = if active_low { [high, low] } else { [low, high] };
        Line { fd, levels, active_low, plain: false }
    }

    /// The file is an ordinary one, which somebody may delete or empty: [`Line::read`] looks for that too.
    pub fn plain(mut self) -> Line {
        self.plain = true;
        self
    }

    /// Writes the level: one system call.
    ///
    /// # Errors
    /// ENODEV: the line was unexported. EPERM: it is an input.
    pub fn write(&self, energised: bool) -> Result<(), Errno> {
        let bytes = self.levels[usize::from(energised)].as_bytes();
        // SAFETY: the bytes are ours and their length goes with them.
        match unsafe { libc::pwrite(self.fd, bytes.as_ptr().cast(), bytes.len(), 0) } {
            -1 => Err(Errno::last()),
            _ => Ok(()),
        }
    }

    /// Reads the level back: energised or not; `None` where the file does not tell.
    ///
    /// # Errors
    /// ENODEV: the line was unexported. ENOENT: the plain file was deleted; what is written goes nowhere.
    pub fn read(&self) -> Result<Option<bool>, Errno> {
        if self.plain && file::is_deleted(self.fd) {
            return Err(Errno::ENOENT);
        }
        let mut buffer = [0u8; 16];
        // SAFETY: the buffer is ours and its length goes with it.
        let count = unsafe { libc::pread(self.fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let Ok(count) = usize::try_from(count) else {
            return match Errno::last() {
                // Opened for writing only.
                Errno::EBADF => Ok(None),
                errno => Err(errno),
            };
        };
        let text = core::str::from_utf8(&buffer[..count]).unwrap_or("");
        match text.trim().parse::<u32>() {
            Ok(level) => Ok(Some((level != 0) != self.active_low)),
            // We wrote a number into it.
            Err(_) if self.plain => Err(Errno::EIO),
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
