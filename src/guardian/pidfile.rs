//! The pidfile: a lock while the daemon runs, and the sign that it works. It is empty until then.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use alarmd::file::is_deleted;
use alarmd::process;

/// The locked file. Removed on drop by the process that locked it; a killed daemon's file stays, unlocked, and is taken over.
pub struct Pidfile {
    path: PathBuf,
    file: File,
    process: u32,
}

impl Pidfile {
    /// Locks and empties the file.
    ///
    /// # Errors
    /// A message: who holds it, or why it cannot be written.
    pub fn lock(path: &Path) -> Result<Pidfile, String> {
        let explain = |error: io::Error| format!("pidfile {}: {error}; name another with --pidfile", path.display());
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o644).open(path);
        let mut file = open().map_err(explain)?;
        // SAFETY: `flock` is integers only; all zeros is a value of it: from the beginning to the end.
        let mut whole: libc::flock = unsafe { mem::zeroed() };
        whole.l_type = libc::F_WRLCK as _;
        // A lock of the process, which a worker does not inherit: one that was forked in the instant in which the guardian is
        // killed must not keep the next daemon away.
        // SAFETY: the call reads one `flock`; `file` keeps the descriptor open.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const whole) } == -1 {
            let error = io::Error::last_os_error();
            if ![libc::EACCES, libc::EAGAIN].map(Some).contains(&error.raw_os_error()) {
                return Err(explain(error));
            }
            let mut holder = String::new();
            // Empty while the other one starts.
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "it is starting".to_owned(),
                pid => format!("as process {pid}"),
            };
            return Err(format!("alarmd runs already, {holder} (it holds {})", path.display()));
        }
        // Whoever held it may have removed it while we opened it: then we hold a file that nobody finds.
        if is_deleted(file.as_raw_fd()) {
            return Pidfile::lock(path);
        }
        file.set_len(0).map_err(explain)?;
        Ok(Pidfile { path: path.to_path_buf(), file, process: process::me() })
    }

    /// Says that the daemon works: writes its process id.
    ///
    /// # Errors
    /// The file's.
    pub fn ready(&mut self) -> io::Result<()> {
        self.file.write_all(format!("{}\n", std::process::id()).as_bytes())
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        if self.process == process::me() {
            let _ = fs::remove_file(&self.path);
        }
    }
}
