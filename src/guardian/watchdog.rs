//! The hardware watchdog ([watchdog-api]): it resets the board unless it is fed. Fed by the guardian, and only when the worker has
//! made rounds, so that a board whose alarms nobody watches starts anew.
//!
//! [watchdog-api]: https://www.kernel.org/doc/Documentation/watchdog/watchdog-api.txt
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use alarmd::clock::{self, S, Time};
use alarmd::settings::{Path, Settings};
use log::{error, info, warn};

/// `WDIOC_SETTIMEOUT`: `_IOWR('W', 6, int)`.
const SET_TIMEOUT: u32 = 0xC004_5706;

/// After this long an attempt to open it is made again.
const AGAIN: u64 = 10 * S;

/// The watchdog, if one is configured.
#[derive(Default)]
pub struct Watchdog {
    wanted: Option<(Path, u32)>,
    file: Option<File>,
    fed_for: u32,
    due: Time,
}

impl Watchdog {
    /// Goes over to these settings. One that is not wanted any more is closed in order.
    pub fn configure(&mut self, settings: &Settings) {
        let wanted = settings.watchdog.clone().map(|path| (path, settings.watchdog_s));
        if wanted != self.wanted {
            self.close();
            self.wanted = wanted;
            self.due = Time::default();
        }
    }

    /// Feeds it if the worker has made a round since the last time.
    pub fn feed(&mut self, rounds: u32) {
        self.open();
        let Some(file) = self.file.as_mut().filter(|_| rounds != self.fed_for) else { return };
        self.fed_for = rounds;
        if let Err(error) = file.write_all(b"\0") {
            if error.kind() != io::ErrorKind::WouldBlock {
                error!("watchdog: {error}; opened again in a while");
                self.file = None;
                self.due = clock::now() + AGAIN;
            }
        }
    }

    /// Disarms and closes it, as the kernel wants it: the last byte is a V.
    pub fn close(&mut self) {
        if let Some(mut file) = self.file.take() {
            if let Err(error) = file.write_all(b"V") {
                error!("watchdog: {error}; it stays armed");
            }
        }
    }

    fn open(&mut self) {
        let Some((path, seconds)) = self.wanted.as_ref().filter(|_| self.file.is_none() && clock::now() >= self.due)
        else {
            return;
        };
        let path = path.as_str();
        self.due = clock::now() + AGAIN;
        match OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path) {
            Err(error) => error!("watchdog {path}: {error}; the board is not reset when alarmd fails"),
            Ok(file) => {
                let mut timeout = *seconds as libc::c_int;
                // SAFETY: the call reads and writes one `int`.
                let set = unsafe { libc::ioctl(file.as_raw_fd(), SET_TIMEOUT as _, &mut timeout) };
                if set == -1 {
                    let error = io::Error::last_os_error();
                    warn!("watchdog {path}: its time cannot be set: {error}; its own counts");
                } else {
                    info!("watchdog {path}: resets the board after {timeout} s without a round");
                }
                self.file = Some(file);
            }
        }
    }
}
