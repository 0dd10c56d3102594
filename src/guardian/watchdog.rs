//! The hardware watchdog ([watchdog-api]): it resets the board when it is not fed. The guardian feeds it only when the worker has
//! made rounds, so that a board without a working annunciator is reset.
//!
//! [watchdog-api]: https://www.kernel.org/doc/Documentation/watchdog/watchdog-api.txt
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use crate::config::Settings;
use alarmd_core::clock::{self, S, Time};
use alarmd_core::path::FilePath;
use log::{error, info, warn};

/// `WDIOC_SETTIMEOUT`: `_IOWR('W', 6, int)`.
const SET_TIMEOUT: u32 = 0xC004_5706;

/// The time between two attempts to open it, in seconds.
const RETRY_S: u64 = 10;

/// The watchdog, if one is configured.
#[derive(Default)]
pub struct Watchdog {
    /// Its path and its timeout in seconds.
    configured: Option<(FilePath, u32)>,
    file: Option<File>,
    rounds_at_feed: u32,
    next_open: Time,
    /// The error that the last attempt to open it logged.
    open_error: Option<i32>,
}

impl Watchdog {
    /// Applies the settings. A watchdog that is no longer configured is disarmed.
    pub fn configure(&mut self, settings: &Settings) {
        let configured = settings.watchdog.clone().map(|path| (path, settings.watchdog_s));
        if configured != self.configured {
            self.close();
            self.configured = configured;
            self.next_open = Time::default();
        }
    }

    /// Feeds the watchdog if the worker has made a round since the last time.
    pub fn feed(&mut self, rounds: u32) {
        let Some((path, seconds)) = &self.configured else { return };
        let (path, seconds) = (path.as_str(), *seconds);
        if self.file.is_none() && clock::now() >= self.next_open {
            self.next_open = clock::now() + RETRY_S * S;
            match open(path, seconds) {
                Ok(file) => (self.file, self.open_error) = (Some(file), None),
                Err(error) => {
                    let last = std::mem::replace(&mut self.open_error, error.raw_os_error());
                    if last != self.open_error {
                        error!("watchdog {path}: not opened: {error}; if alarmd fails, the board is not reset");
                    }
                }
            }
        }
        let Some(file) = self.file.as_mut().filter(|_| rounds != self.rounds_at_feed) else { return };
        self.rounds_at_feed = rounds;
        if let Err(error) = file.write_all(b"\0") {
            if error.kind() != io::ErrorKind::WouldBlock {
                error!("watchdog {path}: not fed: {error}; opening it again in {RETRY_S} s");
                self.file = None;
                self.next_open = clock::now() + RETRY_S * S;
            }
        }
    }

    /// Disarms and closes the watchdog. The byte V before the close disarms it.
    pub fn close(&mut self) {
        if let Some(mut file) = self.file.take() {
            if let Err(error) = file.write_all(b"V") {
                error!("watchdog: not disarmed: {error}; the board is reset unless another process feeds it in time");
            }
        }
    }
}

fn open(path: &str, seconds: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let mut timeout = seconds as libc::c_int;
    // SAFETY: the call reads and writes one `int`.
    if unsafe { libc::ioctl(file.as_raw_fd(), SET_TIMEOUT as _, &mut timeout) } == -1 {
        let error = io::Error::last_os_error();
        warn!("watchdog {path}: timeout not set: {error}; the driver's default applies");
    } else {
        info!("watchdog {path}: resets the board after {timeout} s without a round");
    }
    Ok(file)
}
