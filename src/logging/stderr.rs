//! The log on stderr.
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::fd::IntoRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicI32, Ordering};

use alarmd_core::clock;
use alarmd_core::file::Inode;
use log::{Level, LevelFilter, Record};

use super::limit::{self, LogLine};
use crate::utc::Utc;

/// The target of a record that is not written: it makes env_logger allocate the buffer of this thread.
const WARM_UP: &str = "warm-up";

/// stderr opened a second time, without blocking; -1 if that is not possible.
static STDERR: AtomicI32 = AtomicI32::new(-1);

/// Makes stderr the log.
pub fn init() -> Result<(), log::SetLoggerError> {
    // A terminal that accepts one byte need not accept a line, so writes must not block. O_NONBLOCK on descriptor 2 would change
    // other processes' stderr too; so stderr is opened again. A plain file never blocks, and its offset must stay shared.
    if Inode::of(c"/proc/self/fd/2").is_ok_and(|inode| !inode.is_plain()) {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        if let Ok(file) = OpenOptions::new().write(true).custom_flags(flags).open("/proc/self/fd/2") {
            STDERR.store(file.into_raw_fd(), Ordering::Relaxed);
        }
    }
    env_logger::Builder::new()
        .filter_level(LevelFilter::Info)
        .parse_default_env()
        .filter_module(WARM_UP, LevelFilter::Error)
        // env_logger's own buffer is not used: it would grow with the longest line.
        .format(|_, record| log_record(record))
        .try_init()?;
    log::error!(target: WARM_UP, "");
    Ok(())
}

fn log_record(record: &Record<'_>) -> io::Result<()> {
    if record.target() == WARM_UP || !limit::permits(record.level()) {
        return Ok(());
    }
    let mut line = LogLine::new();
    let now = Utc(clock::wall());
    let dropped = limit::take_dropped();
    if dropped > 0 {
        let _ = writeln!(line, "{now} alarmd: warning: log: {dropped} lines dropped before this one");
    }
    let _ = write!(line, "{now} alarmd: {}: {}", level_word(record.level()), record.args());
    if line.push('\n').is_err() {
        line.pop();
        let _ = line.push('\n');
    }
    // One write for each line, so that lines of several processes do not mix.
    if !write(line.as_bytes()) {
        limit::add_dropped(dropped + 1);
    }
    Ok(())
}

/// Writes all bytes to stderr. False if stderr does not accept them at once.
fn write(bytes: &[u8]) -> bool {
    let (data, length) = (bytes.as_ptr().cast(), bytes.len());
    let written = match STDERR.load(Ordering::Relaxed) {
        // A socket cannot be opened again. `send` takes MSG_DONTWAIT instead.
        // SAFETY: `data` and `length` are those of `bytes`.
        -1 => unsafe { libc::send(libc::STDERR_FILENO, data, length, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) },
        // SAFETY: `data` and `length` are those of `bytes`.
        stderr => unsafe { libc::write(stderr, data, length) },
    };
    let is_no_socket = || io::Error::last_os_error().raw_os_error() == Some(libc::ENOTSOCK);
    if written == -1 && is_no_socket() && is_writable(libc::STDERR_FILENO) {
        return io::stderr().lock().write_all(bytes).is_ok();
    }
    usize::try_from(written) == Ok(length)
}

fn is_writable(fd: libc::c_int) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: `poll` is one `pollfd`, as the count says.
    unsafe { libc::poll(&mut poll, 1, 0) != 0 }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}
