//! The pidfile: locked while the daemon runs, and empty until the daemon has started.
//!
//! Hazards: a killed daemon leaves its file, and a daemon that stops removes a file that the next one may have opened already.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use alarmd_core::file::is_deleted;
use alarmd_core::process;

/// The locked file. On drop, the process that locked it removes it.
pub struct Pidfile {
    path: PathBuf,
    file: File,
    owner: u32,
}

impl Pidfile {
    /// Locks and empties the file. An unlocked file of a killed daemon is reused.
    ///
    /// # Errors
    /// A message: which process holds the lock, or why the file cannot be written.
    pub fn lock(path: &Path) -> Result<Pidfile, String> {
        let explain = |error: io::Error| format!("pidfile {}: {error}; name another with --pidfile", path.display());
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o644).open(path);
        let mut file = open().map_err(explain)?;
        // SAFETY: `flock` is integers only, so all zeros is valid: the whole file.
        let mut whole: libc::flock = unsafe { mem::zeroed() };
        whole.l_type = libc::F_WRLCK as _;
        // fcntl's lock, because children do not inherit it: a worker that is forked just before the guardian is killed must not
        // keep the lock.
        // SAFETY: the call reads one `flock`; `file` keeps the descriptor open.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const whole) } == -1 {
            let error = io::Error::last_os_error();
            if ![libc::EACCES, libc::EAGAIN].map(Some).contains(&error.raw_os_error()) {
                return Err(explain(error));
            }
            let mut holder = String::new();
            // The file is empty while the other daemon starts.
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "a daemon that is starting".to_owned(),
                pid => format!("process {pid}"),
            };
            return Err(format!("pidfile {}: locked by {holder}; alarmd is already running", path.display()));
        }
        // The previous owner may have removed the file after it was opened here. Then no other process would find this lock.
        if is_deleted(file.as_raw_fd()) {
            return Pidfile::lock(path);
        }
        file.set_len(0).map_err(explain)?;
        Ok(Pidfile { path: path.to_path_buf(), file, owner: process::me() })
    }

    /// Writes the process id: the daemon has started.
    ///
    /// # Errors
    /// A message.
    pub fn write_pid(&mut self) -> Result<(), String> {
        let written = self.file.write_all(format!("{}\n", self.owner).as_bytes());
        written.map_err(|error| format!("pidfile {}: process id not written: {error}", self.path.display()))
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        if self.owner == process::me() {
            let _ = fs::remove_file(&self.path);
        }
    }
}
